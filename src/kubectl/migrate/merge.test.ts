import { describe, expect, it } from 'vitest';
import { matches, mergeLines } from './merge.ts';

describe('a changed text', () => {
  it.each([
    [
      'keeps spaces where nothing changed',
      'a: 1 # x\nb: 2',
      'a: 1    # x\nb: 2',
      'a: 1 # x\nb: 3',
      'a: 1    # x\nb: 3',
    ],
    ['keeps empty lines', 'a\nb\nc', 'a\n\n\nb\nc', 'a\nb', 'a\n\n\nb'],
    ['has what was added', 'a\nb', ' a\n b', 'a\nx\nb', ' a\nx\n b'],
    ['loses what was taken out', 'a\nb\nc', 'a\n  b\nc', 'a\nc', 'a\nc'],
    ['is the new one where both differ', 'a b\nc', 'a\nb\nc', 'a x\nc', 'a x\nc'],
    ['may be empty', 'a', 'a', '', ''],
  ])('%s', (_, base, ours, theirs, merged) => {
    expect(mergeLines(base, ours, theirs)).toBe(merged);
  });

  it('is as the library writes it if it is too long to compare', () => {
    const lines = (word: string) => Array.from({ length: 2100 }, (_, n) => `${word}${n}`).join('\n');
    expect(mergeLines(lines('a'), lines('b'), lines('c'))).toBe(lines('c'));
  });
});

it('a common subsequence is a longest one', () => {
  expect([...(matches(['a', 'b', 'c', 'd'], ['x', 'b', 'a', 'c', 'd']) ?? [])]).toEqual([-1, 1, 3, 4]);
});
