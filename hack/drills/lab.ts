/** Where drills take place: a cluster with Fairlead in two replicas, a store and an integration. */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { bareClient, type BareClient } from '../bench/bare-client.ts';
import type { RunningCluster } from '../cluster/index.ts';
import * as objects from '../demo/objects.ts';
import { waitFor } from '../demo/ui.ts';
import { Fairlead } from '../fairlead.ts';
import { kubectl } from '../install.ts';
import { readPolicy, vaultAdmin, type VaultAdmin } from '../vault-admin.ts';
import { Replicas, type Replica } from './replicas.ts';

const SYSTEM = 'fairlead-system';
/** Name of the domain, its store, the integration and the Vault role. */
const NAME = 'drill';
export const REFERENCE = 'warehouse';

export interface Lab {
  readonly cluster: RunningCluster;
  readonly dir: string;
  readonly fairlead: Fairlead;
  readonly replicas: Replicas;
  readonly vault: VaultAdmin;
  /** As the administrator. */
  readonly api: BareClient;
  apply(...manifests: object[]): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  /** A namespace in which a reference to a store and to Vault stands. */
  namespace(): Promise<string>;
  /** The controller that holds the lease; waits for one that is not `other`, and took or renewed it since then. */
  leader(other?: Replica, since?: Date): Promise<Replica>;
  /** How many tokens Fairlead has in OpenBao. */
  tokens(): Promise<number>;
  close(): Promise<void>;
}

export interface LabOptions {
  readonly cluster: RunningCluster;
  readonly dir: string;
  /** Default: the product's own. */
  readonly leaseSeconds?: number;
  readonly drainSeconds?: number;
}

export async function openLab({
  cluster,
  dir,
  leaseSeconds = 15,
  drainSeconds = 3,
}: LabOptions): Promise<Lab> {
  if (!cluster.bao) throw new Error('the cluster came without OpenBao');
  const vault = vaultAdmin(cluster.bao);
  const api = await bareClient(cluster.kubeconfig);
  const flags = ['--lease-seconds', String(leaseSeconds), '--drain-seconds', String(drainSeconds)];
  const fairlead = await Fairlead.install({ target: cluster, dir, vaultHosts: [vault.address], flags });
  const namespaces: string[] = [];
  const call = async (...args: string[]) => kubectl(cluster, args);
  const apply = async (...manifests: object[]) => {
    const yaml = manifests.map((manifest) => stringify(manifest)).join('---\n');
    await kubectl(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], yaml);
  };
  let replicas: Replicas | undefined;
  const close = async () => {
    replicas?.end();
    await fairlead.stop();
    await replicas?.close();
    await call('delete', 'vaultintegration', NAME, '-n', SYSTEM, '--ignore-not-found');
    await call('delete', 'secret', `iomete-secret-store-${NAME}`, NAME, '-n', SYSTEM, '--ignore-not-found');
    for (const namespace of namespaces) await call('delete', 'namespace', namespace, '--wait=false');
    await api.close();
  };
  try {
    await fairlead.startRole('certificates');
    await fairlead.syncCertificate();
    const started = (replicas = await Replicas.start(fairlead, cluster, dir));
    await integration(vault, apply);
    return {
      ...{ cluster, dir, fairlead, replicas: started, vault, api, apply, kubectl: call, close },
      namespace: async () => {
        const name = `drill-${randomBytes(3).toString('hex')}`;
        namespaces.push(name);
        await apply(objects.namespace(name, NAME));
        await apply(objects.reference(REFERENCE, name, { A: `KUBERNETES/${NAME}/a`, B: `VAULT/${NAME}/b` }));
        await waitFor('the default ServiceAccount', async () =>
          call('get', 'serviceaccount', 'default', '-n', name).catch(() => undefined),
        );
        return name;
      },
      leader: async (other, since) =>
        waitFor('a leader', async () => {
          const path = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/fairlead-controller`;
          const lease = (await api.call('GET', path)) as {
            spec: { holderIdentity?: string; renewTime?: string };
          };
          if (since && new Date(lease.spec.renewTime ?? 0) < since) return undefined;
          const holder = lease.spec.holderIdentity?.split('_')[0];
          return started.of('controller').find(({ name }) => name === holder && name !== other?.name);
        }),
      tokens: async () => tokensOf(vault),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function integration(vault: VaultAdmin, apply: Lab['apply']): Promise<void> {
  const path = `secret/data/${NAME}`;
  await vault.put(path, { b: 'two' });
  await vault.policy(NAME, readPolicy(path));
  const appRole = await vault.appRole(NAME, [NAME]);
  const host = vault.address;
  await apply(
    objects.opaque(`iomete-secret-store-${NAME}`, { a: 'one' }),
    objects.credentials(NAME, host, appRole.secretId),
    objects.integration(NAME, { host, path, domains: [NAME], appRole, secret: NAME }),
  );
}

async function tokensOf(vault: VaultAdmin): Promise<number> {
  const { data } = await vault.call<{ data: { keys: string[] } }>('LIST', 'auth/token/accessors');
  const each = data.keys.map(async (accessor) =>
    vault
      .call<{ data: { meta?: { role_name?: string } | null } }>('POST', 'auth/token/lookup-accessor', {
        accessor,
      })
      // Ended meanwhile.
      .catch(() => undefined),
  );
  return (await Promise.all(each)).filter((token) => token?.data.meta?.role_name === NAME).length;
}
