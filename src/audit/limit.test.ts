import { describe, expect, it } from 'vitest';
import { LeftOutCounts, RefusalLimit } from './limit.ts';

describe('the share of a namespace', () => {
  const admitted = (limit: RefusalLimit, namespace: string, times: number, at: number) =>
    Array.from({ length: times }, () => limit.admit(namespace, at)).filter(Boolean).length;

  it('is a burst, then one in ten seconds, each namespace by itself', () => {
    const limit = new RefusalLimit();
    expect(admitted(limit, 'a', 500, 0)).toBe(120);
    expect(admitted(limit, 'b', 500, 0)).toBe(120);
    expect(admitted(limit, 'a', 500, 60_000)).toBe(6);
  });

  it('is not made new by sweeping before it has filled up', () => {
    const limit = new RefusalLimit();
    admitted(limit, 'a', 500, 0);
    limit.sweep(10_000);
    expect(admitted(limit, 'a', 500, 10_000)).toBe(1);
    limit.sweep(2_000_000);
    expect(admitted(limit, 'a', 500, 2_000_000)).toBe(120);
  });
});

describe('what is left out', () => {
  it('is counted until it was told, and what comes meanwhile is not lost', () => {
    const counts = new LeftOutCounts();
    counts.add('a', 'limited');
    counts.add('a', 'unwritable');
    counts.add('a', 'limited');
    const told = counts.all();
    expect(told).toEqual([
      { namespace: 'a', why: 'limited', count: 2 },
      { namespace: 'a', why: 'unwritable', count: 1 },
    ]);
    counts.add('a', 'limited');
    counts.told(told);
    expect(counts.all()).toEqual([{ namespace: 'a', why: 'limited', count: 1 }]);
  });
});
