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
  const wanted = match?.map(matcher);
  const unwanted = exclude.map(matcher);
  return {
    keys: all.filter(
      (key) =>
        (!named || named.has(key)) &&
        key.startsWith(prefix) &&
        (!wanted || wanted.some((matches) => matches(key))) &&
        !unwanted.some((matches) => matches(key)),
    ),
    missing: [...(named ?? [])].filter((key) => !present.has(key)),
  };
}

/**
 * With `*` (any characters) a pattern for the whole text, otherwise a part of it. No regular expressions, and nothing
 * that tries again: what tenants write must not stop Fairlead for everybody.
 */
export function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text.includes(pattern);
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const part of rest) {
      // The first place will do: a later one leaves less room for the parts that follow.
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
