import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { KubeError, type KubeErrorCode } from './errors.ts';
import { EventRecorder, type EventRecord, type EventRecorderOptions } from './events.ts';

type Body = Record<string, unknown> & { metadata: { name: string; namespace: string } };

let clock: FakeClock;
let created: Body[];
let patched: { name: string; patch: unknown }[];
let results: string[];
/** What the next writes meet: an error, or a promise to wait for. */
let obstacles: (KubeErrorCode | Promise<void>)[];
let recorder: EventRecorder;

function make(rest: Partial<EventRecorderOptions> = {}): EventRecorder {
  const meet = async () => {
    const obstacle = obstacles.shift();
    if (typeof obstacle === 'string') throw new KubeError({ code: obstacle, message: 'x' });
    await obstacle;
  };
  return new EventRecorder({
    client: {
      create: async <T>(_: unknown, body: object): Promise<T> => {
        await meet();
        created.push(body as Body);
        return body as T;
      },
      patch: async <T>(_: unknown, { name }: { name: string }, patch: unknown): Promise<T> => {
        await meet();
        patched.push({ name, patch });
        return {} as T;
      },
    },
    clock,
    random: () => 0.5,
    controller: 'fairlead.dev/controller',
    instance: 'replica-1',
    onResult: (result, code) => results.push(code === undefined ? result : `${result} ${code}`),
    ...rest,
  });
}

beforeEach(() => {
  clock = new FakeClock('2026-01-01T10:00:00.123Z');
  [created, patched, results, obstacles] = [[], [], [], []];
  recorder = make();
});

const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace: 'team-a',
  name,
  uid: `uid-${name}`,
});
const event = (rest: Partial<EventRecord> = {}): EventRecord => ({
  regarding: pod('x'),
  type: 'Warning',
  reason: 'StoreNotFound',
  action: 'Deliver',
  message: 'there is no store',
  ...rest,
});

describe('an event', () => {
  it('is written as events.k8s.io/v1 wants it', async () => {
    recorder.record(event());
    await settle();
    expect(created).toEqual([
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^x\.[0-9a-f]+$/) as string, namespace: 'team-a' },
        eventTime: '2026-01-01T10:00:00.123000Z',
        reportingController: 'fairlead.dev/controller',
        reportingInstance: 'replica-1',
        action: 'Deliver',
        reason: 'StoreNotFound',
        type: 'Warning',
        note: 'there is no store',
        regarding: pod('x'),
      },
    ]);
    expect(results).toEqual(['written']);
  });

  it.each<[string, Partial<EventRecord>, (body: Body) => unknown, unknown]>([
    [
      'about something without a namespace stands in default',
      { regarding: { apiVersion: 'v1', kind: 'Namespace', name: 'team-a' } },
      (body) => body.metadata.namespace,
      'default',
    ],
    [
      'has at most 1 KiB of text',
      { message: 'ü'.repeat(2000) },
      (body) => Buffer.byteLength(body['note'] as string) <= 1024,
      true,
    ],
    [
      'about something with the longest of names has a name that is none too long',
      { regarding: pod('a'.repeat(253)) },
      (body) => body.metadata.name.length,
      253,
    ],
    [
      'has a name that stays one when it is cut at a dot',
      { regarding: pod(`${'a'.repeat(230)}.-.-.-.-.-.-.-.-.-.-.-b`) },
      (body) => /^a+\.[0-9a-f]+$/.test(body.metadata.name),
      true,
    ],
  ])('%s', async (_, rest, look, expected) => {
    recorder.record(event({ related: pod('y'), ...rest }));
    await settle();
    expect(created[0]).toMatchObject({ related: { name: 'y' } });
    expect(look(created[0]!)).toEqual(expected);
  });

  it('has a name of its own', async () => {
    for (let i = 0; i < 20; i += 1) recorder.record(event({ message: `${i}` }));
    await settle();
    expect(new Set(created.map(({ metadata }) => metadata.name)).size).toBe(20);
  });
});

describe('the same event again', () => {
  it('is a series of the first one', async () => {
    recorder.record(event());
    await settle();
    await clock.advance(30_000);
    recorder.record(event());
    await settle();
    expect(created).toHaveLength(1);
    expect(patched).toEqual([
      {
        name: created[0]?.metadata.name,
        patch: { series: { count: 2, lastObservedTime: '2026-01-01T10:00:30.123000Z' } },
      },
    ]);
  });

  it('that comes before the first is written is counted with it', async () => {
    for (let i = 0; i < 5; i += 1) recorder.record(event());
    await settle();
    expect(created).toHaveLength(1);
    expect(created[0]).toMatchObject({ series: { count: 5 } });
    expect(patched).toEqual([]);
  });

  it('after six minutes is a new one', async () => {
    recorder.record(event());
    await clock.advance(360_000);
    recorder.record(event());
    await settle();
    expect([created.length, patched.length]).toEqual([2, 0]);
  });

  it('after the first has expired in the cluster is a new one, with the count', async () => {
    recorder.record(event());
    await settle();
    obstacles = ['NotFound'];
    recorder.record(event());
    await settle();
    expect(created).toHaveLength(2);
    expect(created[1]).toMatchObject({ series: { count: 2 } });
  });

  it.each<[string, Partial<EventRecord>]>([
    ['of another object', { regarding: pod('y') }],
    ['of a successor of the same name', { regarding: { ...pod('x'), uid: 'other' } }],
    ['for another reason', { reason: 'KeyNotFound' }],
    ['with another message', { message: 'there still is no store' }],
    ['of another type', { type: 'Normal' }],
  ])('is another one when it is %s', async (_, rest) => {
    recorder.record(event());
    recorder.record(event(rest));
    await settle();
    expect([created.length, patched.length]).toEqual([2, 0]);
  });
});

describe('too many events', () => {
  it('of one object are left out: 25 at once, then one in five minutes', async () => {
    for (let i = 0; i < 40; i += 1) recorder.record(event({ message: `no ${i}` }));
    await settle();
    expect(created).toHaveLength(25);
    expect(results.filter((result) => result === 'limited')).toHaveLength(15);
    await clock.advance(300_000);
    for (let i = 0; i < 3; i += 1) recorder.record(event({ message: `later ${i}` }));
    await settle();
    expect(created).toHaveLength(26);
  });

  it('of one object leave those of another alone', async () => {
    for (let i = 0; i < 40; i += 1) recorder.record(event({ message: `no ${i}` }));
    recorder.record(event({ regarding: pod('y') }));
    await settle();
    expect(created).toHaveLength(26);
  });

  it('that are all the same are counted although they are not written each', async () => {
    for (let i = 0; i < 40; i += 1) {
      recorder.record(event());
      await settle();
    }
    expect([created.length, patched.length]).toEqual([1, 24]);
    await clock.advance(300_000);
    recorder.record(event());
    await settle();
    expect(patched.at(-1)?.patch).toMatchObject({ series: { count: 41 } });
  });

  it('that are the same and wait to be written cost nothing', async () => {
    for (let i = 0; i < 40; i += 1) recorder.record(event());
    recorder.record(event({ message: 'another' }));
    await settle();
    expect(created).toHaveLength(2);
    expect(results).toEqual(['written', 'written']);
  });

  it('for the buffer are dropped, and nobody waits', async () => {
    recorder = make({ bufferSize: 10 });
    const slow = Promise.withResolvers<void>();
    obstacles = [slow.promise];
    for (let i = 0; i < 100; i += 1) recorder.record(event({ regarding: pod(`p-${i}`) }));
    expect(recorder.pending).toBe(10);
    slow.resolve();
    await settle();
    expect(created).toHaveLength(10);
    expect(results.filter((result) => result === 'dropped')).toHaveLength(90);
  });
});

describe('an error', () => {
  it.each<[string, KubeErrorCode]>([
    ['of the connection', 'Unreachable'],
    ['of the server', 'ServerError'],
    ['of a server that has too much to do', 'TooManyRequests'],
  ])('%s is tried again, and others wait behind it', async (_, code) => {
    obstacles = [code];
    recorder.record(event());
    recorder.record(event({ regarding: pod('y') }));
    await settle();
    expect(created).toEqual([]);
    await clock.advance(1000);
    expect(created.map(({ metadata }) => metadata.name.split('.')[0])).toEqual(['x', 'y']);
  });

  it('is not tried again for ever', async () => {
    obstacles = ['Unreachable', 'Unreachable', 'Unreachable'];
    recorder.record(event());
    await clock.advance(60_000);
    expect([created, results]).toEqual([[], ['failed Unreachable']]);
  });

  it.each<[string, KubeErrorCode]>([
    ['a namespace that is being deleted', 'Forbidden'],
    ['a namespace that is gone', 'NotFound'],
    ['an event that is refused', 'Invalid'],
  ])('that will not pass is counted: %s', async (_, code) => {
    obstacles = [code];
    recorder.record(event());
    recorder.record(event({ regarding: pod('y') }));
    await settle();
    expect(results).toEqual([`failed ${code}`, 'written']);
  });
});

describe('flushing', () => {
  it('waits until everything is written', async () => {
    await recorder.flush(new AbortController().signal);
    const slow = Promise.withResolvers<void>();
    obstacles = [slow.promise];
    recorder.record(event());
    recorder.record(event({ regarding: pod('y') }));
    let flushed = false;
    const flushing = recorder.flush(new AbortController().signal).then(() => (flushed = true));
    await settle();
    expect(flushed).toBe(false);
    slow.resolve();
    await flushing;
    expect(created).toHaveLength(2);
  });

  it('drops the rest when time is up', async () => {
    obstacles = ['Unreachable'];
    recorder.record(event());
    recorder.record(event({ regarding: pod('y') }));
    await settle();
    const stop = new AbortController();
    const flushing = recorder.flush(stop.signal);
    stop.abort();
    await flushing;
    expect([created, recorder.pending, clock.pending]).toEqual([[], 0, 0]);
    expect(results).toEqual(['dropped Aborted', 'dropped Aborted']);
  });
});
