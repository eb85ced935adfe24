import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { WorkQueue, type QueueMetrics } from './queue.ts';

let clock: FakeClock;
let queue: WorkQueue;

const make = (metrics?: QueueMetrics) =>
  new WorkQueue({
    name: 'test',
    clock,
    random: () => 0,
    groupOf: (key) => key.split('/', 1)[0] ?? '',
    ...(metrics && { metrics }),
  });

beforeEach(() => {
  clock = new FakeClock();
  queue = make();
});

/** Takes what is there now; never waits. */
async function takeAll(of = queue): Promise<string[]> {
  const taken: string[] = [];
  while (of.depth > 0) {
    const key = await of.get();
    if (key === undefined) break;
    taken.push(key);
    of.done(key);
  }
  return taken;
}

describe('a key', () => {
  it('that is added often waits once', async () => {
    queue.add('a');
    queue.add('a');
    queue.add('b');
    queue.add('a');
    expect(queue.depth).toBe(2);
    expect(await takeAll()).toEqual(['a', 'b']);
  });

  it('is never worked on by two at once', async () => {
    queue.add('a');
    expect(await queue.get()).toBe('a');
    queue.add('a');
    queue.add('a', 'urgent');
    queue.add('b');
    expect(queue.depth).toBe(1);
    expect(await queue.get()).toBe('b');
    const next = queue.get();
    let got: string | undefined;
    void next.then((key) => (got = key));
    await settle();
    expect(got).toBeUndefined();
    queue.done('a');
    expect(await next).toBe('a');
  });

  it('that is added while it is worked on comes once more, and only once', async () => {
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    queue.done('a');
    expect(await takeAll()).toEqual(['a']);
    expect(queue.depth).toBe(0);
    expect(queue.processing).toBe(0);
  });

  it('goes to the worker that waits longest', async () => {
    const first = queue.get();
    const second = queue.get();
    queue.add('a');
    queue.add('b');
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  });
});

describe('lanes', () => {
  it('urgent keys go first', async () => {
    queue.add('refresh');
    queue.add('pod', 'urgent');
    expect(await takeAll()).toEqual(['pod', 'refresh']);
  });

  it('a waiting key can become urgent, and does not wait twice', async () => {
    queue.add('x');
    queue.add('y');
    queue.add('y', 'urgent');
    expect(queue.depth).toBe(2);
    expect(await takeAll()).toEqual(['y', 'x']);
  });

  it('an urgent key does not become less so', async () => {
    queue.add('x');
    queue.add('y', 'urgent');
    queue.add('y');
    expect(await takeAll()).toEqual(['y', 'x']);
  });

  it('a key that becomes urgent while it is worked on comes again as such', async () => {
    queue.add('x');
    expect(await queue.get()).toBe('x');
    queue.add('x');
    queue.add('x', 'urgent');
    queue.add('y');
    queue.done('x');
    expect(await takeAll()).toEqual(['x', 'y']);
  });

  it('background keys are not starved: one in sixteen', async () => {
    for (let i = 0; i < 40; i += 1) queue.add(`urgent-${i}`, 'urgent');
    queue.add('one');
    queue.add('two');
    const order = await takeAll();
    expect([order.indexOf('one'), order.indexOf('two')]).toEqual([15, 31]);
  });

  it('groups take turns inside a lane', async () => {
    for (let i = 0; i < 5; i += 1) queue.add(`big/${i}`, 'urgent');
    queue.add('small/0', 'urgent');
    expect((await takeAll()).indexOf('small/0')).toBe(1);
  });
});

describe('later', () => {
  it('adds a key when its time has come', async () => {
    queue.addAfter('a', 500);
    await clock.advance(499);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await takeAll()).toEqual(['a']);
  });

  it.each([
    ['first', [300, 900]],
    ['last', [900, 300]],
  ])('the earlier time holds if it is arranged %s', async (_, times) => {
    for (const ms of times) queue.addAfter('a', ms);
    expect(queue.delayed).toBe(1);
    await clock.advance(300);
    expect(await takeAll()).toEqual(['a']);
    await clock.advance(5000);
    expect(queue.depth).toBe(0);
  });

  it.each([
    [0, 1_000],
    [0.5, 1_250],
    [0.999, 1_500],
  ])('not before its time, and up to half as much later by chance (%s)', async (chance, at) => {
    const spread = new WorkQueue({ name: 'spread', clock, random: () => chance });
    spread.addNotBefore('a', 1_000);
    await clock.advance(at - 2);
    expect(spread.depth).toBe(0);
    await clock.advance(2);
    expect(spread.depth).toBe(1);
  });

  it('a time in the past is now', async () => {
    queue.addAfter('a', -5);
    await clock.advance(0);
    expect(queue.depth).toBe(1);
  });

  it('a key that comes again keeps the lane it was taken from', async () => {
    queue.add('pod', 'urgent');
    expect(await queue.get()).toBe('pod');
    queue.addAfter('pod', 100);
    queue.done('pod');
    queue.add('refresh');
    await clock.advance(100);
    expect(await takeAll()).toEqual(['pod', 'refresh']);
  });

  it('unless another lane is named', async () => {
    queue.add('reference', 'urgent');
    expect(await queue.get()).toBe('reference');
    queue.addAfter('reference', 100, 'background');
    queue.done('reference');
    await clock.advance(100);
    queue.add('pod', 'urgent');
    expect(await takeAll()).toEqual(['pod', 'reference']);
  });
});

describe('backoff', () => {
  it('doubles for each failure of a key, and starts anew when it is forgotten', () => {
    const delays = [1, 2, 3].map(() => queue.addRateLimited('a'));
    expect(delays).toEqual([500, 1000, 2000]);
    expect(queue.failures('a')).toBe(3);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(500);
  });

  it('is each key its own', () => {
    queue.addRateLimited('a');
    queue.addRateLimited('a');
    expect(queue.addRateLimited('b')).toBe(500);
  });

  it('is at most a minute', () => {
    for (let i = 0; i < 20; i += 1) queue.addRateLimited('a');
    expect(queue.addRateLimited('a')).toBe(30_000);
  });

  it('is not shorter than what a server asked for', async () => {
    expect(queue.addRateLimited('a', 7000)).toBe(7000);
    await clock.advance(6999);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
  });

  it('is spread where a server asked many for the same time', () => {
    const chances = [0, 0.5, 0.998];
    const spread = new WorkQueue({ name: 'spread', clock, random: () => chances.shift() ?? 0 });
    // One chance is for the time asked for, one for the backoff, which is shorter.
    expect(spread.addRateLimited('a', 31_000)).toBe(31_000);
    expect(spread.addRateLimited('b', 31_000)).toBe(46_469);
  });
});

describe('closing', () => {
  it('takes no new keys and hands out those that wait', async () => {
    queue.add('a');
    queue.close();
    queue.add('b');
    queue.addAfter('c', 1);
    queue.addRateLimited('d');
    await clock.advance(100_000);
    expect(await queue.get()).toBe('a');
    expect(await queue.get()).toBeUndefined();
  });

  it('drops what is delayed', () => {
    queue.addAfter('a', 1000);
    queue.close();
    expect([queue.delayed, clock.pending]).toEqual([0, 0]);
  });

  it('wakes the workers that wait', async () => {
    const waiting = Promise.all([queue.get(), queue.get()]);
    queue.close();
    expect(await waiting).toEqual([undefined, undefined]);
  });

  it('is drained when the last pass has ended', async () => {
    queue.add('a');
    await queue.get();
    queue.close();
    queue.close();
    let drained = false;
    void queue.drained().then(() => (drained = true));
    await settle();
    expect(drained).toBe(false);
    queue.done('a');
    await settle();
    expect(drained).toBe(true);
  });

  it('is drained at once when nothing is worked on', async () => {
    queue.close();
    await queue.drained();
  });
});

describe('metrics', () => {
  it('tell what was added, how long it waited and what was tried again', async () => {
    const seen: string[] = [];
    queue = make({
      added: (name) => seen.push(`${name} added`),
      taken: (name, ms) => seen.push(`${name} taken after ${ms}`),
      retried: (name) => seen.push(`${name} retried`),
    });
    queue.add('a');
    queue.add('a');
    await clock.advance(40);
    await queue.get();
    queue.addRateLimited('a');
    expect(seen).toEqual(['test added', 'test taken after 40', 'test retried']);
  });
});

describe('a hundred thousand keys', () => {
  it('cost the same each as a hundred', async () => {
    const perKey = async (count: number): Promise<number> => {
      const big = make();
      const started = performance.now();
      for (let i = 0; i < count; i += 1)
        big.add(`ns-${i % 100}/pod-${i}`, i % 3 === 0 ? 'urgent' : 'background');
      for (let i = 0; i < count; i += 3) big.add(`ns-${i % 100}/pod-${i}`, 'urgent');
      for (let i = 0; i < count; i += 1) {
        const key = await big.get();
        if (key === undefined) throw new Error('empty too early');
        big.done(key);
      }
      expect(big.depth).toBe(0);
      return (performance.now() - started) / count;
    };
    await perKey(1000);
    const small = await perKey(1000);
    const large = await perKey(100_000);
    // Anything that walks the queue would be a hundred times slower.
    expect(large).toBeLessThan(Math.max(small, 0.002) * 20);
  });
});

it('tells how long the key that was added first has waited for a worker', async () => {
  expect(queue.oldestMs).toBe(0);
  queue.add('a');
  await clock.advance(500);
  queue.add('b', 'urgent');
  await clock.advance(500);
  expect(queue.oldestMs).toBe(1000);
  await queue.get();
  await queue.get();
  expect(queue.oldestMs).toBe(0);
  // It comes once more, and waits for that.
  queue.add('a');
  await clock.advance(200);
  expect(queue.oldestMs).toBe(200);
});
