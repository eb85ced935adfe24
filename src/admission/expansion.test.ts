import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { valuePieces } from './expansion.ts';
import { kubeletExpand } from './test-support.ts';

const A = { variable: 'A' };

it.each<[string, ReturnType<typeof valuePieces>]>([
  ['', []],
  ['x', ['x']],
  ['x$(A)y', ['x', A, 'y']],
  ['$$(A)', ['$', '(A)']],
  ['$$$(A)', ['$', A]],
  ['$$$$(A)', ['$', '$', '(A)']],
  ['$(A', ['$(', 'A']],
  ['$(A)$(', [A, '$(']],
  ['$', ['$']],
  ['$()', [{ variable: '' }]],
])('the kubelet reads %s', (value, pieces) => expect(valuePieces(value)).toEqual(pieces));

it('puts together what the kubelet would', () => {
  const token = fc.constantFrom('$', '$$', '$(', ')', '(', 'A', 'B', '$(A)', '$(B)', ' ');
  fc.assert(
    fc.property(fc.array(token), (tokens) => {
      const value = tokens.join('');
      const known = new Map([['A', '1']]);
      const filled = valuePieces(value).map((piece) =>
        typeof piece === 'string' ? piece : (known.get(piece.variable) ?? `$(${piece.variable})`),
      );
      expect(filled.join('')).toBe(kubeletExpand(value, known));
    }),
  );
});

it('reads a megabyte of what is not closed once', () => {
  const pieces = valuePieces('$('.repeat(500_000));
  expect(pieces).toHaveLength(500_000);
});
