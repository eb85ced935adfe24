import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { appRole, HOST, make, secret, TOKEN, type Setting } from '../../../test/support/vault-integration.ts';

describe('credentials', () => {
  const host =
    'annotation fairlead.dev/vault-host of Secret vault-prod must be https://vault.example.com:8200';
  const bundled = { spec: { resourceBundle: 'finance' } };
  const refused: Record<string, [setting: Setting, message: string]> = {
    'are refused if the Secret has another type': [
      { secret: secret({ type: 'Opaque' }) },
      'Secret vault-prod must be of type fairlead.dev/vault-credentials',
    ],
    'are refused if they are for another host': [{ secret: secret({ host: 'https://other:8200' }) }, host],
    'are refused if they are for another port': [
      { secret: secret({ host: 'https://vault.example.com' }) },
      host,
    ],
    'are refused if they are for http': [{ secret: secret({ host: 'http://vault.example.com:8200' }) }, host],
    'are refused if they are for a longer name': [
      { secret: secret({ host: 'https://vault.example.com:8200.evil.example' }) },
      host,
    ],
    'are refused if they are for a host and a path': [{ secret: secret({ host: `${HOST}/team` }) }, host],
    'are refused if they are for a list of hosts': [
      { secret: secret({ host: `${HOST},https://other` }) },
      host,
    ],
    'are refused if they are for no host': [{ secret: { ...secret(), metadata: {} } }, host],
    'are refused if they have no metadata': [
      { secret: { type: 'fairlead.dev/vault-credentials', data: { token: btoa(TOKEN) } } },
      host,
    ],
    'are refused if they are for another bundle': [
      { ...bundled, secret: secret({ bundle: 'marketing' }) },
      'annotation fairlead.dev/resource-bundle of Secret vault-prod must be finance',
    ],
    'are refused if they are for no bundle but the integration has one': [
      bundled,
      'annotation fairlead.dev/resource-bundle of Secret vault-prod must be finance',
    ],
    'are refused if they are for a bundle but the integration has none': [
      { secret: secret({ bundle: 'finance' }) },
      'Secret vault-prod must have no annotation fairlead.dev/resource-bundle',
    ],
    'are refused if they are for an empty bundle': [
      { secret: secret({ bundle: '' }) },
      'Secret vault-prod must have no annotation fairlead.dev/resource-bundle',
    ],
    'are refused if they could end a header': [
      { secret: secret({ data: { token: `${TOKEN}\r\nX-Other: 1` } }) },
      'key "token" of Secret vault-prod holds characters that no credential has',
    ],
    'are refused if the token is two words': [
      { secret: secret({ data: { token: `${TOKEN} x` } }) },
      'key "token" of Secret vault-prod holds characters that no credential has',
    ],
    'are refused if the secret id has control characters': [
      { spec: { auth: { appRole } }, secret: secret({ data: { secretId: 'planted\0' } }) },
      'key "secretId" of Secret vault-prod holds characters that no credential has',
    ],
  };
  it.each(Object.entries(refused))('%s', (_, [setting, message]) => {
    const made = make(setting);
    expect(made).toMatchObject({ kind: 'failed', reason: 'CredentialsRefused' });
    expect(made).toHaveProperty('message', expect.stringContaining(message));
    expect(inspect(made, { depth: Infinity })).not.toContain('planted');
  });

  it('are not told what the Secret is bound to instead', () => {
    const made = make({
      ...bundled,
      secret: secret({ bundle: 'somebody-elses', host: 'https://secret-host' }),
    });
    expect(inspect(made)).not.toMatch(/somebody-elses|secret-host/);
  });

  const accepted: Record<string, Setting> = {
    'are taken if the bundles are the same': { ...bundled, secret: secret({ bundle: 'finance' }) },
    'are taken if the hosts differ in case, slash and default port only': {
      spec: { host: 'https://vault.example.com' },
      secret: secret({ host: 'HTTPS://Vault.Example.Com:443/' }),
    },
    'are taken if a secret id has blanks inside': {
      spec: { auth: { appRole } },
      secret: secret({ data: { secretId: 'a b' } }),
    },
  };
  it.each(Object.entries(accepted))('%s', (_, setting) => {
    expect(make(setting).kind).toBe('target');
  });

  const missing: Record<string, [setting: Setting, message: string]> = {
    'are missing if the Secret is': [
      { secret: 'none' },
      'there is no Secret vault-prod of type fairlead.dev/vault-credentials in the system namespace',
    ],
    'are missing if the key is': [
      { secret: secret({ data: { other: TOKEN } }) },
      'Secret vault-prod has no key "token", or it is empty',
    ],
    'are missing if the key is empty': [
      { secret: secret({ data: { token: ' \n' } }) },
      'Secret vault-prod has no key "token", or it is empty',
    ],
    'are missing if the key is one that objects have by birth': [
      { spec: { auth: { token: { secretRef: { name: 'vault-prod', key: 'constructor' } } } } },
      'Secret vault-prod has no key "constructor", or it is empty',
    ],
    'are missing if the Secret has no data': [
      { secret: { ...secret(), data: undefined } },
      'Secret vault-prod has no key "token", or it is empty',
    ],
  };
  it.each(Object.entries(missing))('%s', (_, [setting, message]) => {
    expect(make(setting)).toMatchObject({ kind: 'failed', reason: 'CredentialsMissing', message });
  });
});
