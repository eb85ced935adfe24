import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tail } from './chain.ts';
import { AT, chain, file, IDS, KEY, record, rotated, started, stopped, wholeChain } from './test-support.ts';
import { recordBody } from './record.ts';
import { verify } from './verify.ts';

const [a, b] = IDS;
const first = wholeChain(a, 4);
const second = wholeChain(b, 3, first.tail);
const both = [...first.texts, ...second.texts];
const check = (texts: readonly string[], anchors: readonly Tail[] = [second.tail], keys = [KEY]) =>
  verify(file(texts), { keys, anchors });
const kinds = (report: ReturnType<typeof verify>) => report.findings.map(({ kind, place }) => [kind, place]);
const without = (texts: readonly string[], ...gone: number[]) => texts.filter((_, i) => !gone.includes(i));

describe('an audit that nobody touched', () => {
  it('is whole, and each chain is told with its ends', () => {
    const report = check(both);
    expect(report).toMatchObject({ verdict: 'whole', findings: [], counts: { audit: 11, other: 0 } });
    expect(report.chains).toEqual([
      {
        chain: a,
        identity: 'one',
        lines: [1, 6],
        places: ['audit.log:1', 'audit.log:6'],
        ended: true,
        anchored: 6,
      },
      {
        chain: b,
        identity: 'one',
        lines: [1, 5],
        places: ['audit.log:7', 'audit.log:11'],
        ended: true,
        anchored: 5,
      },
    ]);
  });

  it.each<[string, readonly string[]]>([
    ['with logs between', both.flatMap((text) => [text, '{"level":"info"}', ''])],
    ['with the lines of two replicas between each other', interleaved(first.texts, second.texts)],
    [
      'with what a full disk left of a line',
      [...both.slice(0, 3), both[3]?.slice(0, 40) ?? '', ...both.slice(3)],
    ],
    ['that is written still', [...first.texts, ...second.texts, ...chain('c'.repeat(36), [started()]).texts]],
  ])('is whole %s', (_, texts) => {
    expect(check(texts).verdict).toBe('whole');
  });

  it('names the places of unfinished lines', () => {
    const report = check([...both, both[0]?.slice(0, 50) ?? '']);
    expect(report.unfinished).toEqual(['audit.log:12']);
  });

  it('may have lines behind the anchor, which is written later', () => {
    expect(check(both, second.tails.slice(0, 1)).verdict).toBe('whole');
  });

  it('may be of several keys', () => {
    const other = chain(b, [started(first.tail), stopped()], Buffer.alloc(32, 9));
    const texts = [...first.texts, ...other.texts];
    expect(check(texts, [], [KEY, Buffer.alloc(32, 9)]).verdict).toBe('whole');
    expect(kinds(check(texts, [], [KEY]))).toEqual([['changed', 'audit.log:7']]);
  });
});

describe('what was done to an audit is found, with its place', () => {
  it.each<[string, readonly string[], [string, string | undefined][]]>([
    [
      'a line was changed',
      both.with(2, (both[2] ?? '').replace('team-a', 'team-b')),
      [['changed', 'audit.log:3']],
    ],
    [
      'a code was changed',
      both.with(2, (both[2] ?? '').replace(/.{3}$/, '0"}')),
      [['changed', 'audit.log:3']],
    ],
    ['a line was dropped', without(both, 2), [['dropped', 'audit.log:3']]],
    ['several lines were dropped', without(both, 2, 3), [['dropped', 'audit.log:3']]],
    ['two lines were swapped', swapped(both, 2, 3), [['reordered', 'audit.log:3']]],
    ['a line was moved to the end', [...without(both, 2), both[2] ?? ''], [['reordered', 'audit.log:3']]],
    ['a line is there twice', [...both.slice(0, 3), ...both.slice(2)], [['repeated', 'audit.log:4']]],
    ['the end of the last chain was cut off', both.slice(0, -2), [['truncated', 'audit.log:9']]],
    ['the end of a chain before was cut off', without(both, 4, 5), [['truncated', 'audit.log:4']]],
    [
      'the last line was cut in the middle',
      both.with(10, (both[10] ?? '').slice(0, 60)),
      [['truncated', 'audit.log:10']],
    ],
    ['a line was made to look like a log', both.with(2, `x${both[2]}`), [['dropped', 'audit.log:4']]],
    [
      'a line of another key was added',
      [...both.slice(0, 6), ...chain('c'.repeat(36), [started()], Buffer.alloc(32)).texts, ...both.slice(6)],
      [['changed', 'audit.log:7']],
    ],
    ['the beginning of a chain was dropped', without(both, 6), [['dropped', 'audit.log:7']]],
    [
      'the first two lines of a chain were swapped',
      swapped(both, 6, 7),
      [
        ['dropped', 'audit.log:7'],
        ['reordered', 'audit.log:8'],
      ],
    ],
    [
      'two chains were touched: the first comes first',
      both.with(8, 'x').with(2, 'x'),
      [
        ['dropped', 'audit.log:4'],
        ['dropped', 'audit.log:10'],
      ],
    ],
  ])('%s', (_, texts, expected) => {
    const report = check(texts);
    expect([report.verdict, kinds(report)]).toEqual(['tampered', expected]);
  });

  it('a file was put back to an earlier day, and written on from there', () => {
    const forked = chain(a, [started(), recordBody(record({ entry: 'other' }), AT), stopped()]);
    expect(kinds(check(forked.texts, [first.tails[1] as Tail]))).toEqual([['changed', 'audit.log:2']]);
  });

  it.each<[string, readonly string[]]>([
    ['a chain that the next one comes after', second.texts],
    ['the chain of the anchor', first.texts],
    ['the beginning of the first chain', without(both, 0)],
  ])('%s is not there: perhaps in a file that was not given', (_, texts) => {
    expect(check(texts)).toMatchObject({ verdict: 'incomplete', findings: [{ kind: 'missing' }] });
  });
});

describe('what Fairlead deleted by rotation', () => {
  const notes = (pruned: readonly Tail[], part = 1) =>
    rotated(
      3,
      pruned.map((tail) => ({ ...tail, part })),
    );

  it('is not missed: neither the beginning of a chain nor a whole one', () => {
    const last = chain(b, [started(first.tail), notes([first.tail]), stopped()]);
    expect(check(last.texts, [last.tail]).verdict).toBe('whole');
    const cut = chain(b, [started(first.tail), notes([first.tails[2] as Tail]), stopped()]);
    expect(check([...first.texts.slice(3), ...cut.texts], [cut.tail]).verdict).toBe('whole');
  });

  it('does not cover more than that', () => {
    const last = chain(b, [started(first.tail), notes([first.tails[2] as Tail]), stopped()]);
    expect(check([...first.texts.slice(4), ...last.texts], [last.tail]).verdict).not.toBe('whole');
    expect(check(last.texts, [last.tail]).verdict).not.toBe('whole');
  });

  it.each<[string, readonly string[]]>([
    ['of the part that is written', chain(b, [started(first.tail), notes([first.tail], 3), stopped()]).texts],
    [
      'with another code than others name',
      chain(b, [started(first.tail), notes([{ ...first.tail, mac: '0' }]), stopped()]).texts,
    ],
    [
      'ahead of the line that says so',
      chain(b, [started(), notes([{ ...first.tail, chain: b, seq: 9 }]), stopped()]).texts,
    ],
  ])('is not what cannot be: %s', (_, texts) => {
    const anchor = { ...first.tail, chain: texts[0]?.includes('after') ? a : b, seq: 6 };
    expect(check(texts, [anchor]).verdict).not.toBe('whole');
  });

  it('is proven by the code of the last line that is gone', () => {
    const forged = { ...(first.tails[2] as Tail), mac: '0'.repeat(64) };
    const last = chain(b, [started(first.tail), notes([forged]), stopped()]);
    expect(kinds(check([...first.texts.slice(3), ...last.texts], [last.tail]))).toEqual([
      ['changed', 'audit.log:1'],
    ]);
  });
});

describe('whatever is done to the lines is found', () => {
  const at = fc.nat({ max: both.length - 1 });
  const anything = fc.oneof(
    fc.tuple(at, fc.nat(), fc.integer({ min: 1, max: 127 })).map(([i, where, by]) => {
      const bytes = Buffer.from(both[i] ?? '');
      const position = where % bytes.length;
      bytes[position] = (bytes[position] ?? 0) ^ by;
      return both.with(i, bytes.toString('latin1'));
    }),
    fc.uniqueArray(at, { minLength: 1 }).map((gone) => without(both, ...gone)),
    fc
      .tuple(at, at)
      .filter(([i, j]) => i !== j)
      .map(([i, j]) => swapped(both, i, j)),
    fc.tuple(at, at).map(([i, j]) => both.toSpliced(j, 0, both[i] ?? '')),
    fc.nat({ max: both.length - 1 }).map((length) => both.slice(0, length)),
    fc.shuffledSubarray(both, { minLength: 1 }),
  );

  it('with both chains anchored', () => {
    fc.assert(
      fc.property(anything, (texts) => {
        // The order between two chains says nothing: replicas write at the same time.
        fc.pre(!isInOrder(texts));
        expect(check(texts, [first.tail, second.tail]).verdict).not.toBe('whole');
      }),
      { numRuns: 2_000 },
    );
  });
});

function isInOrder(texts: readonly string[]): boolean {
  const of = (part: readonly string[]) => texts.filter((text) => part.includes(text)).join('\n');
  return of(first.texts) === first.texts.join('\n') && of(second.texts) === second.texts.join('\n');
}

function swapped(texts: readonly string[], i: number, j: number): string[] {
  return texts.with(i, texts[j] ?? '').with(j, texts[i] ?? '');
}

function interleaved(some: readonly string[], others: readonly string[]): string[] {
  const length = Math.max(some.length, others.length);
  return Array.from({ length }, (_, i) => [some[i] ?? [], others[i] ?? []].flat()).flat();
}
