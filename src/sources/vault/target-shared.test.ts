import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../../hack/cluster/pki.ts';
import { appRole, HOST, secret, target, type Setting } from '../../../test/support/vault-integration.ts';

const { cert: PEM } = await createAuthority('vault-ca');
const { cert: OTHER_PEM } = await createAuthority('other-ca');

/** Somebody wrote the Secret again: the same credential, another label. */
const touched = { ...secret(), metadata: { ...secret().metadata, labels: { a: 'b' }, resourceVersion: '8' } };

describe('two targets share', () => {
  const path = (path: string): Setting => ({ spec: { path } });
  const both: Record<string, [a: Setting, b: Setting]> = {
    'a request for the same path of another integration': [{}, { name: 'other' }],
    'a request for the same path written differently': [path('secret/data/app'), path('/v1/secret/data/app')],
    'a request to the same host written differently': [
      {},
      { spec: { host: 'https://VAULT.example.com:8200/' } },
    ],
    'a request after the display name changed': [{}, { spec: { displayName: 'New' } }],
    'a request after the Secret was written again with the same token': [{}, { secret: touched }],
  };
  it.each(Object.entries(both))('%s', (_, [a, b]) => {
    expect(target(a).readId).toBe(target(b).readId);
  });

  const token = { secretRef: { name: 'vault-prod', key: 'token' } };
  const inNamespace = (namespace: string): Setting => ({
    spec: { namespace, auth: { namespace: 'shared', token } },
  });
  const login: Record<string, [a: Setting, b: Setting]> = {
    paths: [path('secret/data/a'), path('secret/data/b')],
    'paths below that of the integration': [{}, { place: { path: 'db' } }],
    versions: [{}, { place: { version: 1 } }],
    'namespaces of the path, with one for the login': [inNamespace('team-a'), inNamespace('team-b')],
    'scoped tokens': [{}, { spec: { scopedTokens: { policies: ['a'] } } }],
    'lives of scoped tokens': [
      { spec: { scopedTokens: { policies: ['a'] } } },
      { spec: { scopedTokens: { policies: ['a'], ttl: '30s' } } },
    ],
  };
  it.each(Object.entries(login))('a login, but no request, with different %s', (_, [one, other]) => {
    const [a, b] = [target(one), target(other)];
    expect(a.connectionId).toBe(b.connectionId);
    expect(a.readId).not.toBe(b.readId);
  });

  const server: Record<string, [a: Setting, b: Setting]> = {
    logins: [{}, { spec: { auth: { appRole } } }],
    'namespaces of the login': [{}, { spec: { namespace: 'team-a' } }],
    credentials: [{}, { secret: secret({ data: { token: 'hvs.other' } }) }],
  };
  it.each(Object.entries(server))('a server, but no login, with different %s', (_, [one, other]) => {
    const [a, b] = [target(one), target(other)];
    expect(a.serverId).toBe(b.serverId);
    expect(a.connectionId).not.toBe(b.connectionId);
  });

  const apart: Record<string, [a: Setting, b: Setting]> = {
    CAs: [{ spec: { tls: { caBundle: PEM } } }, { spec: { tls: { caBundle: OTHER_PEM } } }],
    'ways to check the server': [{}, { spec: { tls: { caBundle: PEM } } }],
    'redirect hosts': [{}, { spec: { redirectHosts: ['https://vault-1.example.com'] } }],
    'rights of the host': [{}, { vaultHosts: [HOST] }],
  };
  it.each(Object.entries(apart))('not even a server with different %s', (_, [one, other]) => {
    expect(target(one).serverId).not.toBe(target(other).serverId);
    expect(target(one).connectionId).not.toBe(target(other).connectionId);
  });

  const auth = { appRole };
  const neither: Record<string, [a: Setting, b: Setting]> = {
    'another token': [{}, { secret: secret({ data: { token: 'hvs.other' } }) }],
    'another port': [
      {},
      { spec: { host: 'https://vault.example.com' }, secret: secret({ host: 'https://vault.example.com' }) },
    ],
    'another namespace': [{}, { spec: { namespace: 'team-a' } }],
    'another CA': [{}, { spec: { tls: { caBundle: PEM } } }],
    'another Secret, though it holds the same token': [
      {},
      { spec: { auth: { token: { secretRef: { name: 'vault-prod-2', key: 'token' } } } } },
    ],
    'another method': [{}, { spec: { auth } }],
    'another role': [{ spec: { auth } }, { spec: { auth: { appRole: { ...appRole, roleId: 'role-2' } } } }],
    'another login mount': [
      { spec: { auth } },
      { spec: { auth: { appRole: { ...appRole, mountPath: 'other' } } } },
    ],
    'another secret id': [
      { spec: { auth } },
      { spec: { auth }, secret: secret({ data: { secretId: 'other' } }) },
    ],
  };
  it.each(Object.entries(neither))('nothing with %s', (_, [a, b]) => {
    expect(target(a).connectionId).not.toBe(target(b).connectionId);
    expect(target(a).readId).not.toBe(target(b).readId);
  });

  it('no revision once the Secret was deleted and made again', () => {
    expect(target().revision).not.toBe(target({ secret: secret({ uid: 'uid-2' }) }).revision);
  });

  it('a revision while the Secret is only touched: another label must not set off another bad login', () => {
    expect(target().revision).toBe(target({ secret: touched }).revision);
  });
});
