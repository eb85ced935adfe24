import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { runController, type ControllerOptions } from './controller.ts';
import { done, later, waiting, type Outcome } from './outcome.ts';
import { Loops } from './loops.ts';
import { WorkQueue } from './queue.ts';

let clock: FakeClock;
let queue: WorkQueue;
let stop: AbortController;
let lines: string[];
let counted: string[];

beforeEach(() => {
  clock = new FakeClock();
  queue = new WorkQueue({ name: 'q', clock, random: () => 0 });
  stop = new AbortController();
  lines = [];
  counted = [];
});

function start(reconcile: ControllerOptions['reconcile'], rest: Partial<ControllerOptions> = {}) {
  const line = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${(fields as { code?: string }).code ?? ''}`.trim());
  let ended = false;
  const running = runController(
    {
      name: 'pods',
      queue,
      workers: 2,
      reconcile,
      clock,
      log: { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') },
      metrics: { ended: (controller, result) => void counted.push(`${controller} ${result}`) },
      timeoutMs: 1000,
      ...rest,
    },
    stop.signal,
  ).then(() => (ended = true));
  return { running, hasEnded: () => ended };
}

/** A pass that lasts until the test ends it, or until it is aborted. */
function heldPasses() {
  const under = new Map<string, { end: (outcome?: Outcome) => void; signal: AbortSignal }>();
  const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      under.set(key, {
        signal,
        end: (outcome = done()) => {
          under.delete(key);
          resolve(outcome);
        },
      });
      signal.addEventListener('abort', () => {
        under.delete(key);
        reject(signal.reason as Error);
      });
    });
  return { under, reconcile };
}

describe('the worker loop', () => {
  it('works on each key, as many at once as there are workers', async () => {
    const { under, reconcile } = heldPasses();
    start(reconcile);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    expect([...under.keys()]).toEqual(['a', 'b']);
    under.get('a')?.end();
    await settle();
    expect([...under.keys()]).toEqual(['b', 'c']);
    expect(counted).toEqual(['pods done']);
  });

  it('never works twice on a key at the same time', async () => {
    const { under, reconcile } = heldPasses();
    start(reconcile, { workers: 8 });
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(queue.processing).toBe(1);
    under.get('a')?.end();
    await settle();
    expect(under.size).toBe(1);
    under.get('a')?.end();
    await settle();
    expect(counted).toEqual(['pods done', 'pods done']);
  });

  it('tries a pass that throws again, with backoff, until it does not', async () => {
    const at: number[] = [];
    start(async () => {
      at.push(clock.now());
      if (at.length < 4) throw new TypeError('hunter2');
      return done();
    });
    queue.add('a');
    await clock.advance(60_000);
    expect(at).toEqual([0, 500, 1500, 3500]);
    expect(counted).toEqual(['pods error', 'pods error', 'pods error', 'pods done']);
    expect(lines).toEqual(Array(3).fill('warn the pass failed and is tried again TypeError'));
  });

  it('goes on with the other keys meanwhile', async () => {
    const seen: string[] = [];
    start(async (key) => {
      seen.push(key);
      if (key === 'bad') throw new Error('x');
      return done();
    });
    queue.add('bad');
    for (let i = 0; i < 10; i += 1) queue.add(`good-${i}`);
    await settle();
    expect(seen).toHaveLength(11);
  });

  it('reports with the signal of the pass', async () => {
    const reported: unknown[] = [];
    start(async () => waiting('StoreNotFound', 'no store'), {
      report: async (key, outcome, signal) =>
        void reported.push([key, outcome.reason, signal instanceof AbortSignal]),
    });
    queue.add('a');
    await settle();
    expect(reported).toEqual([['a', 'StoreNotFound', true]]);
  });
});

describe('a pass that takes too long', () => {
  it('is aborted and tried again', async () => {
    const { under, reconcile } = heldPasses();
    start(reconcile);
    queue.add('a');
    await clock.advance(999);
    expect(under.get('a')?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(under.size).toBe(0);
    expect(lines).toEqual(['warn the pass failed and is tried again PassTimeout']);
    await clock.advance(500);
    expect(under.size).toBe(1);
  });

  it('is still the only one for its key if it does not listen', async () => {
    let running = 0;
    let most = 0;
    const stuck = Promise.withResolvers<Outcome>();
    start(async () => {
      running += 1;
      most = Math.max(most, running);
      const outcome = await stuck.promise;
      running -= 1;
      return outcome;
    });
    queue.add('a');
    await clock.advance(5000);
    queue.add('a');
    await clock.advance(5000);
    expect(most).toBe(1);
    stuck.resolve(done());
    await settle();
    expect(counted).toEqual(['pods done', 'pods done']);
  });

  it('leaves no timer when it ends in time', async () => {
    start(async () => done());
    queue.add('a');
    await settle();
    expect(clock.pending).toBe(0);
  });
});

describe('a stop', () => {
  it('aborts the passes under way, waits for them and ends', async () => {
    const ended = Promise.withResolvers<void>();
    const seen: boolean[] = [];
    const { running, hasEnded } = start(async (_, signal) => {
      await ended.promise;
      seen.push(signal.aborted);
      return done();
    });
    queue.add('a');
    await settle();
    stop.abort();
    await settle();
    expect(hasEnded()).toBe(false);
    ended.resolve();
    await running;
    expect(seen).toEqual([true]);
    expect(clock.pending).toBe(0);
  });

  it('begins nothing more, although keys wait', async () => {
    const { under, reconcile } = heldPasses();
    const { running } = start(reconcile, { workers: 1 });
    for (let i = 0; i < 100; i += 1) queue.add(`key-${i}`);
    await settle();
    stop.abort();
    await running;
    expect(under.size).toBe(0);
    expect(counted).toEqual(['pods aborted']);
    expect(lines).toEqual([]);
  });

  it('waits only so long for a pass that does not listen', async () => {
    const { running, hasEnded } = start(async () => new Promise<Outcome>(() => undefined), { stopMs: 3000 });
    queue.add('a');
    await settle();
    stop.abort();
    await clock.advance(2999);
    expect(hasEnded()).toBe(false);
    await clock.advance(1);
    await running;
    expect(lines).toEqual(['error stopped without waiting for the last passes']);
  });

  it('before the start ends at once', async () => {
    stop.abort();
    queue.add('a');
    const { running } = start(async () => done());
    await running;
    expect(counted).toEqual([]);
  });

  it('while a key waits for its backoff ends at once', async () => {
    const { running } = start(async () => {
      throw new Error('x');
    });
    queue.add('a');
    await settle();
    stop.abort();
    await running;
    expect(clock.pending).toBe(0);
  });
});

describe('a replica that does not lead any more', () => {
  it('begins nothing, and asks again', async () => {
    let leads = false;
    const seen: string[] = [];
    start(
      async (key) => {
        seen.push(key);
        return later(60_000);
      },
      { stillLeader: () => leads },
    );
    queue.add('a');
    await clock.advance(5000);
    expect(seen).toEqual([]);
    leads = true;
    await clock.advance(1000);
    expect(seen).toEqual(['a']);
  });
});

describe('whoever asks whether the loop runs', () => {
  let loops: Loops;
  beforeEach(() => (loops = new Loops(clock)));

  it('is told of a pass that ignores that it was aborted, and not before', async () => {
    start(async () => new Promise(() => undefined), { loops });
    queue.add('a');
    await clock.advance(60_900);
    expect(loops.problem()).toBeUndefined();
    await clock.advance(200);
    expect(loops.problem()).toBe('pods does not come to an end');
  });

  it('hears nothing of passes that end, nor of a loop that rests or was stopped', async () => {
    const { running } = start(async () => Promise.resolve(done()), { loops });
    queue.add('a');
    await clock.advance(1_000_000);
    expect(loops.problem()).toBeUndefined();
    stop.abort();
    await running;
    await settle();
    expect(loops.problem()).toBeUndefined();
  });

  it('is told of a worker that has ended, with a line that says so', async () => {
    const broken = { name: 'q', get: async () => Promise.reject(new TypeError('hunter2')) };
    start(async () => Promise.resolve(done()), { loops, queue: Object.assign(queue, broken) });
    await settle();
    expect(loops.problem()).toBe('pods has ended');
    expect(lines).toEqual(['error a worker has ended', 'error a worker has ended']);
  });

  it('is told of a queue that was closed by somebody else', async () => {
    start(async () => Promise.resolve(done()), { loops });
    queue.close();
    await settle();
    expect(loops.problem()).toBe('pods has ended');
  });
});

it('what a pass logs can be found by an id of its own, and by what it is about', async () => {
  const seen: object[] = [];
  const within = async (fields: object, work: () => Promise<void>) => {
    seen.push(fields);
    await work();
  };
  start(async () => Promise.resolve(done()), { within, about: (key) => ({ pod: key, references: ['r'] }) });
  queue.add('ns/a');
  queue.add('ns/b');
  await settle();
  expect(seen).toMatchObject([
    { controller: 'pods', key: 'ns/a', pod: 'ns/a', references: ['r'] },
    { controller: 'pods', key: 'ns/b' },
  ]);
  const ids = seen.map((fields) => (fields as { pass: string }).pass);
  expect(new Set(ids).size).toBe(2);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}$/);
});
