import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { keyOf, type KubeObject, type Resource } from '../../src/kube/objects.ts';
import { Reflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { cluster, until } from '../support/cluster.ts';
import { faultyProxy, isList, isWatch, type FaultyProxy } from '../support/faulty-proxy.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
type ConfigMap = KubeObject & { data?: Record<string, string> };

/** Short enough for a test, long enough for a loaded machine. */
const quick = { retry: { baseMs: 20, capMs: 200 } };
const namespace = `kube-reflector-${process.pid}`;
const gone = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message: 'too old resource version: 1 (2)',
  reason: 'Expired',
  code: 410,
};

let admin: KubeClient;
let proxy: FaultyProxy;
let client: KubeClient;
let stop: AbortController;
let running: Promise<void>[];
let told: string[];
let errors: string[];

beforeAll(async () => {
  admin = connect({ userAgent: 'admin/1', kubeconfig: (await cluster()).kubeconfig });
  await admin.create(namespaces, { metadata: { name: namespace } });
});

afterAll(async () => {
  await admin.delete(namespaces, { name: namespace });
  await admin.close();
});

beforeEach(async () => {
  proxy = await faultyProxy((await cluster()).kubeconfig);
  client = connect({ userAgent: 'reflector/1', kubeconfig: proxy.kubeconfig });
  stop = new AbortController();
  [running, told, errors] = [[], [], []];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await client.close();
  await proxy.close();
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  await admin.request({ method: 'DELETE', path, query: { labelSelector: 'test' } });
});

async function start(rest: Partial<ReflectorOptions<ConfigMap>> = {}): Promise<Reflector<ConfigMap>> {
  const reflector = new Reflector<ConfigMap>({
    name: 'configmaps',
    client,
    clock: systemClock,
    resource: configMaps,
    namespace,
    labelSelector: 'test',
    project: (raw) => raw,
    hooks: { onError: ({ during, code }) => errors.push(`${during} ${code}`) },
    ...quick,
    ...rest,
  });
  reflector.onChange(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
  running.push(reflector.run(stop.signal));
  await reflector.synced;
  return reflector;
}

const make = async (name: string, data: Record<string, string> = {}) =>
  admin.create<ConfigMap>(configMaps, { metadata: { namespace, name, labels: { test: 'yes' } }, data });
const remove = async (name: string) => admin.delete(configMaps, { namespace, name });
const change = async (name: string, data: Record<string, string>) =>
  admin.patch(configMaps, { namespace, name }, { data }, { type: 'merge' });

/** Waits until the reflector holds exactly what the API server holds, version by version. */
async function caughtUp(reflector: Reflector<ConfigMap>): Promise<void> {
  await until('the reflector to hold what the API server holds', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const { items } = await admin.request<{ items: ConfigMap[] }>({
      method: 'GET',
      path,
      query: { labelSelector: 'test' },
    });
    const state = (objects: readonly ConfigMap[]) =>
      objects
        .map((object) => `${keyOf(object)} ${object.metadata.uid} ${object.metadata.resourceVersion}`)
        .toSorted()
        .join('\n');
    return state(items) === state(reflector.list());
  });
}
const watching = async (count = 1) =>
  until('a watch', async () => proxy.seen.filter(isWatch).length >= count);

describe('a reflector on a real API server', () => {
  it('sees what is there, and what comes, changes and goes', async () => {
    await make('a');
    await make('b');
    const reflector = await start();
    expect(told.toSorted()).toEqual(['added a', 'added b']);
    await make('c');
    await change('a', { x: '1' });
    await remove('b');
    await caughtUp(reflector);
    expect(told.slice(2)).toEqual(['added c', 'updated a', 'deleted b']);
    expect(reflector.get(`${namespace}/a`)?.metadata).not.toHaveProperty('managedFields');
    expect(errors).toEqual([]);
  });

  it('sees an object go that no longer fits its selector', async () => {
    await make('a');
    const reflector = await start();
    const patch = { metadata: { labels: { test: null } } };
    await admin.patch(configMaps, { namespace, name: 'a' }, patch, { type: 'merge' });
    await until('the deletion', async () => told.includes('deleted a'));
    expect(reflector.size).toBe(0);
    await remove('a');
  });

  it('lists more than one page', async () => {
    await Promise.all(Array.from({ length: 7 }, async (_, i) => make(`page-${i}`)));
    const reflector = await start({ pageSize: 3 });
    expect(reflector.size).toBe(7);
    expect(proxy.seen.filter(isList)).toHaveLength(3);
    await make('one-more');
    await caughtUp(reflector);
  });

  it('opens the next watch where the server ended the last one', async () => {
    const reflector = await start({ watchSeconds: 1, random: () => 0 });
    await watching(3);
    await make('a');
    await caughtUp(reflector);
    expect(errors).toEqual([]);
    expect(proxy.seen.filter(isList)).toHaveLength(1);
  });
});

describe('when the network', () => {
  it('cuts the connection: it goes on from where it was, without a list', async () => {
    await make('a');
    const reflector = await start();
    await watching();
    proxy.cut();
    await remove('a');
    await make('b');
    await caughtUp(reflector);
    expect(told).toEqual(['added a', 'deleted a', 'added b']);
    expect(proxy.seen.filter(isList)).toHaveLength(1);
    expect(errors).toEqual(['watch Unreachable']);
  });

  it('keeps the connection and says nothing more (half-open): it is given up and opened again', async () => {
    await make('a');
    const reflector = await start({ silenceMs: 300 });
    await watching();
    proxy.freeze();
    await make('b');
    await change('a', { x: '1' });
    await caughtUp(reflector);
    expect(told).toEqual(['added a', 'added b', 'updated a']);
    expect(errors).toContain('watch Timeout');
  });

  it('keeps the connection of a list and says nothing more: it times out and is tried again', async () => {
    proxy.fault(isList, { kind: 'hold' }, 1);
    await make('a');
    const hasty: Pick<KubeClient, 'request' | 'stream'> = {
      request: async (request) => client.request({ ...request, timeoutMs: 200 }),
      stream: async (request) => client.stream(request),
    };
    const reflector = await start({ client: hasty });
    await caughtUp(reflector);
    expect(errors).toEqual(['list Timeout']);
  });

  it.each([1, 7])('splits every line into pieces of %i bytes, also inside a character', async (bytes) => {
    proxy.fault(isWatch, { kind: 'chunks', bytes });
    const reflector = await start();
    await watching();
    const text = 'Grüße aus 世界 😀';
    await make('a', { text });
    await make('b', { text });
    await change('a', { text: `${text}!` });
    await caughtUp(reflector);
    expect(reflector.get(`${namespace}/a`)?.data).toEqual({ text: `${text}!` });
    expect(errors).toEqual([]);
  });

  it('cuts the connection in the middle of a line: the line comes again', async () => {
    proxy.fault(isWatch, { kind: 'cutAfter', bytes: 700 }, 3);
    const reflector = await start();
    await watching();
    for (const name of ['a', 'b', 'c', 'd']) await make(name, { text: '世界'.repeat(40) });
    await caughtUp(reflector);
    expect(told.toSorted()).toEqual(['added a', 'added b', 'added c', 'added d']);
  });
});

describe('when the API server', () => {
  it('has forgotten the list half-way (410): it starts again', async () => {
    await Promise.all(Array.from({ length: 5 }, async (_, i) => make(`page-${i}`)));
    const second = (seen: { method: string; url: string }) => isList(seen) && seen.url.includes('continue=');
    proxy.fault(second, { kind: 'answer', status: 410, body: gone }, 1);
    const reflector = await start({ pageSize: 2 });
    expect(reflector.size).toBe(5);
    expect(errors).toEqual([]);
    expect(proxy.seen.filter(isList)).toHaveLength(5);
  });

  it('refuses the first page with 410: it asks again', async () => {
    await make('a');
    proxy.fault(isList, { kind: 'answer', status: 410, body: gone }, 1);
    await caughtUp(await start());
    expect(errors).toEqual(['list Gone']);
  });

  it('refuses the watch with 410: it lists again, and sees what went and came meanwhile', async () => {
    await make('a');
    await make('b');
    const reflector = await start();
    await watching();
    const endWatch = proxy.fault(isWatch, { kind: 'answer', status: 410, body: gone });
    const endList = proxy.fault(isList, { kind: 'answer', status: 503 });
    proxy.cut();
    await until('both to be refused', async () => errors.includes('list ServerError'));
    await remove('a');
    await remove('b');
    await make('b', { second: 'life' });
    await make('c');
    endWatch();
    endList();
    await caughtUp(reflector);
    expect(errors).toContain('watch Gone');
    expect(told).toEqual(['added a', 'added b', 'deleted b', 'added b', 'added c', 'deleted a']);
  });

  it('says 410 inside the stream: it lists again', async () => {
    await make('a');
    const reflector = await start();
    await watching();
    const lines = `${JSON.stringify({ type: 'ERROR', object: gone })}\n`;
    expect(proxy.inject(isWatch, lines)).toBe(1);
    await make('b');
    await caughtUp(reflector);
    expect(errors).toEqual(['watch Gone']);
    expect(proxy.seen.filter(isList)).toHaveLength(2);
    expect(told).toEqual(['added a', 'added b']);
  });

  it('says something that is no event: it goes on from where it was', async () => {
    const reflector = await start();
    await watching();
    proxy.inject(isWatch, '{"type":"ADDED","object":{"metadata"\n');
    await make('a');
    await caughtUp(reflector);
    expect(errors).toEqual(['watch BadResponse']);
    expect(proxy.seen.filter(isList)).toHaveLength(1);
  });

  it('asks for a second of patience (429): it has it', async () => {
    const headers = { 'retry-after': '1' };
    proxy.fault(isList, { kind: 'answer', status: 429, headers }, 1);
    const started = performance.now();
    await make('a');
    const reflector = await start();
    expect(performance.now() - started).toBeGreaterThan(990);
    await caughtUp(reflector);
    expect(errors).toEqual(['list TooManyRequests']);
  });

  it('refuses connections for a while: what was deleted and made again meanwhile is told as both', async () => {
    const first = await make('a', { which: 'first' });
    const reflector = await start();
    await watching();
    await proxy.refuse();
    await until('a refused connection', async () => errors.length > 2);
    await remove('a');
    const second = await make('a', { which: 'second' });
    expect(reflector.get(`${namespace}/a`)?.metadata.uid).toBe(first.metadata.uid);
    await proxy.accept();
    await caughtUp(reflector);
    expect(told).toEqual(['added a', 'deleted a', 'added a']);
    expect(reflector.get(`${namespace}/a`)?.metadata.uid).toBe(second.metadata.uid);
    expect(new Set(errors)).toEqual(new Set(['watch Unreachable']));
  });
});

describe('a handler that throws', () => {
  it('is reported by its code, and the reflector goes on', async () => {
    const reflector = await start();
    reflector.onChange(({ object }) => {
      throw new RangeError(JSON.stringify(object));
    });
    await make('a', { password: 'hunter2' });
    await make('b');
    await caughtUp(reflector);
    await until('both to be reported', async () => errors.length >= 2);
    expect(errors).toEqual(['handler RangeError', 'handler RangeError']);
  });
});

describe('a stop', () => {
  it('ends a watch at once', async () => {
    await start();
    await watching();
    stop.abort();
    await Promise.all(running);
  });

  it('ends a wait for the next try at once', async () => {
    await start({ retry: { baseMs: 600_000, capMs: 600_000 } });
    await watching();
    await proxy.refuse();
    await until('the failure', async () => errors.length > 0);
    stop.abort();
    await Promise.all(running);
    await proxy.accept();
  });

  it('ends a list at once', async () => {
    proxy.fault(isList, { kind: 'hold' });
    void start().catch(() => undefined);
    await until('a list', async () => proxy.seen.some(isList));
    stop.abort();
    await Promise.all(running);
  });
});
