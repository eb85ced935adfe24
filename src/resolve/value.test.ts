import { describe, expect, it } from 'vitest';
import { LIMITS } from '../api/names.ts';
import { fit } from './value.ts';

const bytes = (...list: number[]) => Uint8Array.from(list);
const largest = LIMITS.variableBytes - 'NAME='.length;

describe('a value as an environment variable', () => {
  it.each([
    ['plain text', 'p4ss'],
    ['newline, quote, dollar, emoji, leading space', ' a\nb"c\'d$e${f}🔑\\'],
    ['an empty value', ''],
    ['text that ends in white space', 'x \n'],
    ['a byte order mark', '\uFEFFx'],
    ['exactly the longest that Linux takes', 'x'.repeat(largest)],
  ])('passes byte for byte: %s', (_, value) => {
    for (const form of [value, Buffer.from(value)]) {
      const fitted = fit('NAME', form);
      expect(fitted.ok && fitted.bytes.equals(Buffer.from(value))).toBe(true);
    }
  });

  it.each([
    ['NUL in text', 'a\0b', 'NotAnEnvironmentValue'],
    ['NUL in bytes', bytes(97, 0), 'NotAnEnvironmentValue'],
    ['bytes that are not UTF-8', bytes(0xff, 0xfe), 'NotAnEnvironmentValue'],
    ['an overlong encoding', bytes(0xc0, 0x80), 'NotAnEnvironmentValue'],
    ['a surrogate in bytes', bytes(0xed, 0xa0, 0x80), 'NotAnEnvironmentValue'],
    ['a lone surrogate in text', 'a\uD800', 'NotAnEnvironmentValue'],
    ['one byte too long', 'x'.repeat(largest + 1), 'TooLarge'],
    ['too long in bytes though not in characters', 'é'.repeat(largest / 2 + 1), 'TooLarge'],
  ] as const)('refuses %s', (_, value, reason) => {
    const fitted = fit('NAME', value);
    expect(fitted.ok).toBe(false);
    expect(!fitted.ok && fitted.problem.reason).toBe(reason);
  });

  it('never quotes the value', () => {
    const fitted = fit('NAME', 'planted-value\0');
    expect(JSON.stringify(fitted)).not.toContain('planted');
  });
});
