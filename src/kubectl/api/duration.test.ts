import { expect, it } from 'vitest';
import { duration } from './duration.ts';

it.each([
  ['0', 0],
  ['30', 30_000],
  ['30s', 30_000],
  ['1m30s', 90_000],
  ['250ms', 250],
  ['2h', 7_200_000],
  ['', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1x', undefined],
  ['1.5s', undefined],
])('%j is %j milliseconds', (text, ms) => {
  expect(duration(text)).toBe(ms);
});
