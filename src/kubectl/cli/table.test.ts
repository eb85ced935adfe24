import { describe, expect, it } from 'vitest';
import { facts, table } from './table.ts';

describe('a table', () => {
  it.each([
    ['is only a header without rows', ['A', 'LONGER'], [], 'A   LONGER\n'],
    [
      'aligns its columns and leaves nothing at the end of a line',
      ['NAME', 'X'],
      [
        ['a', '1'],
        ['longer', '2'],
      ],
      'NAME     X\na        1\nlonger   2\n',
    ],
    ['shows that a cell is empty', ['A', 'B'], [['', 'x']], 'A   B\n-   x\n'],
    ['counts characters', ['A', 'B'], [['üö😀', 'x']], 'A     B\nüö😀   x\n'],
    ['keeps escape sequences from the terminal', ['A'], [['\u001b[2Jx\u202ey']], 'A\n?[2Jx?y\n'],
    ['keeps a cell in its line', ['A', 'B'], [['a\nb\tc', 'd']], 'A       B\na b c   d\n'],
  ])('%s', (_, header, rows, text) => {
    expect(table(header, rows)).toBe(text);
  });
});

describe('facts', () => {
  it('stand one under the other', () => {
    expect(
      facts([
        ['Pod', 'a'],
        ['Delivery', 'b'],
      ]),
    ).toBe('Pod:      a\nDelivery: b\n');
  });
});
