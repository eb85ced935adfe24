import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { fitProperty, type Piece } from './property-value.ts';

const secret = (value: string | Uint8Array): Piece => ({ value, isSecret: true });
const around = (value: string): Piece => ({ value, isSecret: false });
const fitted = (kind: 'hadoop' | 'plain', ...pieces: Piece[]) => {
  const result = fitProperty('spark.x', kind, pieces);
  return result.ok ? result.bytes.toString() : result.problem.reason;
};

describe('the value of a Spark property', () => {
  it.each([
    ['quotes, spaces, backslashes and dollars', ` p w'd "q" $HOME \\ back `],
    ['percent signs and line feeds', '%d\n%{x}'],
    ['braces that are no variable', '{a} $ {b} ${} ${ $'],
    ['a variable that a space interrupts', '${a b}'],
    ['a variable that is not closed', '${env.X'],
    ['letters of other scripts', 'ünï – 漢字'],
    ['nothing at all', ''],
  ])('goes through as it is: %s', (_, value) => {
    expect(fitted('hadoop', secret(value))).toBe(value);
    expect(fitted('plain', secret(value))).toBe(value);
  });

  it.each([
    '${env.X}',
    '${env:X}',
    '${user.home}',
    'a${b}c',
    '${${a}}',
    '${}}',
    '${a$b}',
    '${a\tb}',
    '${{a}',
  ])('is refused if Hadoop or Spark would take a part of it for a variable: %s', (value) => {
    expect(fitted('hadoop', secret(value))).toBe('NotAConfigurationValue');
    expect(fitted('plain', secret(value))).toBe('NotAConfigurationValue');
  });

  it.each([
    ['a carriage return', 'a\rb'],
    ['a character of two UTF-16 units', '🔑'],
  ])('is refused in the options with %s, and goes through in a variable', (_, value) => {
    expect(fitted('plain', secret(value))).toBe('NotAConfigurationValue');
    expect(fitted('hadoop', secret(value))).toBe(value);
  });

  it.each([
    ['NUL', 'a\0', 'NotAnEnvironmentValue'],
    ['bytes that are no text', Uint8Array.from([0xff]), 'NotAnEnvironmentValue'],
    ['more than fits into a variable', 'x'.repeat(131_072), 'TooLarge'],
  ])('is refused with %s', (_, value, reason) => {
    expect(fitted('hadoop', secret(value))).toBe(reason);
  });

  it('tells nothing of what it refuses', () => {
    for (const value of ['${v4lue}', 'v4lue\r', 'v4lue\0']) {
      expect(JSON.stringify(fitProperty('spark.x', 'plain', [secret(value)]))).not.toContain('v4lue');
    }
  });
});

describe('a value of several pieces', () => {
  it('is all of them in their order, and what people wrote may have variables', () => {
    const pieces = [around('jdbc:x://${user.name}:'), secret('p'), around('@h')];
    expect(fitted('hadoop', ...pieces)).toBe('jdbc:x://${user.name}:p@h');
  });

  it.each<[string, Piece[]]>([
    ['begins in the secret', [secret('${a'), around('}')]],
    ['ends in the secret', [around('${a'), secret('}')]],
    ['goes through the secret', [around('${a'), secret('b'), around('c}')]],
    ['begins with a dollar before the secret', [around('$'), secret('{a}')]],
    ['is put together by two secrets', [secret('${a'), around('b'), secret('}')]],
    ['is in a second secret', [around('${ok}'), secret('x'), secret('${a}')]],
  ])('is refused if a variable %s', (_, pieces) => {
    expect(fitted('hadoop', ...pieces)).toBe('NotAConfigurationValue');
  });

  it('is refused if it is too long together', () => {
    expect(fitted('hadoop', secret('x'.repeat(100_000)), secret('x'.repeat(100_000)))).toBe('TooLarge');
  });

  it('is refused before any piece of it is copied', () => {
    const value = new Uint8Array(100_000);
    Object.defineProperty(value, 'buffer', { get: () => expect.fail('was copied') });
    expect(fitted('hadoop', secret(value), secret(value))).toBe('TooLarge');
  });

  it('is read once, whatever it is made of', () => {
    const spy = vi.spyOn(String.prototype, 'indexOf');
    try {
      for (const text of ['${'.repeat(60_000), `${'${ '.repeat(40_000)}}`, `${'${'.repeat(60_000)} }`])
        fitted('hadoop', around('${a}'), secret(text));
      const { calls, results, contexts } = spy.mock;
      const looked = calls.map(([, from = 0], i) => {
        const at = results[i]?.value as number;
        return (at === -1 ? String(contexts[i]).length : at) - from;
      });
      expect(looked.length).toBeGreaterThan(1_000);
      expect(looked.reduce((sum, characters) => sum + characters, 0)).toBeLessThan(3_000_000);
    } finally {
      spy.mockRestore();
    }
  });

  /** What Hadoop's Configuration and Spark's ConfigReader look for. */
  const VARIABLES = [/\$\{[^}$ ]+\}/g, /\$\{(?:(\w+?):)?(\S+?)\}/g];

  it('has no variable of Hadoop or Spark that comes from a secret', () => {
    const text = fc
      .array(fc.constantFrom('$', '{', '}', '${', 'a', ' ', ':', 'env.X'))
      .map((t) => t.join(''));
    const piece = fc.record({ value: text, isSecret: fc.boolean() });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const result = fitProperty('spark.x', 'plain', pieces);
        if (!result.ok) return;
        // With every character of a secret taken away but one that cannot be in a variable, the same ones are found.
        const hidden = pieces
          .map(({ value, isSecret }) => (isSecret ? ' '.repeat(value.length) : value))
          .join('');
        for (const variable of VARIABLES) {
          expect([...result.bytes.toString().matchAll(variable)].map(({ index }) => index)).toEqual(
            [...hidden.matchAll(variable)].map(({ index }) => index),
          );
        }
      }),
      { numRuns: 3000 },
    );
  });
});
