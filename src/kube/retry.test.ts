import { describe, expect, it } from 'vitest';
import { KubeError } from './errors.ts';
import { retryDelay } from './retry.ts';

const policy = { baseMs: 800, capMs: 30_000 };
const slow = (retryAfterMs?: number) =>
  new KubeError({ code: 'TooManyRequests', message: 'x', retryAfterMs });

describe('the delay before the next try', () => {
  it.each<[string, unknown, number, number, number]>([
    ['starts with the base', new Error('x'), 1, 400, 800],
    ['doubles', new Error('x'), 3, 1600, 3200],
    ['ends at the cap', new Error('x'), 10, 15_000, 30_000],
    ['and stays there', new Error('x'), 100_000, 15_000, 30_000],
    ['is not less than the server asks for', slow(5000), 1, 5000, 5000],
    ['also if that is more than the cap', slow(120_000), 1, 120_000, 120_000],
    ['but is not more than five minutes', slow(3_600_000), 1, 300_000, 300_000],
    ['is its own if the server asks for less', slow(10), 3, 1600, 3200],
    ['is its own if the server does not ask', slow(), 1, 400, 800],
  ])('%s', (_, error, attempt, least, most) => {
    expect(retryDelay(error, attempt, policy, () => 0)).toBe(least);
    expect(retryDelay(error, attempt, policy, () => 1)).toBe(most);
  });
});
