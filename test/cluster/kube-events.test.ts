import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import type { KubeObject, Resource } from '../../src/kube/objects.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { cluster, kube } from '../support/cluster.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const namespace = `kube-events-${process.pid}`;
const regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'x', uid: 'uid-x' };
const inTime = () => AbortSignal.timeout(10_000);

let client: KubeClient;
let results: string[];
let recorder: EventRecorder;

beforeAll(async () => {
  client = connect({ userAgent: 'events-test/1', kubeconfig: (await cluster()).kubeconfig });
  await client.create(namespaces, { metadata: { name: namespace } });
  results = [];
  recorder = new EventRecorder({
    client,
    clock: systemClock,
    controller: 'fairlead.dev/controller',
    instance: 'test',
    onResult: (result, code) => results.push(code === undefined ? result : `${result} ${code}`),
  });
});

afterAll(async () => {
  await client.delete(namespaces, { name: namespace });
  await client.close();
});

type Event = KubeObject & { note: string; series?: { count: number } };
async function events(about: string): Promise<Event[]> {
  const path = `/apis/events.k8s.io/v1/namespaces/${about}/events`;
  return (await client.request<{ items: Event[] }>({ method: 'GET', path })).items;
}

describe('events on a real API server', () => {
  it('are accepted, and a repetition counts up', async () => {
    const event = { regarding, type: 'Warning', reason: 'StoreNotFound', action: 'Deliver' } as const;
    recorder.record({ ...event, message: 'there is no store' });
    await recorder.flush(inTime());
    for (let i = 0; i < 3; i += 1) recorder.record({ ...event, message: 'there is no store' });
    recorder.record({ ...event, message: `long ${'ü'.repeat(5000)}` });
    await recorder.flush(inTime());
    expect(results).toEqual(['written', 'written', 'written']);
    const found = await events(namespace);
    expect(found.map(({ series }) => series?.count)).toEqual(expect.arrayContaining([4, undefined]));
    expect(found).toHaveLength(2);
  });

  it('are what kubectl shows', async () => {
    const table = await kube(await cluster()).run('events', '-n', namespace, '--for', 'pod/x');
    expect(table).toMatch(/Warning\s+StoreNotFound\s+Pod\/x\s+there is no store/);
  });

  it('are what KubeSpawner shows: as core/v1, with both times, of which it takes the one that is there', async () => {
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.kind%3DPod`;
    const { items } = await client.request<{ items: object[] }>({ method: 'GET', path });
    expect(items).toContainEqual(
      expect.objectContaining({
        ...{ type: 'Warning', reason: 'StoreNotFound', message: 'there is no store' },
        involvedObject: regarding,
        lastTimestamp: null,
        eventTime: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
      }),
    );
  });

  it('about something without a namespace stand in default', async () => {
    results = [];
    recorder.record({
      regarding: { apiVersion: 'v1', kind: 'Namespace', name: namespace },
      type: 'Normal',
      reason: 'Seen',
      action: 'Look',
      message: 'hello',
    });
    await recorder.flush(inTime());
    expect(results).toEqual(['written']);
    expect((await events('default')).some(({ metadata }) => metadata.name.startsWith(namespace))).toBe(true);
  });

  it('in a namespace that does not exist are counted as failed, and nobody minds', async () => {
    results = [];
    recorder.record({
      regarding: { ...regarding, namespace: 'nowhere' },
      type: 'Normal',
      reason: 'Seen',
      action: 'Look',
      message: 'hello',
    });
    await recorder.flush(inTime());
    expect(results).toEqual(['failed NotFound']);
  });
});
