import { expect, it } from 'vitest';
import { missingLine } from '../support/docs/output.ts';

const ID = '4c8a2f0e-90f3-4a66-8f0d-1f6a0a3b2c1d';

it.each<[string, string, string, string | undefined]>([
  ['what is the same', 'a\nb\n', 'a\nb\n', undefined],
  ['nothing', '', 'a\n', undefined],
  ['more than is shown', 'a\nc\n', 'x\na\nb\nc\nd\n', undefined],
  ['other widths', 'KEY  ID\n', 'KEY      ID\n', undefined],
  ['another uid', `x-${ID}\n`, 'x-00000000-1111-2222-3333-444444444444\n', undefined],
  ['empty lines', 'a\n\nb\n', 'a\nb\n', undefined],
  ['a line that was not printed', 'a\nb\n', 'a\n', 'b'],
  ['another word', 'a b\n', 'a c\n', 'a b'],
  ['a part of a line', 'a\n', 'a b\n', 'a'],
  ['another order', 'a\nb\n', 'b\na\n', 'b'],
  ['a line that was printed once and is shown twice', 'a\na\n', 'a\n', 'a'],
])('%s', (_, shown, printed, wanted) => {
  expect(missingLine(shown, printed)).toBe(wanted);
});
