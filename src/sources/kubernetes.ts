import { GLOBAL } from '../api/names.ts';
import type { FieldValue, SourceAnswer } from './source.ts';

/** A Secret as far as a store is concerned; `data` is base64. */
export interface StoreSecret {
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export interface StoreQuestion {
  /** The global store's name, and the prefix of the others. */
  readonly prefix: string;
  readonly systemNamespace: string;
  /** A domain or `global`. */
  readonly id: string;
  /** A Secret of the system namespace from the cache. */
  readonly getSecret: (name: string) => StoreSecret | undefined;
}

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** The name of the Secret behind a store id; undefined if the id is neither `global` nor a domain's name. */
export function storeName(prefix: string, id: string): string | undefined {
  if (id === GLOBAL) return prefix;
  return DNS_LABEL.test(id) ? `${prefix}-${id}` : undefined;
}

/** The inverse of storeName: the id that a Secret of this name is the store of. */
export function storeId(prefix: string, name: string): string | undefined {
  if (name === prefix) return GLOBAL;
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const id = name.slice(prefix.length + 1);
  return id !== GLOBAL && DNS_LABEL.test(id) ? id : undefined;
}

/** All fields of a store, or why there are none. */
export function readStore({ prefix, systemNamespace, id, getSecret }: StoreQuestion): SourceAnswer {
  const name = storeName(prefix, id);
  if (name === undefined) {
    // The id comes from a reference and may be anything: it is not repeated.
    return missing(systemNamespace, 'the source id is neither a domain (a DNS label) nor global');
  }
  const location = `Secret ${systemNamespace}/${name}`;
  const secret = getSecret(name);
  if (!secret) return missing(location, `${location} does not exist`);
  if (secret.type !== 'Opaque') return missing(location, `${location} is not of type Opaque`);
  return { kind: 'fields', location, fields: decode(secret.data ?? {}) };
}

function missing(location: string, message: string): SourceAnswer {
  return { kind: 'failed', location, reason: 'StoreNotFound', message };
}

/** A Map, since a key of a Secret may be called `constructor`. */
function decode(data: Readonly<Record<string, string>>): ReadonlyMap<string, FieldValue> {
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}
