import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { LEASES } from '../../src/kube/lease-lock.ts';
import type { KubeObject, Resource } from '../../src/kube/objects.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { cluster, until } from '../support/cluster.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
type Work = KubeObject & { data?: { worker?: string } };
type Lease = KubeObject & {
  spec: { holderIdentity: string; leaseTransitions: number; leaseDurationSeconds: number };
};

const CHILD = fileURLToPath(new URL('../support/lease-child.ts', import.meta.url));
const namespace = `kube-lease-${process.pid}`;
let client: KubeClient;
let kubeconfig: string;
let stop: AbortController;
let running: Promise<void>;
/** Who wrote, in the order of the API server; the same one many times over is named once. */
let workers: string[];
let writes: number;
let replicas: Replica[];

interface Replica {
  readonly process: ChildProcess;
  readonly said: string[];
  readonly exit: Promise<number | null>;
}

beforeAll(async () => {
  ({ kubeconfig } = await cluster());
  client = connect({ userAgent: 'lease-test/1', kubeconfig });
  await client.create(namespaces, { metadata: { name: namespace } });
});

afterAll(async () => {
  await client.delete(namespaces, { name: namespace });
  await client.close();
});

beforeEach(async () => {
  [workers, writes, replicas] = [[], 0, []];
  await client.create(configMaps, { metadata: { namespace, name: 'work' } });
  const work = new Reflector<Work>({
    name: 'work',
    client,
    clock: systemClock,
    resource: configMaps,
    namespace,
    fieldSelector: 'metadata.name=work',
    project: (raw) => raw,
  });
  work.onChange(({ object }) => {
    const { worker } = object.data ?? {};
    writes += 1;
    if (worker !== undefined && worker !== workers.at(-1)) workers.push(worker);
  });
  stop = new AbortController();
  running = work.run(stop.signal);
  await work.synced;
});

afterEach(async () => {
  for (const { process } of replicas) process.kill('SIGKILL');
  await Promise.all(replicas.map(async ({ exit }) => exit));
  stop.abort();
  await running;
  await client.delete(configMaps, { namespace, name: 'work' });
  await client.delete(LEASES, { namespace, name: 'lease' }).catch(() => undefined);
});

function replica(identity: string, leaseSeconds = 5): Replica {
  const child = spawn(process.execPath, [CHILD, kubeconfig, namespace, identity, String(leaseSeconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(...text.trim().split('\n')));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const started = { process: child, said, exit };
  replicas.push(started);
  return started;
}

/** Starting Node takes seconds on a busy machine. */
const patience = { timeoutMs: 45_000 };
const follows = async ({ said }: Replica, leader: string) =>
  until(`it to follow ${leader}`, async () => said.includes(`follows ${leader}`), patience);
const worksNow = async (identity: string) =>
  until(`${identity} to work`, async () => workers.at(-1) === identity, patience);
const lease = async () => client.get<Lease>(LEASES, { namespace, name: 'lease' });

/** Lets so many writes go by: time, measured in work. */
async function letWork(count: number): Promise<void> {
  const enough = writes + count;
  await until(`${count} writes`, async () => writes >= enough);
}

describe('two replicas on a real API server', () => {
  it('a leader that is paused does nothing more when it wakes, and exits non-zero', async () => {
    const a = replica('a');
    await worksNow('a');
    const b = replica('b');
    await follows(b, 'a');
    await letWork(100);
    expect(workers).toEqual(['a']);

    a.process.kill('SIGSTOP');
    await worksNow('b');
    await letWork(100);
    a.process.kill('SIGCONT');
    expect(await a.exit).toBe(3);
    await letWork(100);
    expect(a.said).toEqual(['leads', 'failed LeaseLost']);
    expect(workers).toEqual(['a', 'b']);
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect(b.said).toEqual(['follows a', 'leads']);
  });

  it('a leader that is stopped in good order is followed at once', async () => {
    // So long a lease that nobody would wait for its end.
    const a = replica('a', 300);
    await worksNow('a');
    const b = replica('b', 300);
    await follows(b, 'a');
    a.process.kill('SIGTERM');
    expect(await a.exit).toBe(0);
    await worksNow('b');
    expect(a.said).toEqual(['leads', 'stopped']);
    expect(workers).toEqual(['a', 'b']);
  });

  it('a leader that is killed is followed when its lease has run out', async () => {
    const a = replica('a');
    await worksNow('a');
    await follows(replica('b'), 'a');
    a.process.kill('SIGKILL');
    await worksNow('b');
    expect(workers).toEqual(['a', 'b']);
  });

  it('the last one to be stopped leaves a lease that nobody holds', async () => {
    const a = replica('a');
    await worksNow('a');
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 5 });
    a.process.kill('SIGTERM');
    expect(await a.exit).toBe(0);
    expect((await lease()).spec.holderIdentity).toBe('');
  });
});
