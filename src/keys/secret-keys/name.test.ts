import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, isNameable, isStoreKey, type KeyRef } from './name.ts';

const vault = (key: string, id = 'vault-prod'): KeyRef => ({ key, source: { type: 'VAULT', id } });
const store = (key: string, id = 'marketing'): KeyRef => ({ key, source: { type: 'KUBERNETES', id } });

describe('the name of a key', () => {
  it.each([
    ['kubernetes:marketing:db_password', store('db_password')],
    ['kubernetes:global:a.b-c', store('a.b-c', 'global')],
    ['vault:vault-prod:s3', vault('s3')],
    ['vault:vault.prod:a:b c:', vault('a:b c:', 'vault.prod')],
    ['vault:vault-prod:Schlüssel 🔑', vault('Schlüssel 🔑')],
    ['kubernetes:marketing:__proto__', store('__proto__')],
  ])('%s', (name, ref) => {
    expect(encodeName(ref)).toBe(name);
    expect(decodeName(name)).toEqual(ref);
  });

  it.each([
    ['', 'nothing'],
    ['db_password', 'no source'],
    ['kubernetes:marketing', 'no key'],
    ['kubernetes:marketing:', 'an empty key'],
    ['kubernetes::x', 'no id'],
    ['Vault:a:x', 'another prefix'],
    ['aws:a:x', 'another source'],
    ['vault:A_b:x', 'an id that is no DNS name'],
    ['vault:../..:x', 'an id that leads elsewhere'],
    [`vault:${'a'.repeat(64)}:x`, 'an id that is too long'],
    ['vault:a:x/y', 'a slash'],
    ['vault:a:x%2Fy', 'a key that can only be listed'],
    ['vault:a:x\ny', 'a control character'],
    ['vault:a:\ud800', 'half a character'],
    [`vault:a:${'x'.repeat(254)}`, 'a key that is too long'],
  ])('%j stands for none: %s', (name) => {
    expect(decodeName(name)).toBeUndefined();
  });

  it.each([
    ['a/b', 'vault:vault-prod:a%2Fb'],
    ['a%2Fb', 'vault:vault-prod:a%252Fb'],
    ['../x', 'vault:vault-prod:..%2Fx'],
  ])('a key that can only be listed has one all the same: %s', (key, name) => {
    expect(encodeName(vault(key))).toBe(name);
    expect(decodeName(name)).toBeUndefined();
  });

  const ids = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
  const refs = fc.record({
    key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isNameable),
    source: fc.record({ type: fc.constantFrom('KUBERNETES', 'VAULT'), id: ids }),
  });

  it('leads back to the key, or to nothing', () => {
    fc.assert(
      fc.property(refs, (ref) => {
        const isListOnly = /[/%]/.test(ref.key);
        expect(decodeName(encodeName(ref))).toEqual(isListOnly ? undefined : ref);
      }),
    );
  });

  it('belongs to one key only', () => {
    fc.assert(
      fc.property(refs, refs, (a, b) => {
        expect(encodeName(a) === encodeName(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it('never is more than one segment of a path', () => {
    fc.assert(
      fc.property(refs, (ref) => {
        const name = encodeName(ref);
        expect(name).not.toContain('/');
        expect(['.', '..']).not.toContain(name);
      }),
    );
  });

  it('any text stands for a key with just this name, or for none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `vault:a:${text}`),
        ),
        (text) => {
          const ref = decodeName(text);
          if (ref) expect(encodeName(ref)).toBe(text);
        },
      ),
    );
  });
});

describe('keys', () => {
  it.each([
    ['x'.repeat(253), true],
    ['x'.repeat(254), false],
    ['🔑'.repeat(253), true],
    ['🔑'.repeat(254), false],
    ['', false],
    ['a b', true],
    ['a\u0000b', false],
    ['a\u007fb', false],
  ])('%j can be named by a reference: %s', (key, expected) => {
    expect(isNameable(key)).toBe(expected);
  });

  it.each([
    ['db_password', true],
    ['.hidden', true],
    ['a..b', true],
    ['__proto__', true],
    ['x'.repeat(253), true],
    ['x'.repeat(254), false],
    ['.', false],
    ['..', false],
    ['..data', false],
    ['a b', false],
    ['ä', false],
    ['a:b', false],
    ['a\n', false],
    ['', false],
  ])('%j can be a key of a store: %s', (key, expected) => {
    expect(isStoreKey(key)).toBe(expected);
  });
});
