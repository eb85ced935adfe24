import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { launcherWord, leavesWordsAlone } from './launcher.ts';

/**
 * What org.apache.spark.launcher.CommandBuilderUtils.parseOptionString makes of a string, told anew: it looks at code
 * points but goes on by one UTF-16 unit, so that the second half of a pair is read twice.
 */
function parseOptionString(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    const c = String.fromCodePoint(text.codePointAt(i) ?? 0);
    if (escaped) {
      word = (word ?? '') + c;
      escaped = false;
    } else if (c === '\\' && quote !== "'") {
      word ??= '';
      escaped = true;
    } else if ((c === '"' || c === "'") && (quote === undefined || quote === c)) {
      word ??= '';
      quote = quote === undefined ? c : undefined;
    } else if (quote !== undefined || !/\s/.test(c)) word = (word ?? '') + c;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (quote !== undefined) throw new Error('invalid option string');
  return word === undefined ? words : [...words, word];
}

const basic = fc
  .string({ unit: 'binary' })
  .map((text) => text.replaceAll(/[\u{10000}-\u{10FFFF}\p{Cs}]/gu, ''));
const nasty = fc
  .array(
    fc.constantFrom('"', "'", '\\', ' ', '\n', '\t', '$', '${env.X}', '%', '-D', '=', 'ü', '\u2028', 'a'),
  )
  .map((parts) => parts.join(''));

describe("a word for Spark's launcher", () => {
  it.each([
    ['as it is if it is plain', '-Dspark.hadoop.a=${env.B}', '-Dspark.hadoop.a=${env.B}'],
    ['with its spaces and quotes', '-Da=p w "q"', '"-Da=p w \\"q\\""'],
    ['with backslashes', '-Da=\\x', '"-Da=\\\\x"'],
    ['with a single quote', "-Da=it's", '"-Da=it\'s"'],
    ['with a line feed', '-Da=1\n2', '"-Da=1\n2"'],
  ])('is written %s', (_, word, text) => {
    expect(launcherWord(word)).toBe(text);
    expect(parseOptionString(text)).toEqual([word]);
  });

  it('comes out as it went in, alone and among others', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(basic, nasty), { maxLength: 8 }), (values) => {
        const words = values.map((value) => `-Dspark.x=${value}`);
        expect(parseOptionString(words.map(launcherWord).join(' '))).toEqual(words);
      }),
      { numRuns: 2000 },
    );
  });

  it('loses a character of two UTF-16 units in Spark itself, which is why such values are refused', () => {
    expect(parseOptionString(launcherWord('-Da=🔑'))).not.toEqual(['-Da=🔑']);
  });
});

describe('words of ours among those of others', () => {
  it.each<[string[], boolean]>([
    [['-Da=b ', ''], true],
    [['"-Da=b c" ', ''], true],
    [["-Da='x\\' ", ''], true],
    [['', ' -Da=b'], true],
    [['', ' ', ''], true],
    [['-Da="b ', ''], false],
    [['-Da=b\\', ' '], false],
    [['-Da=b \\', ''], false],
    [['-Da=b\\ ', ''], false],
    [["it's ", ''], false],
    [['', ' -Da="b'], false],
    [['"', '"'], false],
    [['-Da=', ''], false],
    [['', '-Da=b'], false],
    [['', '', ''], false],
    [['-Da=b\u00a0', ''], false],
  ])('stand at the gaps of %j: %s', (texts, expected) => expect(leavesWordsAlone(texts)).toBe(expected));

  it('are words of their own just where the launcher takes them for such', () => {
    const text = fc
      .array(fc.constantFrom('"', "'", '\\', ' ', '\t', 'a', '-Db=c'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 3 }), (texts) => {
        let words: string[] = [];
        try {
          words = parseOptionString(texts.join('"-Dours=1 2" -Dlast=3'));
        } catch {
          expect(leavesWordsAlone(texts)).toBe(false);
          return;
        }
        const found = [words.filter((w) => w === '-Dours=1 2'), words.filter((w) => w === '-Dlast=3')];
        const intact = found.every(({ length }) => length === texts.length - 1);
        // Not the other way round: `-Dlast=3''` is right, too, and nobody writes it.
        if (leavesWordsAlone(texts)) expect(intact).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
