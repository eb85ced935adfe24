import { describe, expect, it } from 'vitest';
import { RecentMap, TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  it.each<[string, number[], boolean[]]>([
    ['gives its burst at once', [0, 0, 0], [true, true, true]],
    ['and no more', [0, 0, 0, 0, 0], [true, true, true, false, false]],
    ['gives one more after its time', [0, 0, 0, 99, 100, 100], [true, true, true, false, true, false]],
    ['saves up no more than its burst', [100_000, 100_000, 100_000, 100_000], [true, true, true, false]],
    ['does not lose what is half refilled', [0, 0, 0, 50, 100], [true, true, true, false, true]],
  ])('%s', (_, times, expected) => {
    const bucket = new TokenBucket(3, 100, 0);
    expect(times.map((at) => bucket.take(at))).toEqual(expected);
  });

  it('is full again after its time', () => {
    const bucket = new TokenBucket(2, 100, 0);
    expect(bucket.isFull(0)).toBe(true);
    bucket.take(0);
    expect([bucket.isFull(99), bucket.isFull(100)]).toEqual([false, true]);
  });
});

describe('a map of what is recent', () => {
  it('forgets what was not used for longest', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([1, undefined, 3]);
  });

  it('forgets nothing when a value is set again', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    expect(['a', 'b'].map((key) => map.get(key))).toEqual([3, 2]);
    map.delete('a');
    expect(map.get('a')).toBeUndefined();
  });
});
