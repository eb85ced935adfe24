import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageBuilder, MAX_ITEMS } from './page-builder.ts';
import { decodeToken, encodeToken, indexBehind, relation, type Position } from './page.ts';
import { selection } from './selection.ts';

const at = (namespace: string, id: string, key: string, type: 'KUBERNETES' | 'VAULT' = 'KUBERNETES') =>
  ({ namespace, source: { type, id }, key }) satisfies Position;

describe('a continue token', () => {
  it.each([at('team-a', 'marketing', 'a'), at('team-a', 'vault-prod', 'ä/"\\:🔑', 'VAULT')])(
    'is opaque and says where a page ended',
    (position) => {
      const token = encodeToken(position);
      expect(token).toMatch(/^[\w-]+$/);
      expect(decodeToken(token, undefined)).toEqual(position);
      expect(decodeToken(token, 'team-a')).toEqual(position);
    },
  );

  const coded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['no token at all', 'hunter2'],
    ['no list', coded({})],
    ['too little', coded(['team-a', 'VAULT', 'x'])],
    ['another type', coded(['team-a', 'AWS', 'x', 'k'])],
    ['no text', coded(['team-a', 'VAULT', 1, 'k'])],
    ['null', coded(null)],
    ['another namespace', encodeToken(at('team-b', 'marketing', 'a'))],
    ['far too much', coded(['team-a', 'VAULT', 'x', 'k'.repeat(5_000)])],
  ])('is refused if it is %s', (_, token) => {
    expect(() => decodeToken(token, 'team-a')).toThrow(
      expect.objectContaining({ code: 'BadRequest', message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('of any text is a position or a bad request', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => Buffer.from(text).toString('base64url')),
        ),
        (text) => {
          try {
            expect(decodeToken(text, undefined)).toHaveProperty('source.type');
          } catch (error) {
            expect(error).toHaveProperty('code', 'BadRequest');
          }
        },
      ),
    );
  });
});

describe('seen from a position', () => {
  const inStore = at('b', 'marketing', 'k');
  const inGlobal = at('b', 'global', 'k');
  const inVault = at('b', 'v5', 'k', 'VAULT');
  it.each([
    ['nowhere', undefined, 'a', 'KUBERNETES', 'marketing', 'after'],
    ['a namespace before', inStore, 'a', 'VAULT', 'v1', 'before'],
    ['a namespace after', inVault, 'c', 'KUBERNETES', 'marketing', 'after'],
    ['the same store', inStore, 'b', 'KUBERNETES', 'marketing', 'at'],
    ['the global store, from the own one', inStore, 'b', 'KUBERNETES', 'global', 'after'],
    ['the own store, from the global one', inGlobal, 'b', 'KUBERNETES', 'marketing', 'before'],
    ['an integration, from a store', inGlobal, 'b', 'VAULT', 'a1', 'after'],
    ['a store, from an integration', inVault, 'b', 'KUBERNETES', 'zzz', 'before'],
    ['an integration before', inVault, 'b', 'VAULT', 'v4', 'before'],
    ['an integration after', inVault, 'b', 'VAULT', 'v6', 'after'],
    ['the store of a domain that the namespace came to', inStore, 'b', 'KUBERNETES', 'finance', 'after'],
  ] as const)('%s', (_, position, namespace, type, id, expected) => {
    expect(relation(position, namespace, { type, id })).toBe(expected);
  });

  it('finds the first name behind the last one, whether that is still there or not', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.string(), (some, last) => {
        const names = some.toSorted();
        const index = indexBehind(names, last);
        expect(names.slice(0, index).every((name) => name <= last)).toBe(true);
        expect(names.slice(index).every((name) => name > last)).toBe(true);
      }),
    );
  });
});

describe('pages', () => {
  const everything = selection([]);
  const own = { type: 'KUBERNETES', id: 'marketing' } as const;
  const vault = { type: 'VAULT', id: 'v' } as const;

  /** All pages, one after the other; `change` is done to the keys after each. */
  function walk(limit: number, keys: Map<string, string[]>, change = () => {}): string[] {
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = new PageBuilder(limit, token ? decodeToken(token, 'n') : undefined, everything);
      for (const source of [own, vault]) {
        if (!page.covers('n', source)) continue;
        if (page.isFull) {
          page.leave();
          break;
        }
        page.add('n', source, (keys.get(source.id) ?? []).toSorted());
      }
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items.map(({ source, key }) => `${source.id}/${key}`));
      token = page.token();
      change();
    } while (token);
    return seen;
  }

  it('of any size hold each key once and in order', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(names, names, fc.integer({ min: 1, max: 8 }), (a, b, limit) => {
        const keys = new Map([
          ['marketing', a],
          ['v', b],
        ]);
        const expected = [
          ...a.toSorted().map((key) => `marketing/${key}`),
          ...b.toSorted().map((key) => `v/${key}`),
        ];
        expect(walk(limit, keys)).toEqual(expected);
      }),
    );
  });

  it('hold what was there all the time, whatever comes and goes meanwhile', () => {
    const keys = new Map([
      ['marketing', ['a', 'c', 'e', 'g']],
      ['v', ['x']],
    ]);
    let step = 0;
    const seen = walk(2, keys, () => {
      step += 1;
      if (step === 1) keys.set('marketing', ['a', 'b', 'e', 'f', 'g']);
    });
    expect(seen).toEqual(['marketing/a', 'marketing/c', 'marketing/e', 'marketing/f', 'marketing/g', 'v/x']);
  });

  it('have no successor if the last key just fits', () => {
    const page = new PageBuilder(2, undefined, everything);
    page.add('n', own, ['a', 'b']);
    expect(page).toMatchObject({ isFull: true, hasMore: false, room: 0 });
    expect(page.token()).toBeUndefined();
  });

  it('are never larger than what Fairlead can hold; all at once are refused then', () => {
    const names = Array.from({ length: MAX_ITEMS + 1 }, (_, i) => String(i)).toSorted();
    const page = new PageBuilder(MAX_ITEMS * 2, undefined, everything);
    page.add('n', own, names);
    expect(page.items).toHaveLength(MAX_ITEMS);
    expect(page.token()).toBeDefined();
    expect(() => new PageBuilder(undefined, undefined, everything).add('n', own, names)).toThrow(
      expect.objectContaining({ code: 'RequestEntityTooLarge' }),
    );
  });
});
