import type { VaultIntegrationSpec } from '../../src/api/vault-integration.ts';
import type { SourceFailure } from '../../src/sources/source.ts';
import type { CredentialsSecret, SystemObjects } from '../../src/sources/vault/credentials.ts';
import type { Place } from '../../src/sources/vault/path.ts';
import { vaultTarget, type VaultTarget } from '../../src/sources/vault/target.ts';

/** An integration and its credentials Secret, as the controllers have them, with what a test changes. */

export const HOST = 'https://vault.example.com:8200';
export const TOKEN = 'hvs.planted-token';
export const SECRET_ID = 'planted-secret-id';

export function spec(changes: Partial<VaultIntegrationSpec> = {}): VaultIntegrationSpec {
  return {
    displayName: 'Vault_Prod',
    host: HOST,
    path: '/v1/secret/data/production',
    domains: ['*'],
    auth: { token: { secretRef: { name: 'vault-prod', key: 'token' } } },
    ...changes,
  };
}

export const appRole = { roleId: 'role-1', secretIdRef: { name: 'vault-prod', key: 'secretId' } };

interface SecretChanges {
  readonly type?: string;
  readonly host?: string;
  readonly bundle?: string;
  readonly data?: Record<string, string>;
  readonly uid?: string;
}

export function secret({
  type,
  host = HOST,
  bundle,
  data,
  uid = 'uid-1',
}: SecretChanges = {}): CredentialsSecret {
  const plain = data ?? { token: TOKEN, secretId: SECRET_ID };
  return {
    type: type ?? 'fairlead.dev/vault-credentials',
    metadata: {
      uid,
      annotations: {
        'fairlead.dev/vault-host': host,
        ...(bundle !== undefined && { 'fairlead.dev/resource-bundle': bundle }),
      },
    },
    data: Object.fromEntries(
      Object.entries(plain).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}

export interface Setting {
  readonly spec?: Partial<VaultIntegrationSpec>;
  readonly secret?: CredentialsSecret | 'none';
  readonly vaultHosts?: readonly string[];
  readonly allowHttp?: boolean;
  readonly objects?: Partial<SystemObjects>;
  readonly name?: string;
  readonly tokenAudiences?: readonly string[];
  readonly place?: Place;
}

export function make(setting: Setting = {}): VaultTarget | SourceFailure {
  const { secret: found = secret(), vaultHosts = [], name = 'vault-prod-finance' } = setting;
  return vaultTarget(
    { name, spec: spec(setting.spec) },
    {
      secret: (asked) => (asked.startsWith('vault-prod') && found !== 'none' ? found : undefined),
      serviceAccount: () => undefined,
      configMap: () => undefined,
      ...setting.objects,
    },
    {
      vaultHosts,
      allowHttp: setting.allowHttp ?? false,
      tokenAudiences: setting.tokenAudiences ?? ['vault'],
    },
    setting.place,
  );
}

export function target(setting: Setting = {}): VaultTarget {
  const made = make(setting);
  if (made.kind === 'failed') throw new Error(made.message);
  return made;
}
