import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as objects from '../../hack/demo/objects.ts';
import { Fairlead } from '../../hack/fairlead.ts';
import { readPolicy, vaultAdmin, type VaultAdmin } from '../../hack/vault-admin.ts';
import type { Caller, ResourceRequest, Verb } from '../../src/aggregation/resource.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { FileSink } from '../../src/audit/sink.ts';
import { file, KEY } from '../../src/audit/test-support.ts';
import { verify } from '../../src/audit/verify.ts';
import { expectedPolicies, PolicyGuard } from '../../src/controllers/policies.ts';
import { reflectors, world } from '../../src/controllers/world.ts';
import { secretKeysResource, type SecretKeyDependencies } from '../../src/keys/secret-keys/index.ts';
import { AccessReviews } from '../../src/kube/access-review.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { VaultSource } from '../../src/sources/vault/source.ts';
import { cluster, kube, scratch, until, type Kube } from './cluster.ts';
import { SYSTEM } from './platform.ts';

const POLICIES = new URL('../../config/policies/', import.meta.url);

/** The handlers of one replica, with everything behind them as it is in a cluster. */
export interface KeysReplica {
  readonly deps: SecretKeyDependencies;
  call<V extends Verb>(verb: V, caller: Caller, more?: Partial<ResourceRequest>): Promise<Answer<V>>;
  /** `create` of a key by its name. */
  put(
    caller: Caller,
    namespace: string,
    name: string,
    value: string,
    dryRun?: boolean,
  ): Promise<Answer<'create'>>;
  stop(): Promise<void>;
}
type Resource = ReturnType<typeof secretKeysResource>;
type Answer<V extends Verb> = Awaited<ReturnType<NonNullable<Resource[V]>>>;

export interface KeysLab {
  readonly k: Kube;
  readonly vault: VaultAdmin;
  replica(): Promise<KeysReplica>;
  /** A namespace of its own, in this domain. */
  namespace(domain?: string): Promise<string>;
  store(id: string, values: Record<string, string>): Promise<void>;
  integration(name: string, values: Record<string, unknown>, domains: readonly string[]): Promise<void>;
  /** The values that a store holds; undefined if there is none. */
  stored(id: string): Promise<Record<string, string> | undefined>;
  /** Somebody who holds `write` on these domains, and what else `rules` say in the whole cluster. */
  writer(name: string, domains: readonly string[], rules?: readonly object[]): Promise<Caller>;
  /** All that the audit has. */
  audit(): Promise<{
    readonly text: string;
    readonly lines: readonly Record<string, unknown>[];
    readonly verdict: string;
  }>;
  stop(): Promise<void>;
}

export const storeSecret = (id: string) =>
  id === 'global' ? 'iomete-secret-store' : `iomete-secret-store-${id}`;

/** What the handlers are given once a request is authenticated, without the HTTP before them. */
export async function keysLab(name: string): Promise<KeysLab> {
  const shared = await cluster();
  if (!shared.bao) throw new Error('the cluster came without OpenBao');
  const k = kube(shared);
  const vault = vaultAdmin(shared.bao);
  const dir = await scratch(name);
  await Fairlead.install({ target: shared, dir, vaultHosts: [vault.address] });
  const replicas: KeysReplica[] = [];
  const removals: (readonly string[])[] = [];
  const auditFiles: string[] = [];

  const replica = async (): Promise<KeysReplica> => {
    const auditFile = join(dir, `audit-${auditFiles.length}.log`);
    auditFiles.push(auditFile);
    const made = await startReplica(shared.kubeconfig, vault.address, auditFile);
    replicas.push(made);
    return made;
  };
  const inSystem = (kind: string, object: string) => removals.push(['delete', kind, object, '-n', SYSTEM]);
  return {
    k,
    vault,
    replica,
    namespace: async (domain) => {
      const namespace = `${name}-${randomBytes(3).toString('hex')}`;
      removals.push(['delete', 'namespace', namespace]);
      const labels = { ...(domain && { 'fairlead.dev/domain': domain }) };
      await k.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
      return namespace;
    },
    store: async (id, values) => {
      inSystem('secret', storeSecret(id));
      await k.apply(objects.opaque(storeSecret(id), values));
    },
    integration: async (id, values, domains) => {
      const path = `secret/data/${id}`;
      await vault.put(path, values);
      await vault.policy(id, readPolicy(path));
      const appRole = await vault.appRole(id, [id]);
      inSystem('secret', `login-${id}`);
      inSystem('vaultintegration', id);
      await k.apply(
        objects.credentials(`login-${id}`, vault.address, appRole.secretId),
        objects.integration(id, { host: vault.address, path, domains, appRole, secret: `login-${id}` }),
      );
    },
    stored: async (id) => {
      const found = await k.get('secret', SYSTEM, storeSecret(id));
      if (!found) return undefined;
      const data = Object.entries((found.data ?? {}) as Record<string, string>);
      return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
    },
    writer: async (user, domains, rules = []) => {
      const role = `test-${user}`;
      removals.push(['delete', 'clusterrole,clusterrolebinding', role]);
      domains.forEach((domain) => inSystem('secret', storeSecret(domain)));
      const own = {
        apiGroups: ['fairlead.dev'],
        resources: ['domains'],
        resourceNames: domains,
        verbs: ['write'],
      };
      const rbac = 'rbac.authorization.k8s.io';
      await k.apply(
        { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: role }, rules: [own, ...rules] },
        {
          apiVersion: `${rbac}/v1`,
          kind: 'ClusterRoleBinding',
          metadata: { name: role },
          roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
          subjects: [{ apiGroup: rbac, kind: 'User', name: user }],
        },
      );
      return caller(user);
    },
    audit: async () => {
      const texts = await Promise.all(auditFiles.map(async (path) => readFile(path, 'utf8')));
      const text = texts.join('');
      const lines = text.trimEnd().split('\n');
      return {
        text,
        lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
        verdict: verify(file(lines), { keys: [KEY] }).verdict,
      };
    },
    stop: async () => {
      await Promise.all(replicas.map(async (one) => one.stop()));
      for (const args of removals) await k.run(...args, '--ignore-not-found', '--wait=false');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function caller(user: string): Caller {
  return { user, groups: ['system:authenticated'], extra: {} };
}

async function startReplica(kubeconfig: string, vaultHost: string, auditFile: string): Promise<KeysReplica> {
  const clock = systemClock;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const client = connect({ kubeconfig, userAgent: 'fairlead-keys', fieldManager: 'fairlead-keys' });
  const allowed = { vaultHosts: [vaultHost], allowHttp: true, tokenAudiences: ['vault'] };
  const seen = world({ client, clock, systemNamespace: SYSTEM, storePrefix: 'iomete-secret-store' });
  const expected = await expectedPolicies([POLICIES], {
    systemNamespace: SYSTEM,
    tokenAudiences: ['vault'],
    storePrefix: 'iomete-secret-store',
  });
  const guard = new PolicyGuard(expected, client, clock);
  const source = new VaultSource({ clock, random: Math.random });
  const audit = new AuditLog({
    ...{ clock, log, identity: 'keys', bestEffort: false },
    sink: new FileSink({ path: auditFile, maxBytes: 64 * 1024 * 1024, maxFiles: 2 }),
    readKey: async () => Promise.resolve({ uid: 'uid', bytes: KEY }),
    anchor: { read: async () => Promise.resolve(undefined), write: async () => Promise.resolve() },
  });
  audit.start();
  const stopping = new AbortController();
  const all = [...reflectors(seen), ...guard.reflectors];
  const running = all.map(async (one) => one.run(stopping.signal));
  await Promise.all(all.map(async ({ synced }) => synced));
  await until('the policies to be seen', async () => guard.problem() === undefined);
  const deps: SecretKeyDependencies = {
    ...{ client, clock, world: seen, systemNamespace: SYSTEM, storePrefix: 'iomete-secret-store' },
    ...{ allowed, vault: source, reviews: new AccessReviews(client, clock), audit, guard },
  };
  const resource = secretKeysResource(deps);
  const call: KeysReplica['call'] = async (verb, who, more = {}) => {
    const handler = resource[verb] as (request: ResourceRequest) => Promise<never>;
    const { signal } = new AbortController();
    return handler({ verb, caller: who, dryRun: false, fieldSelector: [], signal, ...more });
  };
  return {
    deps,
    call,
    put: async (who, namespace, name, value, dryRun = false) =>
      call('create', who, { namespace, dryRun, body: { metadata: { name }, spec: { value } } }),
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
      await source.stop(AbortSignal.timeout(2_000));
      await audit.stop(AbortSignal.timeout(2_000));
      await client.close();
    },
  };
}
