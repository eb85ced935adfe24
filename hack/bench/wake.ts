/**
 * How soon a waiting pod goes on: from the moment its last missing object, a SecretReference, is there to its lifted
 * gate. The floor is a bare client that watches references too, and creates the Secret and lifts the gate itself.
 */
import { opaque, pod, reference } from '../demo/objects.ts';
import { kubectl } from '../install.ts';
import { bareClient, type BareClient } from './bare-client.ts';
import { secretFor } from './floor.ts';
import { NAMESPACE, type Bench } from './prepare.ts';

export interface WakeMeasurement {
  readonly scenario: 'wake-up';
  readonly pods: number;
  readonly floor_p50_ms: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

const ROUNDS = 20;
const GATE = 'bench.example/gate';
const LIMIT_MS = 60_000;

export async function wake({ cluster, say }: Bench): Promise<WakeMeasurement> {
  say(`\nwake-up: ${ROUNDS} pods, one after the other, each waiting for its reference`);
  await kubectl(
    cluster,
    ['apply', '-f', '-'],
    JSON.stringify(opaque('iomete-secret-store-bench', { a: 'one' })),
  );
  const api = await bareClient(cluster.kubeconfig);
  const floors: number[] = [];
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    floors.push(await bareRound(api, `late-${i}`));
    times.push(await fairleadRound(api, `late-${i}`));
  }
  await api.close();
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  return {
    scenario: 'wake-up',
    pods: ROUNDS,
    floor_p50_ms: percentile(floors, 0.5),
    p50_ms: p50,
    p99_ms: p99,
  };
}

async function fairleadRound(api: BareClient, name: string): Promise<number> {
  const namespace = NAMESPACE['own-path'];
  await api.call('POST', pods(namespace), pod(name, namespace, { image: 'none', references: name }));
  await seen(api, `${pods(namespace)}?watch=true&fieldSelector=metadata.name=${name}`, ({ status }) =>
    (status?.conditions ?? []).some(({ reason }) => reason === 'ReferenceNotFound'),
  );
  const lifted = seen(
    api,
    `${pods(namespace)}?watch=true&fieldSelector=metadata.name=${name}`,
    ({ spec }) => spec.schedulingGates === undefined,
  );
  await api.call('POST', references(namespace), reference(name, namespace, { A: 'KUBERNETES/bench/a' }));
  const started = performance.now();
  return Math.max(0, (await lifted) - started);
}

async function bareRound(api: BareClient, name: string): Promise<number> {
  const namespace = NAMESPACE.floor;
  const bare = pod(name, namespace, { image: 'none', references: '' }) as {
    metadata: { annotations?: object };
  };
  delete bare.metadata.annotations;
  const gated = { ...bare, spec: { ...(bare as { spec?: object }).spec, schedulingGates: [{ name: GATE }] } };
  const { metadata } = (await api.call('POST', pods(namespace), gated)) as { metadata: { uid: string } };
  const path = `${references(namespace)}?watch=true&fieldSelector=metadata.name=${name}`;
  const done = seen(api, path, () => true).then(async () => {
    await api.call('POST', `/api/v1/namespaces/${namespace}/secrets`, secretFor(name, metadata.uid, 'one'));
    const spec = { schedulingGates: [{ name: GATE, $patch: 'delete' }] };
    const patch = { metadata: { uid: metadata.uid }, spec };
    await api.call('PATCH', `${pods(namespace)}/${name}`, patch, 'application/strategic-merge-patch+json');
    return performance.now();
  });
  await api.call('POST', references(namespace), reference(name, namespace, { A: 'KUBERNETES/bench/a' }));
  const started = performance.now();
  return Math.max(0, (await done) - started);
}

const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const references = (namespace: string) =>
  `/apis/fairlead.dev/v1alpha1/namespaces/${namespace}/secretreferences`;

interface Seen {
  readonly spec: { readonly schedulingGates?: unknown };
  readonly status?: { readonly conditions?: readonly { readonly reason?: string }[] };
}

/** When the watch first showed an object as it is wanted. */
async function seen(api: BareClient, path: string, wanted: (object: Seen) => boolean): Promise<number> {
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(new Error(`nothing came on ${path}`)), LIMIT_MS);
  try {
    for await (const { object } of api.watch(path, stop.signal)) if (wanted(object)) return performance.now();
    throw new Error(`the watch ended: ${path}`);
  } finally {
    clearTimeout(limit);
    stop.abort();
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}
