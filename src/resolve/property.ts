import { isMap, parseJson, type Json } from '../json/json.ts';
import type { Fields, FieldValue } from './state.ts';

export type Property =
  | {
      readonly kind: 'found';
      /** The keys and indexes that were followed: `a.b` may be one key or two. */
      readonly path: readonly string[];
      readonly value: Json;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'not JSON' };

/**
 * Looks into values that hold JSON: objects and arrays of Vault, or texts. Remembers what it read, so that many
 * entries that look into one large value cost little more than one. For one resolve; it holds values.
 */
export class JsonReader {
  readonly #values = new Map<Fields, Map<string, Json | undefined>>();
  readonly #properties = new Map<Fields, Map<string, Property>>();

  /** The value of a key as JSON; undefined if it is not there or no JSON. */
  value(fields: Fields, key: string): Json | undefined {
    return remember(this.#values, fields, key, () => {
      const text = textOf(fields.get(key));
      return text === undefined ? undefined : parseJson(text);
    });
  }

  /**
   * A property of a key's value. At every level a key that is equal to the whole rest wins; else the part before the
   * next dot is followed. Elements of an array go by their index.
   */
  property(fields: Fields, key: string, property: string): Property {
    return remember(this.#properties, fields, JSON.stringify([key, property]), () => {
      const value = this.value(fields, key);
      return value === undefined ? { kind: 'not JSON' } : follow(value, property, []);
    });
  }
}

function follow(value: Json, rest: string, path: readonly string[]): Property {
  const whole = child(value, rest);
  if (whole !== undefined) return { kind: 'found', path: [...path, rest], value: whole };
  const dot = rest.indexOf('.');
  if (dot === -1) return { kind: 'missing' };
  const head = rest.slice(0, dot);
  const next = child(value, head);
  return next === undefined ? { kind: 'missing' } : follow(next, rest.slice(dot + 1), [...path, head]);
}

const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

function child(value: Json, key: string): Json | undefined {
  if (isMap(value)) return value.get(key);
  if (Array.isArray(value) && INDEX.test(key)) return (value as readonly Json[])[Number(key)];
  return undefined;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(value: FieldValue | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  try {
    return strictUtf8.decode(value);
  } catch {
    return undefined;
  }
}

function remember<T>(memory: Map<Fields, Map<string, T>>, fields: Fields, name: string, read: () => T): T {
  const known = memory.get(fields) ?? new Map<string, T>();
  memory.set(fields, known);
  if (!known.has(name)) known.set(name, read());
  return known.get(name) as T;
}
