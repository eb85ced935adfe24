import type { RequestHeaderConfig } from './request-header.ts';
import type { Caller } from './resource.ts';

export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * Whom a front proxy speaks for; undefined if it does not say, or not clearly. security: to be asked only once the
 * connection is known to be a front proxy's. A name in two headers of the same name is no name, and values are never
 * split: a group's name may hold a comma.
 */
export function callerOf(headers: Headers, config: RequestHeaderConfig): Caller | undefined {
  try {
    const user = single(headers, config.userHeaders);
    if (user === undefined || user === '') return undefined;
    const uid = single(headers, config.uidHeaders);
    const groups = firstOf(headers, config.groupHeaders).map(decoded);
    return { user, ...(uid !== undefined && uid !== '' && { uid }), groups, extra: extraOf(headers, config) };
  } catch {
    return undefined;
  }
}

function firstOf(headers: Headers, names: readonly string[]): readonly string[] {
  for (const name of names) {
    const values = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (values && values.length > 0) return values;
  }
  return [];
}

function single(headers: Headers, names: readonly string[]): string | undefined {
  const values = firstOf(headers, names);
  if (values.length > 1) throw new RangeError('repeated');
  return values[0] === undefined ? undefined : decoded(values[0]);
}

function extraOf(headers: Headers, { extraPrefixes }: RequestHeaderConfig): Caller['extra'] {
  const extra = new Map<string, readonly string[]>();
  for (const [name, values] of Object.entries(headers)) {
    const prefix = extraPrefixes.find((one) => name.startsWith(one) && name.length > one.length);
    if (prefix === undefined || !values) continue;
    const key = unescaped(name.slice(prefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...values.map(decoded)]);
  }
  // An object made this way takes `__proto__` for a name like any other.
  return Object.fromEntries(extra);
}

/** What does not fit into a header's name is percent-encoded; what only looks like that stays as it is. */
function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Node reads headers as Latin-1; Go writes UTF-8. Throws on what is neither. */
function decoded(value: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
}
