import type { ImportEntry } from '../api/secret-reference.ts';

type Select = NonNullable<ImportEntry['select']>;

export interface Selection {
  /** Of the keys given, those that are taken, in their order. */
  readonly keys: readonly string[];
  /** Listed by name but not there. */
  readonly missing: readonly string[];
}

/** Which keys an import takes. */
export function selectKeys(keys: Iterable<string>, select: Select | undefined): Selection {
  const all = [...keys];
  if (!select) return { keys: all, missing: [] };
  const { keys: listed, prefix = '', match, exclude = [] } = select;
  const named = listed && new Set(listed);
  const present = new Set(all);
  return {
    keys: all.filter(
      (key) =>
        (!named || named.has(key)) &&
        key.startsWith(prefix) &&
        (!match || match.some((pattern) => matches(pattern, key))) &&
        !exclude.some((pattern) => matches(pattern, key)),
    ),
    missing: [...(named ?? [])].filter((key) => !present.has(key)),
  };
}

/**
 * With `*` (any characters) or `?` (just one) a pattern for the whole text, otherwise a part of it. No regular
 * expressions: one that backtracks could stop Fairlead for everybody.
 */
export function matches(pattern: string, text: string): boolean {
  return /[*?]/.test(pattern) ? glob(Array.from(pattern), Array.from(text)) : text.includes(pattern);
}

/**
 * Only the last star is ever tried again: what an earlier one took stays taken, since a longer share of it could
 * not help. So the time is at worst the length of the one times the length of the other.
 */
function glob(pattern: readonly string[], text: readonly string[]): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let i = 0; i < text.length;) {
    if (pattern[at] === '*') {
      star = at;
      taken = i;
      at += 1;
    } else if (pattern[at] === '?' || pattern[at] === text[i]) {
      at += 1;
      i += 1;
    } else if (star !== -1) {
      taken += 1;
      i = taken;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
