import { STORE_KEY } from '../../api/secret-key.ts';
import type { NamedSource, SourceType } from '../../api/secret-reference.ts';

/** One key of a source. */
export interface KeyRef {
  readonly key: string;
  readonly source: NamedSource;
}

const PREFIXES: Readonly<Record<SourceType, string>> = { KUBERNETES: 'kubernetes', VAULT: 'vault' };
const NAME = /^(kubernetes|vault):([a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?):([^%/]+)$/;
/** What no reference can name, since its CRD refuses it. */
// oxlint-disable-next-line no-control-regex -- that is what they are looked for
const UNFIT = /[\u0000-\u001f\u007f]/;
const MAX_KEY = 253;

/**
 * `kubernetes:marketing:db_password`. kubectl asks for no name with a slash or a percent sign, so a key that has one
 * is written in percent encoding: it can be listed, and nothing else.
 */
export function encodeName({ key, source }: KeyRef): string {
  return namePrefix(source) + key.replaceAll(/[%/]/g, encodeURIComponent);
}

/** What the names of all keys of a source begin with. */
export function namePrefix({ type, id }: NamedSource): string {
  return `${PREFIXES[type]}:${id}:`;
}

/** The key that a name stands for; undefined if it stands for none, or for one that can only be listed. */
export function decodeName(name: string): KeyRef | undefined {
  const [, prefix, id = '', key = ''] = NAME.exec(name) ?? [];
  if (prefix === undefined || !isNameable(key)) return undefined;
  return { key, source: { type: prefix === PREFIXES.VAULT ? 'VAULT' : 'KUBERNETES', id } };
}

/** Whether a reference can name the key at all: the rules of SecretReference. */
export function isNameable(key: string): boolean {
  // Characters, as the API server counts them; there are never more than units.
  const fits = key.length <= MAX_KEY || (key.length <= 2 * MAX_KEY && Array.from(key).length <= MAX_KEY);
  return key !== '' && fits && key.isWellFormed() && !UNFIT.test(key);
}

/** Whether a store can hold a key of this name: the rules of Secrets. */
export function isStoreKey(key: string): boolean {
  return STORE_KEY.test(key);
}
