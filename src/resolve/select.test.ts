import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matcher, selectKeys } from './select.ts';

const matches = (pattern: string, text: string) => matcher(pattern)(text);

const KEYS = ['db/main/password', 'db/main/user', 'db-old', 'smtp.password', 'token', '__proto__'];

describe('which keys an import takes', () => {
  const rows: Record<string, [Parameters<typeof selectKeys>[1], string[], string[]?]> = {
    'all of them if nothing is said': [undefined, KEYS],
    'all of them if nothing is chosen': [{}, KEYS],
    'those that are listed, in the order of the source': [{ keys: ['token', 'db-old'] }, ['db-old', 'token']],
    'those that begin like this': [{ prefix: 'db/' }, ['db/main/password', 'db/main/user']],
    'those with this part': [{ match: ['password'] }, ['db/main/password', 'smtp.password']],
    'those that match one of several': [{ match: ['smtp', 'db-*'] }, ['db-old', 'smtp.password']],
    'those that a pattern matches as a whole': [{ match: ['*word'] }, ['db/main/password', 'smtp.password']],
    'none that is excluded': [{ exclude: ['db*', '__proto__', 'smtp.*assword'] }, ['token']],
    'those that pass everything': [
      { prefix: 'db', match: ['main'], exclude: ['user'] },
      ['db/main/password'],
    ],
    'what is there of a list, and tells the rest': [
      { keys: ['token', 'nope', 'constructor'] },
      ['token'],
      ['nope', 'constructor'],
    ],
    'nothing by a pattern that only parts match': [{ match: ['oke*'] }, []],
  };
  it.each(Object.entries(rows))('%s', (_, [select, keys, missing = []]) => {
    expect(selectKeys(KEYS, select)).toEqual({ keys, missing });
  });
});

describe('a pattern', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['*🔑', 'é🔑', true],
    ['?', 'x?', true],
    ['?', 'x', false],
    ['aba*aba', 'aba', false],
    ['aba*aba', 'abaaba', true],
    ['*a*', 'a', true],
    ['*aa*a', 'aa', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'abbcbc', true],
    ['a*b*c', 'a-c-b', false],
    ['a**', 'a', true],
    ['*.pem', 'x.pem.old', false],
    ['(a+)+$', 'aaa', false],
    ['[ab]', 'a', false],
    ['.', 'a.b', true],
    ['.', 'ab', false],
  ])('%s on "%s": %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('means the same as the regular expression for it', () => {
    const letters = array(constantFrom('a', 'b', '*'), { maxLength: 8 }).map((list) => `*${list.join('')}`);
    const texts = array(constantFrom('a', 'b', '*'), { maxLength: 12 }).map((list) => list.join(''));
    assert(
      property(letters, texts, (pattern, text) => {
        const source = pattern.replaceAll(/[*]+/g, '.*');
        expect(matches(pattern, text)).toBe(new RegExp(`^${source}$`, 's').test(text));
      }),
    );
  });

  it('never throws', () => {
    assert(property(string({ unit: 'binary' }), string({ unit: 'binary' }), (a, b) => void matches(a, b)));
  });

  /** Time goes by the length of the text, so ten times the text takes about ten times as long, not a hundred. */
  it('is tried in one go', () => {
    const patterns = [`${'*a'.repeat(63)}*b`, `*${'a'.repeat(126)}b*`, `a${'*ab'.repeat(42)}`];
    const seconds = (length: number) => {
      const text = 'a'.repeat(length);
      const started = performance.now();
      for (let i = 0; i < 20; i += 1)
        for (const pattern of patterns) expect(matches(pattern, text)).toBe(false);
      return performance.now() - started;
    };
    seconds(10_000);
    expect(seconds(100_000)).toBeLessThan(50 * Math.max(seconds(10_000), 1));
  });
});
