import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Fairlead } from '../fairlead.ts';
import { kubectl } from '../install.ts';
import { readPolicy, vaultAdmin, type VaultAdmin } from '../vault-admin.ts';
import { demoCluster, type DemoCluster } from './cluster.ts';
import * as objects from './objects.ts';
import { DIR, rememberProcesses, stopDemo } from './state.ts';
import { step, table, waitFor } from './ui.ts';
import { stringify } from 'yaml';

const { TEAM } = objects;
const PATH = 'secret/data/production';
const POLICY = 'fairlead-demo';
/** Spark gives its driver pods this label; KubeSpawner gives the user's server that one. */
const SPARK = { name: 'spark-pi-driver', labels: { 'spark-role': 'driver' } };
const JUPYTER = { name: 'jupyter-ada', labels: { component: 'singleuser-server' } };
const VARIABLES = ['DB_PASSWORD', 'SMTP_PASSWORD', 'S3_SECRET_KEY'] as const;

type Values = Record<(typeof VARIABLES)[number], string>;

/** Plays the whole demo. Values are made up for each run and never printed: lengths and hash prefixes are. */
export async function play(): Promise<void> {
  const cluster = await step(
    'a cluster: etcd, API server, controllers, OpenBao and, where possible, a node',
    async (say) => {
      await stopDemo(say);
      return demoCluster(say);
    },
  );
  const values: Values = { DB_PASSWORD: secret(), SMTP_PASSWORD: secret(), S3_SECRET_KEY: secret() };
  const vault = vaultAdmin(cluster.bao);
  const appRole = await step(
    'Vault: a secret at secret/data/production, a policy that reads it, an AppRole',
    async () => {
      await vault.put(PATH, { s3_secret_key: values.S3_SECRET_KEY });
      await vault.policy(POLICY, readPolicy(PATH));
      return vault.appRole('fairlead-demo', [POLICY]);
    },
  );

  await step(
    'Fairlead: CRDs, RBAC, policies, webhook; controller, admission and certificates, each with its own ServiceAccount',
    async (say) => {
      const fairlead = await Fairlead.install({
        target: cluster,
        dir: join(DIR, 'fairlead'),
        vaultHosts: [vault.address],
        detached: true,
      });
      await fairlead.start();
      await rememberProcesses(fairlead.processes.map(({ pid }) => pid));
      for (const { role, pid, logFile } of fairlead.processes)
        say(`${role.padEnd(12)} pid ${pid}, log ${logFile}`);
    },
  );

  await step(
    `a domain: namespace ${TEAM}, its store, the global store, an integration, a reference`,
    async (say) => {
      const host = vault.address;
      await apply(
        cluster,
        objects.namespace(TEAM, 'marketing'),
        objects.opaque('iomete-secret-store-marketing', { db_password: values.DB_PASSWORD }),
        objects.opaque('iomete-secret-store', { smtp_password: values.SMTP_PASSWORD }),
        objects.credentials('vault-prod', host, appRole.secretId, 'finance'),
        objects.integration('vault-prod-finance', {
          host,
          path: `/v1/${PATH}`,
          bundle: 'finance',
          domains: ['marketing'],
          appRole,
          secret: 'vault-prod',
          displayName: 'Vault_Prod.finance',
        }),
        objects.reference('warehouse', TEAM, {
          DB_PASSWORD: 'KUBERNETES/marketing/db_password',
          SMTP_PASSWORD: 'KUBERNETES/global/smtp_password',
          S3_SECRET_KEY: 'VAULT/vault-prod-finance/s3_secret_key',
        }),
      );
      await kubectl(cluster, [
        'wait',
        '--for=condition=Ready',
        '--timeout=30s',
        'vaultintegration/vault-prod-finance',
        '-n',
        'fairlead-system',
      ]);
      await kubectl(cluster, [
        'wait',
        '--for=condition=Ready',
        '--timeout=30s',
        'secretreference/warehouse',
        '-n',
        TEAM,
      ]);
      for (const line of (await kubectl(cluster, ['get', 'vaultintegrations,secretreferences', '-A']))
        .trim()
        .split('\n'))
        say(line);
    },
  );

  await step('one Spark-like and one Jupyter-like pod, each with a single annotation', async () => {
    for (const { name, labels } of [SPARK, JUPYTER]) await create(cluster, name, labels);
    for (const { name } of [SPARK, JUPYTER]) await started(cluster, name);
    await show(cluster, [SPARK.name, JUPYTER.name], values);
  });

  await step(
    'rotation: a new value in Vault; the Jupyter pod is recreated, the Spark pod keeps its snapshot',
    async (say) => {
      const old = values.S3_SECRET_KEY;
      values.S3_SECRET_KEY = secret();
      const version = await vault.put(PATH, { s3_secret_key: values.S3_SECRET_KEY });
      say(`Vault now has version ${version}`);
      await remove(cluster, JUPYTER.name);
      await create(cluster, JUPYTER.name, JUPYTER.labels);
      await started(cluster, JUPYTER.name);
      await show(cluster, [JUPYTER.name], values);
      await show(cluster, [SPARK.name], { ...values, S3_SECRET_KEY: old });
    },
  );

  await breakAndRepair(cluster, vault, values);
  next(cluster);
}

async function breakAndRepair(cluster: DemoCluster, vault: VaultAdmin, values: Values): Promise<void> {
  await step(
    'failure: the policy loses its path; a new pod waits and says why, running pods do not care',
    async (say) => {
      await vault.policy(POLICY, '# nothing is allowed');
      await remove(cluster, JUPYTER.name);
      await create(cluster, JUPYTER.name, JUPYTER.labels);
      const why = await waitFor('the reason on the pod', async () =>
        condition(cluster, JUPYTER.name, 'False'),
      );
      say(`pod ${JUPYTER.name} waits: ${why.reason}`);
      say(why.message);
    },
  );
  await step('repair: the policy comes back; the pod starts by itself', async () => {
    await vault.policy(POLICY, readPolicy(PATH));
    await started(cluster, JUPYTER.name);
    await show(cluster, [JUPYTER.name], values);
  });
}

async function apply(cluster: DemoCluster, ...manifests: object[]): Promise<void> {
  const yaml = manifests.map((manifest) => stringify(manifest)).join('---\n');
  await kubectl(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], yaml);
}

async function create(cluster: DemoCluster, name: string, labels: Record<string, string>): Promise<void> {
  await apply(cluster, objects.pod(name, TEAM, { image: cluster.image, references: 'warehouse', labels }));
}

async function remove(cluster: DemoCluster, name: string): Promise<void> {
  await kubectl(cluster, [
    'delete',
    'pod',
    name,
    '-n',
    TEAM,
    '--wait=true',
    ...(cluster.node ? [] : ['--grace-period=0', '--force']),
  ]);
}

interface Pod {
  readonly metadata: { readonly annotations?: Record<string, string> };
  readonly spec: { readonly schedulingGates?: object[] };
  readonly status: {
    readonly phase: string;
    readonly conditions?: { type: string; status: string; reason: string; message: string }[];
  };
}

async function getPod(cluster: DemoCluster, name: string): Promise<Pod> {
  return JSON.parse(await kubectl(cluster, ['get', 'pod', name, '-n', TEAM, '-o', 'json'])) as Pod;
}

async function condition(cluster: DemoCluster, name: string, status: string) {
  const { conditions = [] } = (await getPod(cluster, name)).status;
  return conditions.find((one) => one.type === 'fairlead.dev/SecretsDelivered' && one.status === status);
}

/** With a node: runs. Without one: its gate is lifted, which is as far as a pod gets there. */
async function started(cluster: DemoCluster, name: string): Promise<void> {
  await waitFor(`pod ${name} to start`, async () => {
    const { spec, status } = await getPod(cluster, name);
    return (cluster.node ? status.phase === 'Running' : !spec.schedulingGates) || undefined;
  });
}

/** The table: what each container really has, by length and hash prefix. */
async function show(cluster: DemoCluster, pods: readonly string[], expected: Values): Promise<void> {
  const rows: string[][] = [];
  for (const name of pods) {
    const delivery = (await getPod(cluster, name)).metadata.annotations?.['fairlead.dev/delivered'] ?? '';
    const sources = await kubectl(cluster, [
      'get',
      'secret',
      delivery,
      '-n',
      TEAM,
      '-o',
      String.raw`jsonpath={.metadata.annotations.fairlead\.dev/sources}`,
    ]);
    for (const variable of VARIABLES) {
      const { source, path } = SOURCE_OF[variable];
      const version = sources.split(',').find((one) => one.startsWith(source)) ?? source;
      rows.push([
        name,
        variable,
        version,
        path,
        ...(await inContainer(cluster, name, variable, expected[variable])),
      ]);
    }
  }
  table(['POD', 'VARIABLE', 'SOURCE', 'PATH', 'IN THE CONTAINER', 'STATE'], rows);
}

const SOURCE_OF = {
  DB_PASSWORD: { source: 'KUBERNETES/marketing', path: 'iomete-secret-store-marketing' },
  SMTP_PASSWORD: { source: 'KUBERNETES/global', path: 'iomete-secret-store' },
  S3_SECRET_KEY: { source: 'VAULT/vault-prod-finance', path: PATH },
} as const;

async function inContainer(
  cluster: DemoCluster,
  name: string,
  variable: string,
  value: string,
): Promise<[string, string]> {
  if (!cluster.node) return ['(no node here)', 'delivered'];
  const script = `printf %s "$${variable}" | wc -c; printf %s "$${variable}" | sha256sum | cut -c1-8`;
  const [length, hash] = (await kubectl(cluster, ['exec', name, '-n', TEAM, '--', 'sh', '-c', script]))
    .trim()
    .split(/\s+/);
  const right = Number(length) === Buffer.byteLength(value) && hash === sha256(value);
  if (!right) throw new Error(`${name} has another ${variable} than its source`);
  return [`${length} bytes, sha256 ${hash}…`, 'as in the source'];
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 8);
}

function secret(): string {
  return randomBytes(12 + Math.floor(Math.random() * 12)).toString('base64');
}

function next(cluster: DemoCluster): void {
  console.log(`
Everything is still running. What to try next:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get vaultintegrations,secretreferences -A
  kubectl describe pod ${JUPYTER.name} -n ${TEAM}
  kubectl get secrets -n ${TEAM} -l fairlead.dev/delivery
  kubectl delete pod ${JUPYTER.name} -n ${TEAM}     # its delivery goes with it
OpenBao: export VAULT_ADDR=${cluster.bao.address} VAULT_TOKEN=${cluster.bao.rootToken}
  make demo-down                                   # clean up`);
}
