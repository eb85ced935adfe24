import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue, type Authority } from '../../hack/cluster/pki.ts';
import { readRequestHeader } from './request-header.ts';

let authority: Authority;
let leaf: string;
beforeAll(async () => {
  authority = await createAuthority('front-proxy');
  leaf = (await issue(authority, { commonName: 'x', usage: ['client'] })).cert;
});

const data = (more: object = {}) => ({
  'requestheader-client-ca-file': authority.cert,
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-username-headers': '["X-Remote-User"]',
  'requestheader-uid-headers': '["X-Remote-Uid"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  'client-ca-file': 'of no interest',
  ...more,
});

describe('what kube-apiserver publishes', () => {
  it('is read as it stands, names of headers in lower case', () => {
    expect(readRequestHeader(data())).toMatchObject({
      kind: 'config',
      config: {
        ca: authority.cert,
        authorities: [{ ca: true }],
        allowedNames: new Set(['front-proxy-client']),
        userHeaders: ['x-remote-user'],
        uidHeaders: ['x-remote-uid'],
        groupHeaders: ['x-remote-group'],
        extraPrefixes: ['x-remote-extra-'],
      },
    });
  });

  it('may lack the headers that older versions do not have', () => {
    const without = { 'requestheader-uid-headers': undefined, 'requestheader-extra-headers-prefix': '[]' };
    expect(readRequestHeader(data(without))).toMatchObject({ config: { uidHeaders: [], extraPrefixes: [] } });
  });

  it('may have several authorities', () => {
    const two = { 'requestheader-client-ca-file': authority.cert + authority.cert };
    expect(readRequestHeader(data(two))).toMatchObject({ config: { authorities: [{}, {}] } });
  });

  it.each<[string, () => object | undefined, string]>([
    ['nothing', () => undefined, 'it is not there'],
    ['no authority', () => data({ 'requestheader-client-ca-file': '' }), 'no authority'],
    ['an authority that is none', () => data({ 'requestheader-client-ca-file': leaf }), 'no authority'],
    [
      'an authority that is cut off',
      () => data({ 'requestheader-client-ca-file': authority.cert.replace(/[A-Za-z0-9+/=]{40}\n-/, '\n-') }),
      'no authority',
    ],
    ['no names', () => data({ 'requestheader-allowed-names': '[]' }), 'allowed-names is empty'],
    ['an empty name', () => data({ 'requestheader-allowed-names': '[""]' }), 'allowed-names is empty'],
    ['names left out', () => data({ 'requestheader-allowed-names': undefined }), 'allowed-names is empty'],
    [
      'names that are no list',
      () => data({ 'requestheader-allowed-names': '"x"' }),
      'allowed-names is empty',
    ],
    ['names that are no JSON', () => data({ 'requestheader-allowed-names': 'x' }), 'allowed-names is empty'],
    [
      'no header for users',
      () => data({ 'requestheader-username-headers': '[]' }),
      'username-headers is empty',
    ],
  ])('lets nobody be believed with %s', (_, published, why) => {
    expect(readRequestHeader(published() as Record<string, unknown>)).toEqual({
      kind: 'unusable',
      why: expect.stringContaining(why),
    });
  });
});
