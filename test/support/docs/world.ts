import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as objects from '../../../hack/demo/objects.ts';
import { readPolicy } from '../../../hack/vault-admin.ts';
import { until } from '../cluster.ts';
import { SYSTEM, type Platform } from '../platform.ts';
import { blocksOf, ROOT } from './blocks.ts';
import type { Shell } from './shell.ts';

/** The platform that the docs tell of: its domain marketing, the store, Vault, and what stands in marketing-jobs. */
export interface World {
  readonly p: Platform;
  readonly shell: Shell;
  /** Brings everything back to how it stood, before each page. */
  reset(): Promise<void>;
}

const TEAM = 'marketing-jobs';
const INTEGRATION = 'vault-prod-finance';
const PATH = 'secret/data/production';
/** The docs show version 7. */
const VERSIONS = 7;
const VAULT = { s3_access_key: 'an access key', s3_secret_key: 'a secret key' };
const STORES = { marketing: { db_password: 'one' }, global: { smtp_password: 'two' } };

export async function docsWorld(p: Platform, shell: Shell): Promise<World> {
  // Versions count on, if the cluster was used before.
  await p.vault.call('DELETE', PATH.replace('/data/', '/metadata/'));
  for (let version = 0; version < VERSIONS; version++) await p.vault.put(PATH, VAULT);
  await p.vault.policy(INTEGRATION, readPolicy(PATH));
  const appRole = await p.vault.appRole(INTEGRATION, [INTEGRATION]);
  const { address } = p.vault;
  const bundle = 'finance';
  const login = { path: PATH, domains: ['marketing', 'finance'], appRole, secret: 'vault-prod' };
  return {
    p,
    shell,
    reset: async () => {
      await p.k.run(...['delete', 'pods', '--all', '-n', TEAM, '--grace-period=0', '--force']);
      for (const id of ['iomete-secret-store', 'iomete-secret-store-marketing'])
        await p.k.run('delete', 'secret', id, '-n', SYSTEM, '--ignore-not-found');
      await p.k.apply(
        objects.namespace(TEAM, 'marketing'),
        objects.namespace('team-a', 'marketing'),
        objects.opaque('iomete-secret-store-marketing', STORES.marketing),
        objects.opaque('iomete-secret-store', STORES.global),
        objects.credentials('vault-prod', address, appRole.secretId, bundle),
        objects.integration(INTEGRATION, { ...login, host: address, bundle }),
        warehouse('db_password'),
        lake,
      );
      await until('the default ServiceAccount', async () => p.k.get('serviceaccount', TEAM, 'default'));
      const ready = ['wait', '--for=condition=Ready', '--timeout=60s', '-n', TEAM];
      await p.k.run(...ready, 'sref/warehouse', 'stc/lake');
    },
  };
}

const warehouse = (key: string) =>
  objects.reference('warehouse', TEAM, {
    DB_PASSWORD: `KUBERNETES/marketing/${key}`,
    S3_SECRET_KEY: `VAULT/${INTEGRATION}/s3_secret_key`,
  });

const lake = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'StorageConfig',
  metadata: { name: 'lake', namespace: TEAM },
  spec: {
    ...{ type: 'minio', endpoint: 'https://minio.example.com:9000', bucket: 'lake' },
    accessKeySecret: { key: 's3_access_key', source: { type: 'VAULT', id: INTEGRATION } },
    storageSecret: { key: 's3_secret_key', source: { type: 'VAULT', id: INTEGRATION } },
  },
};

/** What stands before a page beside that; a page that is not here needs no more. */
export const SETUPS: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'docs/audit.md': async ({ p, shell }) => {
    await p.pod(TEAM, 'job', 'warehouse');
    await p.released(TEAM, 'job');
    // Two parts, as after a rotation; of the leader alone, whose anchor the page asks for.
    const lines = (await p.fairlead.process('controller').logs()).split(/(?<=\n)/);
    await writeFile(join(shell.cwd, 'audit.log.1'), lines.slice(0, lines.length / 2).join(''));
    await writeFile(join(shell.cwd, 'audit.log'), lines.slice(lines.length / 2).join(''));
  },
  'docs/connection-test.md': async ({ shell }) => {
    const page = 'docs/connection-test.md';
    const [first] = blocksOf(page, await readFile(ROOT + page, 'utf8'));
    await writeFile(join(shell.cwd, 'test.yaml'), first?.text ?? '');
  },
  'docs/kubectl.md': async ({ p }) => {
    await p.k.apply(warehouse('db_pasword'));
    await p.k.run(...['wait', '--for=condition=Ready=false', '--timeout=30s', '-n', TEAM, 'sref/warehouse']);
    await p.pod(TEAM, 'job', 'warehouse');
    await p.waits(TEAM, 'job', 'KeyNotFound');
  },
  'docs/migration.md': async ({ p, shell }) => {
    await p.k.apply(objects.opaque('iomete-secret-store', { ...STORES.global, db_password: 'three' }));
    const fixtures = join(ROOT, 'test/fixtures/migrate');
    await cp(join(fixtures, 'docs-deployment/before.yaml'), join(shell.cwd, 'api.yaml'));
  },
  'docs/pods.md': async ({ p }) => {
    await p.pod(TEAM, 'job', 'warehouse');
    await p.released(TEAM, 'job');
  },
  // Its commands install with the Service of config/, which no pod answers here, and take everything away.
  'docs/operations.md': async ({ p }) => {
    await p.k.run('delete', '-k', join(ROOT, 'config/webhook'), '--ignore-not-found');
  },
};

/** Pages after which nothing is installed any more: they come last. */
export const LAST = ['docs/operations.md'];
