import { describe, expect, it } from 'vitest';
import { bounded, enumerated, MAX_WARNINGS, WARNING_BYTES } from './warnings.ts';

const many = (count: number, length = 10) =>
  Array.from({ length: count }, (_, i) => String(i).padStart(length, 'x'));

describe('warnings', () => {
  it.each([
    ['none', [], []],
    ['each once', ['a', 'b', 'a'], ['a', 'b']],
    ['so many', many(16), many(16)],
    ['and no more', many(20), [...many(16), 'and 4 more']],
  ])('%s', (_, given, expected) => {
    expect(bounded(given)).toEqual(expected);
  });

  it('are cut between characters', () => {
    const [warning = ''] = bounded(['ä'.repeat(300)]);
    expect(Buffer.byteLength(warning)).toBeLessThanOrEqual(WARNING_BYTES);
    expect(warning).toMatch(/^ä+…$/);
  });
});

describe('an enumeration', () => {
  it.each([
    ['of nothing', [], 0, ['head']],
    ['of what may not be told', [], 3, ['head']],
    ['of a few', ['a/x', 'b/y'], 0, ['head: a/x, b/y']],
    ['of some that may be told', ['a/x'], 3, ['head: a/x', 'and 3 more']],
  ])('%s', (_, names, others, expected) => {
    expect(enumerated('head', names, others)).toEqual(expected);
  });

  it('goes on in the next warning, and counts what none has room for', () => {
    const names = many(1_000, 60);
    const lines = enumerated('1000 of them', names, 5);
    expect(lines).toHaveLength(MAX_WARNINGS + 1);
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(WARNING_BYTES);
    const told = names.filter((name) => lines.some((line) => line.includes(name)));
    expect(lines.at(-1)).toBe(`and ${1_005 - told.length} more`);
    expect(told).toEqual(names.slice(0, told.length));
  });

  it('cuts a name that is longer than a warning', () => {
    const lines = enumerated('head', ['n'.repeat(400), 'short'], 0);
    expect(lines[0]).toBe('head');
    expect(lines[1]).toMatch(/^also: n+…$/);
    expect(lines[2]).toBe('also: short');
  });
});
