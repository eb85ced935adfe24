import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RunningCluster } from '../cluster/index.ts';
import * as objects from '../demo/objects.ts';
import { waitFor } from '../demo/ui.ts';
import { Fairlead } from '../fairlead.ts';
import { kubectl } from '../install.ts';
import type { Tap } from '../tap.ts';
import { bareClient, inParallel } from './bare-client.ts';
import { readPolicy, type VaultAdmin } from '../vault-admin.ts';

export interface Bench {
  readonly cluster: RunningCluster;
  readonly dir: string;
  readonly pods: number;
  readonly vault: VaultAdmin;
  readonly proxy: Tap;
  readonly say: (line: string) => void;
}

export interface Prepared {
  readonly fairlead: Fairlead;
}

export const NAMESPACE = {
  'own-path': 'bench-own',
  'scoped-tokens': 'bench-own',
  'shared-path': 'bench-shared',
  floor: 'bench-floor',
} as const;
/** What a child token may do, for the scenario in which each read has one of its own. */
export const SCOPED = { policies: ['bench'], ttl: '60s' };
export const pathOf = (i: number) => `secret/data/bench/${i}`;

/** Fairlead, and for each pod its own Vault path, integration and reference, all Ready before the clock starts. */
export async function prepare({ cluster, dir, pods, vault, proxy, say }: Bench): Promise<Prepared> {
  say(`preparing ${pods} Vault paths, integrations and references`);
  await vault.policy('bench', readPolicy('secret/data/bench/*'));
  await vault.policy('bench-tokens', 'path "auth/token/create" { capabilities = ["update"] }');
  const appRole = await vault.appRole('bench', ['bench', 'bench-tokens']);
  for (let i = 0; i < pods; i += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, pods - i) }, async (_, k) =>
        vault.put(pathOf(i + k), { password: `value-${i + k}` }),
      ),
    );
  }
  const fairlead = await Fairlead.install({
    target: cluster,
    dir: join(dir, 'fairlead'),
    vaultHosts: [proxy.address],
    keysApi: true,
  });
  await fairlead.start();
  const host = proxy.address;
  await applyAll(cluster, [
    ...[...new Set(Object.values(NAMESPACE))].map((name) => objects.namespace(name, 'bench')),
    objects.credentials('bench', host, appRole.secretId),
  ]);
  const integrations = Array.from({ length: pods }, (_, i) =>
    objects.integration(`bench-${i}`, {
      host,
      path: pathOf(i),
      domains: ['bench'],
      appRole,
      secret: 'bench',
    }),
  );
  const references = Array.from({ length: pods }, (_, i) => [
    objects.reference(`own-${i}`, NAMESPACE['own-path'], { PASSWORD: `VAULT/bench-${i}/password` }),
    objects.reference(`shared-${i}`, NAMESPACE['shared-path'], { PASSWORD: 'VAULT/bench-0/password' }),
  ]).flat();
  await applyAll(cluster, [...integrations, ...references]);
  const kinds = { vaultintegrations: pods, secretreferences: 2 * pods };
  for (const [kind, wanted] of Object.entries(kinds)) {
    await waitFor(
      `${wanted} ${kind} to be Ready`,
      async () => ((await ready(cluster, kind)) === wanted ? true : undefined),
      { timeoutMs: 300_000 },
    );
  }
  return { fairlead };
}

/** From now on each read has a child token of its own. */
export async function scopeTokens({ cluster, pods, say }: Bench): Promise<void> {
  say(`\nswitching scopedTokens on for ${pods} integrations`);
  const api = await bareClient(cluster.kubeconfig);
  await inParallel(pods, 32, async (i) => {
    const path = `/apis/fairlead.dev/v1alpha1/namespaces/fairlead-system/vaultintegrations/bench-${i}`;
    await api.call('PATCH', path, { spec: { scopedTokens: SCOPED } }, 'application/merge-patch+json');
  });
  await api.close();
  await waitFor(
    `${pods} vaultintegrations to be Ready again`,
    async () => ((await ready(cluster, 'vaultintegrations')) === pods ? true : undefined),
    { timeoutMs: 300_000 },
  );
}

/** How many are Ready in their present generation. */
async function ready(cluster: RunningCluster, kind: string): Promise<number> {
  const ofReady = '.status.conditions[?(@.type=="Ready")]';
  const line = `{${ofReady}.status} {${ofReady}.observedGeneration} {.metadata.generation}`;
  const lines = await kubectl(cluster, [
    'get',
    kind,
    '-A',
    '-o',
    `jsonpath={range .items[*]}${line}{"\\n"}{end}`,
  ]);
  return lines.split('\n').filter((text) => /^True (\d+) \1$/.test(text)).length;
}

async function applyAll(cluster: RunningCluster, manifests: readonly object[]): Promise<void> {
  const yaml = manifests.map((manifest) => stringify(manifest)).join('---\n');
  await kubectl(cluster, ['create', '-f', '-'], yaml);
}
