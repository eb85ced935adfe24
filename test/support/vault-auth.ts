import { generateKeyPairSync, sign } from 'node:crypto';
import { http } from '../../hack/cluster/http.ts';
import { until } from '../../hack/cluster/wait.ts';
import { BUNDLE_ANNOTATION, VAULT_HOST_ANNOTATION } from '../../src/api/names.ts';
import type { VaultAuth } from '../../src/api/vault-auth.ts';
import type { VaultIntegrationSpec } from '../../src/api/vault-integration.ts';
import type { SourceFailure } from '../../src/sources/source.ts';
import type { BoundObject, CredentialsSecret, SystemObjects } from '../../src/sources/vault/credentials.ts';
import type { Place } from '../../src/sources/vault/path.ts';
import { vaultTarget, type VaultTarget } from '../../src/sources/vault/target.ts';
import { ALLOWED, credentials, type VaultLab } from './vault-lab.ts';

/** Integrations with any way to log in, and the objects that they name in a system namespace that a test writes. */

export interface Wanted extends Partial<VaultIntegrationSpec> {
  readonly name?: string;
  readonly host: string;
  readonly auth: VaultAuth;
  /** Credentials Secrets by name, each with its text; bound to the host and the bundle. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What else there is, or instead. */
  readonly objects?: Partial<SystemObjects>;
  /** uid of the Secrets. */
  readonly uid?: string;
  /** Below the integration's path, and which version. */
  readonly place?: Place;
  readonly listed?: boolean;
}

/** As the controllers make it, or why there is none. */
export function made(wanted: Wanted): VaultTarget | SourceFailure {
  const {
    name = 'vault-prod',
    secrets = {},
    objects = {},
    uid,
    place = {},
    listed = true,
    ...given
  } = wanted;
  const { host } = given;
  const spec: VaultIntegrationSpec = { displayName: name, path: 'secret/data/app', domains: ['*'], ...given };
  const bound: Record<string, CredentialsSecret> = Object.fromEntries(
    Object.entries(secrets).map(([of, data]) => [of, credentials(host, data, uid, spec.resourceBundle)]),
  );
  return vaultTarget(
    { name, spec },
    {
      secret: (of) => bound[of],
      serviceAccount: () => undefined,
      configMap: () => undefined,
      ...objects,
    },
    { ...ALLOWED, vaultHosts: listed ? [host, ...(spec.redirectHosts ?? [])] : [] },
    place,
  );
}

export function wanted(given: Wanted): VaultTarget {
  const target = made(given);
  if (target.kind === 'failed') throw new Error(target.message);
  return target;
}

/** Login by the key of a Secret, as it stands in spec.auth. */
export const key = (name: string, of = 'login') => ({ name: of, key: name });

export function account(host: string, bundle?: string, uid = 'uid-of-account'): BoundObject {
  return {
    metadata: {
      uid,
      annotations: {
        [VAULT_HOST_ANNOTATION]: host,
        ...(bundle !== undefined && { [BUNDLE_ANNOTATION]: bundle }),
      },
    },
  };
}

/** What the server knows about a token: 200 while it lives. By the token itself or by its accessor. */
export async function lookUp(
  { bao }: Pick<VaultLab, 'bao'>,
  by: { readonly token: string } | { readonly accessor: string },
  namespace?: string,
): Promise<number> {
  const { status } = await http(
    `${bao.address}/v1/auth/token/${'token' in by ? 'lookup' : 'lookup-accessor'}`,
    {
      method: 'POST',
      body: by,
      headers: { 'x-vault-token': bao.rootToken, ...(namespace && { 'x-vault-namespace': namespace }) },
      anyCertificate: true,
    },
  );
  return status;
}

/** The tokens that were sent to this proxy in requests whose path contains this. */
export function tokensSent({ proxy }: Pick<VaultLab, 'proxy'>, part = '/data/'): readonly string[] {
  const tokens = proxy.seen
    .filter(({ path }) => path.includes(part))
    .map(({ headers }) => String(headers['x-vault-token']));
  return [...new Set(tokens)];
}

/** Mounts KV version 2, and waits until it takes writes: a new mount refuses everything for a moment. */
export async function mountKv(lab: VaultLab, mount: string, namespace?: string): Promise<void> {
  const options = { type: 'kv', options: { version: '2' } };
  await lab.admin('POST', `sys/mounts/${encodeURI(mount)}`, options, namespace);
  await until({ what: `${mount} does not become ready`, timeoutMs: 10_000 }, async () => {
    await lab.admin('GET', `${encodeURI(mount)}/config`, undefined, namespace);
    return true;
  });
}

/** A login at this mount, past the proxy and past Fairlead: the status. */
export async function logInAt({ bao }: Pick<VaultLab, 'bao'>, path: string, body: object): Promise<number> {
  return (await http(`${bao.address}/v1/auth/${path}`, { method: 'POST', body, anyCertificate: true }))
    .status;
}

/** Who signs JWTs: the public key as Vault takes it, and a signer. */
export interface JwtSigner {
  readonly publicKey: string;
  sign(claims: object): string;
}

export function jwtSigner(): JwtSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const part = (item: object) => Buffer.from(JSON.stringify(item)).toString('base64url');
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (claims) => {
      const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
  };
}
