import { afterAll, beforeAll, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { driver, executor, secretKeyRefs } from '../support/spark.ts';

const EXECUTORS = 100;

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('executors');
  namespace = await p.namespace('executors');
  await p.store('executors', { a: 'v4lue-a', b: 'v4lue-b' });
  await p.k.apply(
    reference('warehouse', namespace, { A: 'KUBERNETES/executors/a', B: 'KUBERNETES/executors/b' }),
  );
});
afterAll(async () => p?.stop());

/** The sum of a metric's samples that have all of these labels. */
function sum(metrics: string, name: string, labels: Record<string, string>): number {
  const has = (line: string) =>
    line.startsWith(`${name}{`) &&
    Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`));
  return metrics
    .split('\n')
    .filter(has)
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** What the API server counted: Secrets that anybody made, and pods that it asked the webhook about. */
async function counted() {
  const metrics = await p.k.run('get', '--raw', '/metrics');
  const made = (resource: string) =>
    sum(metrics, 'apiserver_request_total', { resource, verb: 'POST', code: '201' });
  const asked = 'apiserver_admission_webhook_admission_duration_seconds_count';
  return { secrets: made('secrets'), asked: sum(metrics, asked, { name: 'pods.fairlead.dev' }) };
}

/** What the controller counted itself: the requests that write something, its passes for pods, and what it read. */
async function ofController() {
  const metrics = await (await fetch(`${p.fairlead.process('controller').health}/metrics`)).text();
  const requests = (method: string) => sum(metrics, 'fairlead_rest_client_requests_total', { method });
  return {
    // Leases are replaced (PUT), whatever happens.
    writes: requests('POST') + requests('PATCH') + requests('DELETE'),
    passes: sum(metrics, 'fairlead_reconcile_total', { controller: 'pods' }),
    reads: requests('GET'),
  };
}

it('a driver with a hundred executors costs one Secret: no question, no pass and no write for an executor', async () => {
  await p.k.run(
    'wait',
    '--for=condition=Ready',
    '--timeout=30s',
    'secretreference/warehouse',
    '-n',
    namespace,
  );
  const before = await counted();
  await p.k.apply(driver('many', namespace, { image: p.cluster.image, references: 'warehouse' }));
  const { metadata } = await p.released(namespace, 'many-driver');
  const options = (await p.delivered(namespace, 'many-driver'))['SPARK_SUBMIT_OPTS'] ?? '';
  const env = secretKeyRefs(options);
  expect(env).toHaveLength(2);
  await until('the delivery to be told', async () =>
    (await p.k.list('events.events.k8s.io', namespace)).some(({ reason }) => reason === 'SecretsDelivered'),
  );
  const delivered = await counted();
  expect(delivered.secrets - before.secrets).toBe(1);
  expect(delivered.asked).toBeGreaterThan(before.asked);

  const idle = await ofController();
  const make = (id: number) =>
    executor('many', namespace, id, { image: p.cluster.image, uid: metadata.uid, env });
  await p.k.apply(...Array.from({ length: EXECUTORS }, (_, id) => make(id + 1)));
  const executors: KubeJson[] = await p.k.list('pods', namespace, '-l', 'spark-role=executor');
  expect(executors).toHaveLength(EXECUTORS);
  for (const { spec } of executors) {
    expect(spec.schedulingGates).toBeUndefined();
    expect(spec.containers[0].env.slice(1)).toEqual(env);
  }
  // The queue is in order: what the executors had caused would be done before this pod is.
  const last = await p.pod(namespace, 'last');
  await p.released(namespace, 'last');
  await until('the last delivery to be told', async () =>
    (await p.k.list('events.events.k8s.io', namespace)).some(
      ({ regarding }) => regarding?.uid === last.metadata.uid,
    ),
  );
  const after = await counted();
  const alone = { secrets: delivered.secrets - before.secrets, asked: delivered.asked - before.asked };
  expect({ secrets: after.secrets - delivered.secrets, asked: after.asked - delivered.asked }).toEqual(alone);
  const busy = await ofController();
  // For that one pod: its Secret, its gate, its event; and what else goes on in the cluster.
  expect(busy.writes - idle.writes).toBeGreaterThanOrEqual(3);
  for (const what of ['writes', 'passes', 'reads'] as const)
    expect(busy[what] - idle[what], what).toBeLessThan(EXECUTORS / 4);
  expect(await p.k.list('secrets', namespace, '-l', 'fairlead.dev/delivery')).toHaveLength(2);
}, 180_000);
