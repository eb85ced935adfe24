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
import { createAuthority } from '../../../hack/cluster/pki.ts';
import { LIMITS } from '../../api/names.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';

const { cert: PEM } = await createAuthority('vault-ca');

describe('a target', () => {
  it('holds all that a read needs', () => {
    expect(target({ spec: { namespace: 'team-a/', tls: { caBundle: PEM } } })).toMatchObject({
      kind: 'target',
      name: 'vault-prod-finance',
      origin: HOST,
      namespace: 'team-a',
      loginNamespace: 'team-a',
      tls: { ca: PEM },
      redirects: [],
      listed: false,
      mount: 'secret',
      secretPath: 'production',
      apiPath: 'secret/data/production',
      location: `${HOST}/v1/secret/data/production in namespace team-a`,
      methods: [
        {
          kind: 'token',
          source: 'Secret vault-prod',
          revision: expect.stringMatching(/^uid-1\/[-\w]{32}$/),
        },
      ],
    });
  });

  it('reads below the path of the integration, in a version', () => {
    expect(target({ place: { path: '/db/main/', version: 3 } })).toMatchObject({
      secretPath: 'production/db/main',
      apiPath: 'secret/data/production/db/main',
      version: 3,
      location: `${HOST}/v1/secret/data/production/db/main?version=3`,
    });
  });

  it('logs in to another namespace than it reads in', () => {
    const auth = { namespace: 'root-team/', token: { secretRef: { name: 'vault-prod', key: 'token' } } };
    expect(target({ spec: { namespace: 'team-a', auth } })).toMatchObject({
      namespace: 'team-a',
      loginNamespace: 'root-team',
      location: `${HOST}/v1/secret/data/production in namespace team-a`,
    });
  });

  it('knows where redirects may lead, and which of those the operator listed', () => {
    const other = 'https://vault-2.example.com';
    const redirectHosts = ['HTTPS://Vault-1.example.com:443/', other];
    expect(target({ spec: { redirectHosts: ['HTTPS://Vault-1.example.com:443/'] } }).redirects).toEqual([
      { origin: 'https://vault-1.example.com', listed: false },
    ]);
    const vaultHosts = [HOST, 'https://vault-1.example.com', other];
    expect(target({ spec: { redirectHosts }, vaultHosts }).redirects).toEqual([
      { origin: 'https://vault-1.example.com', listed: true },
      { origin: other, listed: true },
    ]);
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
    'must not be http': [
      at('http://vault.example.com'),
      'the host http://vault.example.com is without TLS: use https (or the operator --allow-http-vault)',
    ],
    'must not be http though it is on the list': [
      at('http://vault.example.com', ['http://vault.example.com']),
      'the host http://vault.example.com is without TLS',
    ],
    'must be on the list also without TLS': [
      { ...at('http://other.example.com', [HOST]), allowHttp: true },
      'the operator does not allow the host http://other.example.com (--vault-hosts)',
    ],
    'must be on the list if a redirect may lead to it': [
      { spec: { redirectHosts: ['https://vault-1.example.com'] }, vaultHosts: [HOST] },
      'the operator does not allow the host https://vault-1.example.com (--vault-hosts)',
    ],
    'must not be a metadata service behind a redirect': [
      { spec: { redirectHosts: ['https://169.254.169.254'] } },
      'the host https://169.254.169.254 is a',
    ],
    'must be an origin behind a redirect': [
      { spec: { redirectHosts: ['https://vault-1.example.com/v1'] } },
      'spec.host must be an origin',
    ],
    'must not be http behind a redirect from https': [
      { spec: { redirectHosts: ['http://vault-1.example.com'] }, allowHttp: true },
      'spec.redirectHosts must not lead from https to http://vault-1.example.com: use https there, too',
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
    'may be http if the operator allows it': [{ ...at('http://vault.internal'), allowHttp: true }, false],
    'may be loopback if it is on the list': [at('https://127.0.0.1:8200', ['https://127.0.0.1:8200']), true],
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
    'a login namespace that leads elsewhere': [
      { auth: { namespace: 'a/../b', appRole } },
      'NamespaceNotFound',
    ],
    'a CA that is none': [{ tls: { caBundle: 'hello' } }, 'TLSVerificationFailed'],
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

  it.each(['../other', 'a/../../b', '.', 'a//b', 'a?version=1', 'a%2fb', 'a\\b', '', '/'])(
    'a place below its path that leads elsewhere: %j',
    (path) => {
      expect(make({ place: { path } })).toMatchObject({
        reason: 'PathNotFound',
        message: expect.stringContaining('secret.path must be a path below'),
      });
    },
  );
});
