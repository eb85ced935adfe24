import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  appRole,
  HOST,
  make,
  secret,
  target,
  TOKEN,
  type Setting,
} from '../../../test/support/vault-integration.ts';
import { LIMITS } from '../../api/names.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';

describe('a target', () => {
  it('holds all that a read needs', () => {
    expect(target({ spec: { namespace: 'team-a/', tls: { caBundle: 'PEM' } } })).toMatchObject({
      kind: 'target',
      name: 'vault-prod-finance',
      origin: HOST,
      namespace: 'team-a',
      caBundle: 'PEM',
      listed: false,
      mount: 'secret',
      secretPath: 'production',
      apiPath: 'secret/data/production',
      location: `${HOST}/v1/secret/data/production in namespace team-a`,
      methods: [
        { kind: 'token', secretName: 'vault-prod', revision: expect.stringMatching(/^uid-1\/[-\w]{32}$/) },
      ],
    });
  });

  it('has the login methods in their order: appRole, token', () => {
    const { methods } = target({
      spec: { auth: { token: { secretRef: { name: 'vault-prod', key: 'token' } }, appRole } },
    });
    expect(methods).toMatchObject([
      { kind: 'appRole', mount: 'approle', roleId: 'role-1' },
      { kind: 'token' },
    ]);
  });

  it('takes the mount of the AppRole login without its slash', () => {
    const { methods } = target({ spec: { auth: { appRole: { ...appRole, mountPath: 'team/approle/' } } } });
    expect(methods).toMatchObject([{ kind: 'appRole', mount: 'team/approle' }]);
  });

  it('takes credentials without the white space around them', () => {
    const { methods } = target({ secret: secret({ data: { token: `\n ${TOKEN}\r\n` } }) });
    expect(methods[0]?.kind === 'token' && methods[0].token.reveal()).toBe(TOKEN);
  });

  it('leaves out a method whose credentials are missing if another has its own', () => {
    const auth = { token: { secretRef: { name: 'vault-prod', key: 'token' } }, appRole };
    const { methods } = target({ spec: { auth }, secret: secret({ data: { token: TOKEN } }) });
    expect(methods.map(({ kind }) => kind)).toEqual(['token']);
  });

  it('shows no credential when it is printed', () => {
    const auth = { token: { secretRef: { name: 'vault-prod', key: 'token' } }, appRole };
    const printed = inspect(target({ spec: { auth } }), { depth: Infinity, showHidden: true });
    expect(printed + JSON.stringify(target({ spec: { auth } }))).not.toContain('planted');
  });
});

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
    'a request after the Secret was written again with the same token': [
      {},
      { secret: secret({ resourceVersion: '8' }) },
    ],
  };
  it.each(Object.entries(both))('%s', (_, [a, b]) => {
    expect(target(a).readId).toBe(target(b).readId);
  });

  it('a connection, but no request, for different paths', () => {
    const [a, b] = [target(path('secret/data/a')), target(path('secret/data/b'))];
    expect(a.connectionId).toBe(b.connectionId);
    expect(a.readId).not.toBe(b.readId);
  });

  const auth = { appRole };
  const neither: Record<string, [a: Setting, b: Setting]> = {
    'another token': [{}, { secret: secret({ data: { token: 'hvs.other' } }) }],
    'another port': [
      {},
      { spec: { host: 'https://vault.example.com' }, secret: secret({ host: 'https://vault.example.com' }) },
    ],
    'another namespace': [{}, { spec: { namespace: 'team-a' } }],
    'another CA': [{}, { spec: { tls: { caBundle: 'PEM' } } }],
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
    expect(target().revision).toBe(target({ secret: secret({ resourceVersion: '8' }) }).revision);
  });
});

describe('a host', () => {
  const at = (host: string, vaultHosts: readonly string[] = []): Setting => ({
    spec: { host },
    secret: secret({ host }),
    vaultHosts,
  });
  const refused: Record<string, [setting: Setting, message: string]> = {
    'must be on the list if there is one': [
      at('https://other.example.com', [HOST]),
      'the operator does not allow the host https://other.example.com (--vault-hosts)',
    ],
    'must be on the list with its port': [
      at('https://vault.example.com', [HOST]),
      'the operator does not allow the host https://vault.example.com (--vault-hosts)',
    ],
    'must not be http without being on the list': [
      at('http://vault.example.com'),
      'the host http://vault.example.com is without TLS',
    ],
    'must not be loopback': [at('https://127.0.0.1:8200'), 'the host https://127.0.0.1:8200 is a loopback'],
    'must not be loopback in disguise': [
      at('https://0x7f000001'),
      'the host https://127.0.0.1 is a loopback',
    ],
    'must not be loopback in IPv6': [at('https://[::1]:8200'), 'the host https://[::1]:8200 is a loopback'],
    'must not be loopback mapped into IPv6': [
      at('https://[::ffff:127.0.0.1]'),
      'the host https://[::ffff:7f00:1] is a loopback',
    ],
    'must not be a metadata service': [
      at('https://169.254.169.254'),
      'the host https://169.254.169.254 is a',
    ],
    'must be an origin': [at('https://vault.example.com/v1'), 'spec.host must be an origin'],
    'must be a URL': [at('vault'), 'spec.host must be an origin'],
  };
  it.each(Object.entries(refused))('%s', (_, [setting, message]) => {
    const made = make(setting);
    expect(made).toMatchObject({ kind: 'failed', reason: 'NotSupportedHere' });
    expect(made).toHaveProperty('message', expect.stringContaining(message));
  });

  const allowed: Record<string, [setting: Setting, listed: boolean]> = {
    'may be any https host if there is no list': [at(HOST), false],
    'may be private': [at('https://10.0.0.1:8200'), false],
    'may be on the list, however it is written there': [at(HOST, ['HTTPS://vault.EXAMPLE.com:8200/']), true],
    'may be http if it is on the list': [at('http://vault.internal', ['http://vault.internal/']), true],
    'may be loopback if it is on the list': [at('http://127.0.0.1:8200', ['http://127.0.0.1:8200']), true],
  };
  it.each(Object.entries(allowed))('%s', (_, [setting, listed]) => {
    expect(make(setting)).toMatchObject({ kind: 'target', listed });
  });
});

describe('an integration is refused for', () => {
  const rows: Record<string, [changes: Partial<VaultIntegrationSpec>, reason: string]> = {
    'a path without data': [{ path: 'secret/production' }, 'NotKVv2'],
    'a path that leads elsewhere': [{ path: 'secret/data/../../sys' }, 'NotKVv2'],
    'a namespace that leads elsewhere': [{ namespace: '../root' }, 'NamespaceNotFound'],
    'a namespace that could end a header': [{ namespace: 'a\r\nX-Other: 1' }, 'NamespaceNotFound'],
    'a namespace with letters that no header can hold': [{ namespace: 'ünter' }, 'NamespaceNotFound'],
    'no login method': [{ auth: {} }, 'NotSupportedHere'],
    'a login mount that leads elsewhere': [
      { auth: { appRole: { ...appRole, mountPath: '../../sys' } } },
      'LoginFailed',
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [changes, reason]) => {
    const made = make({ spec: changes });
    expect(made).toMatchObject({ kind: 'failed', reason });
    expect(made.kind === 'failed' && Buffer.byteLength(made.message)).toBeLessThanOrEqual(
      LIMITS.messageBytes,
    );
  });
});
