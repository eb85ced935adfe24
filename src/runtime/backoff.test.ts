import { describe, expect, it } from 'vitest';
import { backoffMs, retryAfterMs } from './backoff.ts';

const backoff = { baseMs: 1000, capMs: 60_000 };
const most = () => 0.999_999;
const least = () => 0;

describe('backoff', () => {
  it.each([
    ['the first try again: up to the base', 1, 1000],
    ['doubles', 2, 2000],
    ['and doubles', 5, 16_000],
    ['up to the cap', 7, 60_000],
    ['and stays there', 50, 60_000],
    ['also after a year of failures', 1_000_000, 60_000],
    ['a zeroth try counts as the first', 0, 1000],
  ])('%s', (_, attempt, expected) => {
    expect(backoffMs(attempt, backoff, most)).toBeCloseTo(expected, -1);
    expect(backoffMs(attempt, backoff, least)).toBe(expected / 2);
  });

  it('is spread over the upper half', () => {
    const values = Array.from({ length: 100 }, (_, i) => backoffMs(3, backoff, () => i / 100));
    expect(Math.min(...values)).toBe(2000);
    expect(Math.max(...values)).toBeLessThan(4000);
    expect(new Set(values).size).toBe(100);
  });
});

describe('how long an error asks to wait', () => {
  it.each<[string, unknown, number | undefined]>([
    ['as it says', { retryAfterMs: 3000 }, 3000],
    ['at most five minutes', { retryAfterMs: 86_400_000 }, 300_000],
    ['not less than nothing', { retryAfterMs: -5 }, 0],
    ['nothing, if it says nothing', new Error('x'), undefined],
    ['nothing, if it is no number', { retryAfterMs: '10' }, undefined],
    ['nothing, if it is not a real number', { retryAfterMs: Number.NaN }, undefined],
    ['nothing, if it is no object', 'slow down', undefined],
    ['nothing, if it is null', null, undefined],
  ])('%s', (_, error, expected) => {
    expect(retryAfterMs(error)).toBe(expected);
  });
});
