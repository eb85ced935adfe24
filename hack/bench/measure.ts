import { readFile } from 'node:fs/promises';
import { pod } from '../demo/objects.ts';
import { bareClient, inParallel } from './bare-client.ts';
import type { Floors } from './floor.ts';
import { NAMESPACE, type Bench, type Prepared } from './prepare.ts';

export interface Measurement {
  readonly scenario: string;
  readonly pods: number;
  readonly floor_s: number;
  readonly fairlead_s: number;
  readonly ratio: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly cpu_s: number;
  readonly rss_mb: number;
  readonly vault_requests: number;
}

/** Creates the pods at once and waits, by a watch of its own, until the last gate is lifted. */
export async function measure(
  { cluster, pods, proxy, say }: Bench,
  { fairlead }: Prepared,
  scenario: keyof Floors,
  floorSeconds: number,
): Promise<Measurement> {
  const api = await bareClient(cluster.kubeconfig);
  const namespace = NAMESPACE[scenario];
  const created = new Map<string, number>();
  const lifted = new Map<string, number>();
  const stop = new AbortController();
  const all = Promise.withResolvers<void>();
  const watching = (async () => {
    const path = `/api/v1/namespaces/${namespace}/pods?watch=true&timeoutSeconds=600`;
    for await (const { type, object } of api.watch(path, stop.signal)) {
      if (type !== 'MODIFIED' && type !== 'ADDED') continue;
      const { name } = object.metadata;
      if (object.spec.schedulingGates !== undefined || lifted.has(name)) continue;
      lifted.set(name, performance.now());
      if (lifted.size === pods) all.resolve();
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) all.reject(error);
  });
  const pids = fairlead.processes.filter(({ role }) => role !== 'certificates').map(({ pid }) => pid);
  const cpuBefore = await cpuSeconds(pids);
  proxy.take();

  const started = performance.now();
  await inParallel(pods, 32, async (i) => {
    const name = `pod-${i}`;
    const references = scenario === 'shared-path' ? `shared-${i}` : `own-${i}`;
    await api.call(
      'POST',
      `/api/v1/namespaces/${namespace}/pods`,
      pod(name, namespace, { image: 'none', references }),
    );
    created.set(name, performance.now());
  });
  say(
    `    all created after ${((performance.now() - started) / 1000).toFixed(2)} s, ${lifted.size} let go by then`,
  );
  await Promise.race([all.promise, timeOut(300_000)]);
  const seconds = (Math.max(...lifted.values()) - started) / 1000;
  stop.abort();
  await watching;

  const latencies = [...created]
    .map(([name, at]) => Math.max(0, (lifted.get(name) ?? Infinity) - at))
    .sort((a, b) => a - b);
  const result: Measurement = {
    scenario,
    pods,
    floor_s: round(floorSeconds),
    fairlead_s: round(seconds),
    ratio: round(seconds / floorSeconds),
    p50_ms: Math.round(latencies[Math.floor(pods * 0.5)] ?? 0),
    p99_ms: Math.round(latencies[Math.floor(pods * 0.99)] ?? 0),
    cpu_s: round((await cpuSeconds(pids)) - cpuBefore),
    rss_mb: Math.round(await peakMegabytes(pids)),
    vault_requests: proxy.take().length,
  };
  await api.call('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`);
  await api.close();
  return result;
}

const round = (value: number) => Math.round(value * 100) / 100;

async function timeOut(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not all gates were lifted within ${ms / 1000} s`)), ms).unref();
  });
}

/** User and system time of the processes so far, from /proc (100 ticks a second on Linux). */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [, user = 0, system = 0] =
      /^(?:\S+ ){11}(\d+) (\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 2))?.map(Number) ?? [];
    return (user + system) / 100;
  });
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

/** Peak resident memory (VmHWM) of the largest process. */
export async function peakMegabytes(pids: readonly number[]): Promise<number> {
  const each = pids.map(
    async (pid) =>
      Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
  );
  return Math.max(...(await Promise.all(each)));
}
