import { describe, expect, it } from 'vitest';
import { parseJson } from '../../json/json.ts';
import {
  commonFault,
  namespaceNotFound,
  notKVv2,
  serverFault,
  versionNotFound,
  type Answer,
  type FoundMount,
} from './faults.ts';

function answer(status: number, body?: object | string): Answer {
  return { status, body: typeof body === 'object' ? parseJson(JSON.stringify(body)) : undefined };
}

const errors = (...texts: string[]) => ({ errors: texts });

describe('a mount that is not KV version 2', () => {
  const rows: Record<string, [found: FoundMount | undefined, says: string]> = {
    'is said to be none if Vault does not tell more': [
      undefined,
      '"secret" is not the mount of a KV version 2 engine: use the API path <mount>/data/<path>',
    ],
    'is said to be of version 1, with the way to change it': [
      { mount: 'kv1', type: 'kv', version: '1' },
      '"kv1" is a KV version 1 engine, which has no versions (to change it: vault kv enable-versioning kv1)',
    ],
    'is of version 1 without options': [{ mount: 'kv1', type: 'kv' }, '"kv1" is a KV version 1 engine'],
    'is of version 1 if it is generic': [{ mount: 'old', type: 'generic' }, '"old" is a KV version 1 engine'],
    'is said to be of another type': [
      { mount: 'pki', type: 'pki' },
      '"pki" is a secrets engine of type "pki", not KV',
    ],
    'may be a mount of version 2 with another name': [
      { mount: 'team', type: 'kv', version: '2' },
      '"team" is a KV version 2 engine, but what follows it is not data/<path>',
    ],
    'may have a type that is cut': [
      { mount: 'x', type: `${'y'.repeat(300)}planted` },
      `of type "${'y'.repeat(200)}…", not KV`,
    ],
    'may have a type that is escaped': [{ mount: 'x', type: 'a"\n' }, 'of type "a\\"\\n", not KV'],
  };
  it.each(Object.entries(rows))('%s', (_, [found, says]) => {
    const fault = notKVv2('secret', 404, found);
    expect(fault).toMatchObject({ reason: 'NotKVv2', scope: 'read', status: 404 });
    expect(fault.what).toContain(says);
    expect(fault.what).toContain('use the API path <mount>/data/<path>');
    expect(fault.what).not.toContain('planted');
  });
});

describe('a version', () => {
  it('that is not there is not a path that is not there', () => {
    expect(versionNotFound(7, 404)).toMatchObject({
      reason: 'VersionNotFound',
      scope: 'read',
      what: expect.stringContaining('no version 7'),
    });
  });
});

describe('any answer', () => {
  it('that redirects elsewhere says where, and how to follow', () => {
    const redirect = { ...answer(307), redirectTo: 'https://vault-1.example.com' };
    expect(commonFault(redirect)?.what).toContain(
      'redirects to https://vault-1.example.com, which Fairlead does not follow: use that address in spec.host, or list it in spec.redirectHosts',
    );
  });

  const scopes: Record<string, [given: Answer, scope: string]> = {
    'of a sealed Vault is about the server': [answer(503, errors('x')), 'server'],
    'of a gateway without a Vault is about the server': [answer(502, '<html>'), 'server'],
    'of something in front is about the login alone': [answer(403, '<html>'), 'connection'],
    'of a quota is about the login alone': [answer(429, errors('x')), 'connection'],
    'that redirects is about the login alone': [answer(307), 'connection'],
  };
  it.each(Object.entries(scopes))('%s', (_, [given, scope]) => {
    expect(commonFault(given)?.scope).toBe(scope);
  });

  it('that is an internal error is about what it was for', () => {
    const broken = answer(500, errors('x'));
    expect(serverFault(broken, 'connection')).toMatchObject({ reason: 'Unreachable', scope: 'connection' });
    expect(serverFault(broken, 'read')).toMatchObject({ scope: 'read', status: 500 });
  });

  it('that is an internal error keeps the time that the server asks for', () => {
    expect(serverFault({ ...answer(503), retryAfterMs: 7_000 }, 'read')).toMatchObject({
      retryAfterMs: 7_000,
    });
    expect(serverFault(answer(500), 'read')).not.toHaveProperty('retryAfterMs');
  });

  it.each([
    ['of Vault', answer(200, {})],
    ['of Vault with an error', answer(400, errors('x'))],
    ['without content', answer(204)],
  ])('%s is no fault in itself', (_, given) => {
    expect(commonFault(given)).toBeUndefined();
  });

  it.each([300, 301, 302, 303, 307, 308])('with status %d is a redirect, whatever its body', (status) => {
    expect(commonFault(answer(status, errors('x')))?.what).toContain('redirects');
  });

  it('about a namespace is about the connection', () => {
    expect(namespaceNotFound(404)).toMatchObject({ scope: 'connection', status: 404 });
  });
});
