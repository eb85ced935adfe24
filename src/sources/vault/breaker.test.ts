import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';
import type { Fault } from './errors.ts';
import type { Attempt } from './requests.ts';

const fault: Fault = { reason: 'RateLimited', scope: 'connection', what: 'limited' };
const { signal } = new AbortController();

function attempt(startedAt: number, requests = 1): Attempt {
  return { startedAt, requests, signal };
}

/** The pauses after so many failures in a row. */
function pauses(count: number, random: number, changes: { requests?: number; retryAfterMs?: number } = {}) {
  const breaker = new Breaker(() => random);
  const { requests = 1, ...more } = changes;
  let now = 0;
  return Array.from({ length: count }, () => {
    const tried = attempt(now, requests);
    breaker.begin(tried);
    const pause = breaker.fail({ ...fault, ...more }, tried, now);
    now += pause;
    return pause;
  });
}

describe('after failures in a row the pause', () => {
  const rows: Record<string, [given: number[], expected: number[]]> = {
    'doubles from two seconds to a minute': [
      pauses(8, 1),
      [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
    ],
    'is any part of that by chance': [pauses(3, 0.75), [1_500, 3_000, 6_000]],
    'is over a second for each request that a try took, whatever chance says': [
      pauses(3, 0, { requests: 4 }),
      [4_400, 4_400, 4_400],
    ],
    'is over a second for a try of one request, whatever chance says': [pauses(2, 0), [1_100, 1_100]],
    'is as long as the server asks for': [pauses(2, 1, { retryAfterMs: 30_000 }), [30_000, 30_000]],
    'is longer than the server asks for if it would be anyway': [
      pauses(3, 1, { retryAfterMs: 3_000 }),
      [3_000, 4_000, 8_000],
    ],
    'is as long as a refused login stays refused': [pauses(1, 1, { retryAfterMs: 900_000 }), [900_000]],
  };
  it.each(Object.entries(rows))('%s', (_, [given, expected]) => {
    expect(given).toEqual(expected);
  });

  it('stays at a minute for ever', () => {
    expect(pauses(2_000, 1).at(-1)).toBe(60_000);
  });
});

describe('a breaker', () => {
  const failing = (revision = '') => {
    const breaker = new Breaker(() => 1);
    breaker.fail(fault, attempt(1_000), 1_000, { revision });
    return breaker;
  };

  it('holds nothing back at first', () => {
    const breaker = new Breaker(() => 1);
    breaker.begin(attempt(0));
    expect(breaker.held(0)).toBeUndefined();
    expect(breaker.isFailing).toBe(false);
  });

  it('gives the failure with the time until the next try', () => {
    expect(failing().held(1_500)).toEqual({ fault, retryAfterMs: 1_500 });
    expect(failing().held(2_999)).toEqual({ fault, retryAfterMs: 1 });
  });

  it('lets one try through, and holds back everybody else meanwhile', () => {
    const breaker = failing();
    expect(breaker.held(3_000)).toBeUndefined();
    const trial = attempt(3_000);
    breaker.begin(trial);
    expect(breaker.held(3_000)).toMatchObject({ fault, retryAfterMs: 5_000 });
    breaker.end(trial);
    expect(breaker.held(3_000)).toBeUndefined();
  });

  it('does not take the end of an older try for the end of the one it let through', () => {
    const breaker = failing();
    breaker.begin(attempt(3_000));
    breaker.end(attempt(500));
    breaker.fail(fault, attempt(500), 3_100);
    expect(breaker.held(3_100)).toBeDefined();
  });

  it('counts tries that fail together as one failure', () => {
    const breaker = new Breaker(() => 1);
    const tries = [attempt(900), attempt(950), attempt(999)];
    expect(tries.map((tried) => breaker.fail(fault, tried, 1_000))).toEqual([2_000, 2_000, 2_000]);
    expect(breaker.fail(fault, attempt(3_000), 3_000)).toBe(4_000);
  });

  it('remembers the newest failure', () => {
    const breaker = failing();
    breaker.fail({ ...fault, reason: 'Unreachable' }, attempt(3_000), 3_000);
    expect(breaker.held(3_001)?.fault.reason).toBe('Unreachable');
  });

  it('says on success whether there was a failure, and starts over', () => {
    const breaker = failing();
    expect(breaker.isFailing).toBe(true);
    expect(breaker.succeed()).toBe(true);
    expect(breaker.succeed()).toBe(false);
    expect(breaker.held(1_001)).toBeUndefined();
    expect(breaker.fail(fault, attempt(5_000), 5_000)).toBe(2_000);
  });

  it('lets a new revision of the credentials try at once, but only one', () => {
    const breaker = failing('1');
    expect(breaker.held(1_001, '1')).toBeDefined();
    expect(breaker.held(1_001, '2')).toBeUndefined();
    breaker.begin(attempt(1_001), '2');
    expect(breaker.held(1_002, '2')).toBeDefined();
  });

  it('lets the next one try at once when what it failed for is over', () => {
    const breaker = failing();
    breaker.release(1_200);
    expect(breaker.held(1_200)).toBeUndefined();
    breaker.begin(attempt(1_200));
    expect(breaker.held(1_200)).toMatchObject({ retryAfterMs: 5_000 });
  });

  it('counts on after it was let go and failed again', () => {
    const breaker = failing();
    breaker.release(1_200);
    const trial = attempt(1_200);
    breaker.begin(trial);
    expect(breaker.fail(fault, trial, 1_300)).toBe(4_000);
  });
});

describe('chance', () => {
  it('spreads those who failed together over all of the pause', () => {
    const fourth = (share: number) => pauses(4, share).at(-1);
    expect([0.25, 0.5, 0.999].map(fourth)).toEqual([4_000, 8_000, 15_984]);
  });
});

describe('a pause that is given', () => {
  const repeated = (random: number, changes: { requests?: number; retryAfterMs?: number } = {}) => {
    const breaker = new Breaker(() => random);
    const { requests = 1, ...more } = changes;
    return [0, 100_000, 200_000].map((now) =>
      breaker.fail({ ...fault, ...more }, attempt(now, requests), now, { pause: () => 6_000 }),
    );
  };

  it.each([0, 0.5, 1])('is alike each time, whatever chance says: %d', (random) => {
    expect(repeated(random)).toEqual([6_000, 6_000, 6_000]);
  });

  it('is asked for once by those who fail together', () => {
    const breaker = new Breaker(() => 1);
    let turns = 0;
    const pause = () => (turns += 1_000);
    const tries = [attempt(900), attempt(950), attempt(999)];
    expect(tries.map((tried) => breaker.fail(fault, tried, 1_000, { pause }))).toEqual([1_100, 1_100, 1_100]);
    expect(turns).toBe(1_000);
  });

  it('is longer if the server asks for it, or for many requests', () => {
    expect(repeated(1, { retryAfterMs: 30_000 })).toEqual([30_000, 30_000, 30_000]);
    expect(repeated(0, { requests: 6 })).toEqual([6_600, 6_600, 6_600]);
  });
});
