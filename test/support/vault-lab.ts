import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startBao, type Bao } from '../../hack/cluster/bao.ts';
import { http } from '../../hack/cluster/http.ts';
import { BUNDLE_ANNOTATION, CREDENTIALS_TYPE, VAULT_HOST_ANNOTATION } from '../../src/api/names.ts';
import type { VaultIntegrationSpec } from '../../src/api/vault-integration.ts';
import type { CredentialsSecret, SystemObjects } from '../../src/sources/vault/credentials.ts';
import { VaultSource, type VaultAnswer, type VaultSourceOptions } from '../../src/sources/vault/source.ts';
import {
  vaultTarget,
  type TargetOptions as Allowed,
  type VaultTarget,
} from '../../src/sources/vault/target.ts';
import { ManualClock } from './vault-clock.ts';
import { startProxy, type VaultProxy } from './vault-proxy.ts';

export interface BaoAnswer {
  readonly status: number;
  /** Parsed loosely: tests look into it as they like. */
  readonly body: { readonly data?: Record<string, unknown>; readonly auth?: { client_token: string } };
}

/** One OpenBao with a proxy in front of it, and what tests do to them as its administrator. */
export interface VaultLab {
  readonly bao: Bao;
  readonly proxy: VaultProxy;
  /** A request with the root token, past the proxy. Fails for any status but 2xx. */
  admin(method: string, path: string, body?: unknown, namespace?: string): Promise<BaoAnswer>;
  put(path: string, data: unknown): Promise<void>;
  /** Lets tokens with this policy read these API paths. */
  policy(name: string, ...paths: string[]): Promise<void>;
  token(options?: Record<string, unknown>): Promise<string>;
  appRole(name: string, options?: Record<string, unknown>): Promise<{ roleId: string; secretId: string }>;
  close(): Promise<void>;
}

export async function startLab(): Promise<VaultLab> {
  const dir = mkdtempSync(join(tmpdir(), 'fairlead-vault-'));
  const bao = await startBao({ dir });
  const proxy = await startProxy(bao.address);
  const lab: VaultLab = {
    bao,
    proxy,
    admin: (method, path, body, namespace) => admin(bao, method, path, body, namespace),
    put: async (path, data) => void (await lab.admin('POST', path, { data })),
    policy: async (name, ...paths) => {
      const rules = paths.map((path) => `path "${path}" { capabilities = ["read"] }`);
      await lab.admin('PUT', `sys/policies/acl/${name}`, { policy: rules.join('\n') });
    },
    token: async (options = {}) => {
      const { body } = await lab.admin('POST', 'auth/token/create', options);
      return body.auth?.client_token ?? '';
    },
    appRole: async (name, options = {}) => {
      await lab.admin('POST', `auth/approle/role/${name}`, options);
      const role = await lab.admin('GET', `auth/approle/role/${name}/role-id`);
      const secret = await lab.admin('POST', `auth/approle/role/${name}/secret-id`, {});
      return {
        roleId: String(role.body.data?.['role_id']),
        secretId: String(secret.body.data?.['secret_id']),
      };
    },
    close: async () => {
      await proxy.close();
      await bao.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await lab.admin('POST', 'sys/auth/approle', { type: 'approle' });
  return lab;
}

async function admin(
  { address, rootToken }: Bao,
  method: string,
  path: string,
  body?: unknown,
  namespace?: string,
): Promise<BaoAnswer> {
  const answer = await http(`${address}/v1/${path}`, {
    method,
    body,
    anyCertificate: true,
    headers: { 'x-vault-token': rootToken, ...(namespace && { 'x-vault-namespace': namespace }) },
  });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return { status: answer.status, body: answer.text === '' ? {} : answer.json<BaoAnswer['body']>() };
}

export interface TargetOptions {
  readonly name?: string;
  readonly host: string;
  readonly path?: string;
  readonly namespace?: string;
  readonly caBundle?: string;
  readonly token?: string;
  readonly appRole?: { readonly roleId: string; readonly secretId: string; readonly mountPath?: string };
  /** uid of the credentials Secret: another one means that it was deleted and written again. */
  readonly revision?: string;
  readonly listed?: boolean;
}

/** A target as the controllers make it, from an integration and its credentials Secret. */
export function target(options: TargetOptions): VaultTarget {
  const { name = 'vault-prod', host, path = 'secret/data/app', token, appRole } = options;
  const { namespace, caBundle } = options;
  const spec: VaultIntegrationSpec = {
    displayName: name,
    host,
    path,
    domains: ['*'],
    ...(namespace !== undefined && { namespace }),
    ...(caBundle !== undefined && { tls: { caBundle } }),
    auth: {
      ...(token !== undefined && { token: { secretRef: { name: 'login', key: 'token' } } }),
      ...(appRole && {
        appRole: {
          roleId: appRole.roleId,
          secretIdRef: { name: 'login', key: 'secretId' },
          ...(appRole.mountPath !== undefined && { mountPath: appRole.mountPath }),
        },
      }),
    },
  };
  const data = { token: token ?? '', secretId: appRole?.secretId ?? '' };
  const objects = onlySecret(credentials(host, data, options.revision));
  const made = vaultTarget({ name, spec }, objects, {
    ...ALLOWED,
    vaultHosts: options.listed === false ? [] : [host],
  });
  if (made.kind === 'failed') throw new Error(made.message);
  return made;
}

/** What the operator of the tests allows. */
export const ALLOWED: Allowed = { vaultHosts: [], allowHttp: true, tokenAudiences: ['vault'] };

/** A system namespace in which every Secret is this one, and that has nothing else. */
export function onlySecret(secret: CredentialsSecret | undefined): SystemObjects {
  return { secret: () => secret, serviceAccount: () => undefined, configMap: () => undefined };
}

export function credentials(
  host: string,
  data: Readonly<Record<string, string>>,
  uid = '1',
  bundle?: string,
): CredentialsSecret {
  return {
    type: CREDENTIALS_TYPE,
    metadata: {
      uid,
      annotations: {
        [VAULT_HOST_ANNOTATION]: host,
        ...(bundle !== undefined && { [BUNDLE_ANNOTATION]: bundle }),
      },
    },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])),
  };
}

export interface Asker {
  readonly clock: ManualClock;
  readonly source: VaultSource;
  /** Names of integrations that were announced as recovered. */
  readonly recovered: string[];
  /** What the hook was told: `read 200`, `login Unreachable`. */
  readonly requests: string[];
  /** Everything that was logged. */
  readonly logged: string[];
  /** Asks as somebody who came just now; comes back when told "later". */
  ask(target: VaultTarget): Promise<Exclude<VaultAnswer, { kind: 'later' }>>;
  /** Asks once. */
  once(target: VaultTarget, notBefore?: number, signal?: AbortSignal): Promise<VaultAnswer>;
  close(): Promise<void>;
}

/** A VaultSource whose clock stands still until a test moves it; the requests are real. */
export function asker(options: Partial<VaultSourceOptions> = {}): Asker {
  const clock = new ManualClock();
  const recovered: string[] = [];
  const requests: string[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(inspect([fields, message], { depth: 9 }));
  const source = new VaultSource({
    clock,
    random: () => 0.5,
    onRequest: ({ operation, status, code }) => requests.push(`${operation} ${status ?? code}`),
    log: { info: log, warn: log },
    ...options,
  });
  source.onRecovered((name) => recovered.push(name));
  const once: Asker['once'] = (target, notBefore = clock.now(), signal = new AbortController().signal) =>
    source.read(target, { notBefore, signal });
  return {
    clock,
    source,
    recovered,
    requests,
    logged,
    once,
    ask: async (target) => {
      for (const notBefore = clock.now(); ;) {
        const answer = await once(target, notBefore);
        if (answer.kind !== 'later') return answer;
        clock.advance(answer.afterMs);
      }
    },
    close: () => source.stop(AbortSignal.timeout(5_000)),
  };
}

/** `reason` or the fields: what a table compares. */
export function gist(answer: VaultAnswer): unknown {
  if (answer.kind === 'fields') return Object.fromEntries(answer.fields);
  return answer.kind === 'failed' ? answer.reason : 'later';
}
