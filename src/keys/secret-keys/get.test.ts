import { describe, expect, it } from 'vitest';
import type { VaultAnswer } from '../../sources/vault/source.ts';
import { fields, integration, lab, store, type Setting } from './test-support.ts';

const SETTING: Setting = {
  stores: [store('stores-marketing', 'a'), store('stores', 'smtp'), store('stores-finance', 'f')],
  integrations: [integration('v1'), integration('v2', { domains: ['finance'] })],
  vault: async () => fields('s3', 'a b:c'),
};
const failed = (reason: string): VaultAnswer =>
  ({ kind: 'failed', location: 'l', reason, message: 'HTTP 403 of Secret login' }) as VaultAnswer;

describe('one key', () => {
  it.each([
    ['kubernetes:marketing:a', { key: 'a', source: { type: 'KUBERNETES', id: 'marketing' } }],
    ['kubernetes:global:smtp', { key: 'smtp', source: { type: 'KUBERNETES', id: 'global' } }],
    ['vault:v1:s3', { key: 's3', source: { type: 'VAULT', id: 'v1' } }],
    ['vault:v1:a b:c', { key: 'a b:c', source: { type: 'VAULT', id: 'v1' } }],
  ])('%s comes without a value', async (name, secret) => {
    const { call, audited } = lab(SETTING);
    expect(await call('get', { name })).toEqual({
      object: { metadata: { name, namespace: 'team-a' }, spec: { secret } },
    });
    expect(audited).toMatchObject([{ action: 'list-keys', outcome: 'allowed', ...secret }]);
  });

  it.each<[string, string, Setting, string]>([
    ['that is not there', 'kubernetes:marketing:b', {}, 'KeyNotFound'],
    ['that is not in Vault', 'vault:v1:b', {}, 'KeyNotFound'],
    ["of another domain's store", 'kubernetes:finance:f', {}, 'DomainForbidden'],
    ['of an integration that is not shared', 'vault:v2:s3', {}, 'UseForbidden'],
    ['of no integration', 'vault:v3:s3', {}, 'UseForbidden'],
    ['that the caller may not use', 'vault:v1:s3', { may: () => false }, 'UseForbidden'],
    ['without a domain', 'kubernetes:global:smtp', { namespaces: { 'team-a': undefined } }, 'DomainMissing'],
    ['at a path with nothing', 'vault:v1:s3', { vault: async () => failed('PathNotFound') }, 'KeyNotFound'],
  ])('%s is not found, whatever the cause', async (_, name, more, reason) => {
    const { call, noted } = lab({ ...SETTING, ...more });
    await expect(call('get', { name })).rejects.toMatchObject({
      code: 'NotFound',
      message: `secretkeys.keys.fairlead.dev "${name}" not found`,
      details: { name },
    });
    expect(noted).toMatchObject([{ reason }]);
  });

  it.each(['hunter2', 'vault:v1:a%2Fb', 'vault:v1:a/b', ''])('%j is no name', async (name) => {
    const { call, gets, noted } = lab(SETTING);
    await expect(call('get', { name })).rejects.toMatchObject({ code: 'NotFound' });
    expect(gets).toEqual([]);
    expect(noted).toMatchObject([{ action: 'list-keys', outcome: 'refused', reason: 'NameInvalid' }]);
  });

  it('reads no source but its own', async () => {
    const { call, reads, asked, gets } = lab(SETTING);
    await call('get', { name: 'kubernetes:marketing:a' });
    expect([reads, asked, gets]).toEqual([[], [], ['namespaces team-a', 'secrets sys/stores-marketing']]);
    await call('get', { name: 'vault:v1:s3' });
    expect([reads, asked.map(({ name }) => name)]).toEqual([['v1'], ['v1']]);
  });

  it('is unavailable while its source is, in words for tenants', async () => {
    const { call } = lab({ ...SETTING, vault: async () => failed('LoginFailed') });
    const error = await call('get', { name: 'vault:v1:s3' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ServiceUnavailable' });
    expect(String(error)).toContain('cannot log in to Vault; its status in namespace sys says why');
    expect(String(error)).not.toContain('Secret login');
  });
});
