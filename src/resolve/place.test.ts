import { assert, constantFrom, option, property, record, stringMatching, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeKey, placeOf, sourceKey } from './place.ts';

const vault = { type: 'VAULT', id: 'vault-prod' } as const;
const key = (rest: { path?: string; version?: number } = {}) => placeKey(placeOf({ source: vault, ...rest }));

describe('the key of a place', () => {
  it.each([
    ['a source as a whole', {}, 'VAULT/vault-prod'],
    ['a path below it', { path: 'db/main' }, 'VAULT/vault-prod/db/main'],
    ['the same path with slashes around it', { path: '/db/main/' }, 'VAULT/vault-prod/db/main'],
    ['a version', { version: 3 }, 'VAULT/vault-prod@3'],
    ['a path and a version', { path: 'db/main', version: 3 }, 'VAULT/vault-prod/db/main@3'],
    ['a path that looks like one with a version', { path: 'db@3' }, 'VAULT/vault-prod/db%403'],
    ['a path with a comma, which separates places', { path: 'a,b' }, 'VAULT/vault-prod/a%2Cb'],
    // The CRD refuses it; it must not be taken for the source as a whole.
    ['a path that is only a slash', { path: '/' }, 'VAULT/vault-prod/'],
  ])('of %s', (_, place, expected) => {
    expect(key(place)).toBe(expected);
  });

  it('begins with that of its source', () => {
    expect(key({ path: 'db' }).startsWith(sourceKey(vault))).toBe(true);
  });

  it('is never that of another place', () => {
    const place = record({
      source: record({ type: constantFrom('VAULT', 'KUBERNETES'), id: constantFrom('a', 'b') }),
      path: option(stringMatching(/^[ab@%,2/]{1,6}$/), { nil: undefined }),
      version: option(integer({ min: 1, max: 3 }), { nil: undefined }),
    });
    assert(
      property(place, place, (one, other) => {
        const same = JSON.stringify(placeOf(one)) === JSON.stringify(placeOf(other));
        expect(placeKey(placeOf(one)) === placeKey(placeOf(other))).toBe(same);
      }),
    );
  });
});
