import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fingerprint, Hidden } from './hidden.ts';

const PLANTED = 'hvs.planted-credential';

describe('a hidden credential', () => {
  const hidden = new Hidden(PLANTED);

  it('is given away by reveal', () => {
    expect(hidden.reveal()).toBe(PLANTED);
  });

  const prints: Record<string, () => string> = {
    'in JSON': () => JSON.stringify({ hidden, list: [hidden] }),
    'in a template': () => `credential ${String(hidden)}`,
    'in inspect with everything': () =>
      inspect({ hidden }, { depth: Infinity, showHidden: true, getters: true }),
    'in inspect without custom printers': () => inspect(hidden, { customInspect: false, showHidden: true }),
    'in a formatted log line': () => format('%s %o %j', hidden, hidden, hidden),
    'in a copy': () => inspect(Object.assign({}, hidden), { showHidden: true }),
    'in a structured clone': () => inspect(structuredClone(hidden), { showHidden: true }),
    'in its keys': () => Reflect.ownKeys(hidden).map(String).join(),
  };
  it.each(Object.entries(prints))('does not show %s', (_, print) => {
    expect(print()).not.toContain('planted');
  });
});

describe('a fingerprint', () => {
  it('is the same for the same parts', () => {
    expect(fingerprint(['a', new Hidden('b'), undefined])).toBe(
      fingerprint(['a', new Hidden('b'), undefined]),
    );
  });

  const others: Record<string, Parameters<typeof fingerprint>[0]> = {
    'another part': ['a', 'c'],
    'another hidden part': ['a', new Hidden('c')],
    'the parts in another order': ['b', 'a'],
    'the parts cut elsewhere': ['ab', ''],
    'a part missing': ['a'],
    'an empty part instead of none': ['a', 'b', ''],
    'a part that spells a separator': ['a","b'],
  };
  it.each(Object.entries(others))('differs for %s', (_, parts) => {
    expect(fingerprint(parts)).not.toBe(fingerprint(['a', 'b']));
  });

  it('tells a missing part from an empty one', () => {
    expect(fingerprint(['a', undefined])).not.toBe(fingerprint(['a', '']));
  });

  it('shows nothing of its parts', () => {
    expect(fingerprint([PLANTED, new Hidden(PLANTED)])).toMatch(/^[\w-]{32}$/);
  });
});
