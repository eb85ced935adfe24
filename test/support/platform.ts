import { rm } from 'node:fs/promises';
import type { RunningCluster } from '../../hack/cluster/index.ts';
import * as objects from '../../hack/demo/objects.ts';
import { Fairlead } from '../../hack/fairlead.ts';
import { readPolicy, vaultAdmin, type VaultAdmin } from '../../hack/vault-admin.ts';
import {
  cluster,
  kube,
  makeNamespace,
  removeNamespace,
  scratch,
  until,
  type Kube,
  type KubeJson,
} from './cluster.ts';

export const SYSTEM = 'fairlead-system';
export const CONDITION = 'fairlead.dev/SecretsDelivered';

/** Fairlead as an administrator would have it, on the shared cluster, with things to try it on. */
export interface Platform {
  readonly cluster: RunningCluster;
  readonly k: Kube;
  readonly fairlead: Fairlead;
  readonly vault: VaultAdmin;
  /** A namespace of its own for a test, in this domain; removed at the end. */
  namespace(domain?: string, labels?: Record<string, string>): Promise<string>;
  store(id: string, values: Record<string, string>): Promise<void>;
  /** An integration that reads `secret/data/<name>` with an AppRole of its own. */
  integration(
    name: string,
    values: Record<string, unknown> | undefined,
    options?: IntegrationOptions,
  ): Promise<void>;
  /** A pod with the annotation; the image is never pulled where there is no node. */
  pod(namespace: string, name: string, references?: string, more?: object): Promise<KubeJson>;
  getPod(namespace: string, name: string): Promise<KubeJson>;
  /** The pod, once its gate is lifted and its delivery is noted. */
  released(namespace: string, name: string, timeoutMs?: number): Promise<KubeJson>;
  /** Our condition, once it is False with this reason. */
  waits(namespace: string, name: string, reason: string): Promise<{ reason: string; message: string }>;
  /** What the pod's delivery holds, decoded. */
  delivered(namespace: string, name: string): Promise<Record<string, string>>;
  /** All that Fairlead's processes logged. */
  logs(): Promise<string>;
  stop(): Promise<void>;
}

export interface IntegrationOptions {
  readonly domains?: readonly string[];
  readonly host?: string;
  readonly path?: string;
}

export interface PlatformOptions {
  /** What integrations point at instead of the cluster's OpenBao: a proxy in front of it. */
  readonly vaultHost?: string;
  readonly flags?: readonly string[];
  /** With the API for keys. */
  readonly keysApi?: boolean | 'unserved';
}

export async function platform(name: string, options: PlatformOptions = {}): Promise<Platform> {
  const shared = await cluster();
  if (!shared.bao) throw new Error('the cluster came without OpenBao');
  const k = kube(shared);
  const vault = vaultAdmin(shared.bao);
  const dir = await scratch(name);
  const host = options.vaultHost ?? vault.address;
  const fairlead = await Fairlead.install({
    target: shared,
    dir,
    vaultHosts: [host, vault.address],
    keysApi: options.keysApi ?? false,
    flags: ['--log-level', 'debug', '--lease-seconds', '4', ...(options.flags ?? [])],
  });
  try {
    await fairlead.start();
  } catch (error) {
    // Nobody else knows of what has started already, nor of an API that is registered and leads nowhere.
    await fairlead.stop();
    throw error;
  }
  const namespaces: string[] = [];
  const inSystem: [kind: string, name: string][] = [];

  const getPod = async (namespace: string, pod: string) => k.get('pod', namespace, pod);
  const condition = (pod: KubeJson) =>
    pod?.status?.conditions?.find(({ type }: KubeJson) => type === CONDITION);
  return {
    cluster: shared,
    k,
    fairlead,
    vault,
    namespace: async (domain = 'marketing', labels = {}) => {
      const all = { ...(domain && { 'fairlead.dev/domain': domain }), ...labels };
      const namespace = await makeNamespace(k, name, all);
      namespaces.push(namespace);
      return namespace;
    },
    store: async (id, values) => {
      const secret = id === 'global' ? 'iomete-secret-store' : `iomete-secret-store-${id}`;
      inSystem.push(['secret', secret]);
      await k.apply(objects.opaque(secret, values));
    },
    integration: async (
      id,
      values,
      { domains = ['marketing'], path = `secret/data/${id}`, host: own = host } = {},
    ) => {
      if (values) await vault.put(path, values);
      await vault.policy(id, readPolicy(path));
      const appRole = await vault.appRole(id, [id]);
      inSystem.push(['secret', `login-${id}`], ['vaultintegration', id]);
      await k.apply(
        objects.credentials(`login-${id}`, own, appRole.secretId),
        objects.integration(id, { host: own, path, domains, appRole, secret: `login-${id}` }),
      );
    },
    pod: async (namespace, pod, references = 'warehouse', more = {}) => {
      const base = objects.pod(pod, namespace, { image: shared.image, references }) as KubeJson;
      const { spec = {}, metadata = {} } = more as { spec?: object; metadata?: object };
      const manifest = {
        ...base,
        metadata: { ...base.metadata, ...metadata },
        spec: { ...base.spec, ...spec },
      };
      if (!references) delete manifest.metadata.annotations?.['fairlead.dev/secret-references'];
      await k.apply(manifest);
      return getPod(namespace, pod);
    },
    getPod,
    released: async (namespace, pod, timeoutMs = 20_000) =>
      until(
        `the gate of ${namespace}/${pod} to be lifted`,
        async () => {
          const seen = await getPod(namespace, pod);
          if (seen?.metadata.annotations?.['fairlead.dev/delivered']) return seen;
          throw new Error(JSON.stringify(condition(seen) ?? seen?.spec?.schedulingGates ?? 'no pod'));
        },
        { timeoutMs },
      ),
    waits: async (namespace, pod, reason) =>
      until(`${namespace}/${pod} to wait with ${reason}`, async () => {
        const seen = condition(await getPod(namespace, pod));
        if (seen?.status === 'False' && seen.reason === reason) return seen;
        throw new Error(JSON.stringify(seen ?? 'no condition'));
      }),
    delivered: async (namespace, pod) => {
      const delivery = (await getPod(namespace, pod)).metadata.annotations['fairlead.dev/delivered'];
      const { data = {} } = await k.get('secret', namespace, delivery);
      return Object.fromEntries(
        Object.entries(data as Record<string, string>).map(([key, value]) => [
          key,
          Buffer.from(value, 'base64').toString(),
        ]),
      );
    },
    logs: async () =>
      (await Promise.all(fairlead.processes.map(async (running) => running.logs()))).join('\n'),
    stop: async () => {
      await fairlead.stop();
      for (const [kind, object] of inSystem) await k.remove(kind, SYSTEM, object);
      for (const namespace of namespaces) await removeNamespace(k, namespace);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A SecretReference; each variable as `TYPE/id/key`. */
export const reference = objects.reference;
