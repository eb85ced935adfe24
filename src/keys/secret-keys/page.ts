import { StatusError } from '../../aggregation/errors.ts';
import { GLOBAL } from '../../api/names.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import type { KeyRef } from './name.ts';

/** The last key of a page: the next one begins behind it, whether it is still there or not. */
export interface Position extends KeyRef {
  readonly namespace: string;
}

/** Where a source stands, seen from a position: it was told in full, in part, or not yet. */
export type Relation = 'before' | 'at' | 'after';

const MAX_TOKEN = 4_096;

/** Opaque to clients. It holds nothing that they have not been told. */
export function encodeToken({ namespace, source, key }: Position): string {
  return Buffer.from(JSON.stringify([namespace, source.type, source.id, key])).toString('base64url');
}

/** Throws StatusError BadRequest for what is no token, or one of a list of another namespace. */
export function decodeToken(token: string, namespace: string | undefined): Position {
  const position = token.length <= MAX_TOKEN ? parse(token) : undefined;
  if (!position || (namespace !== undefined && position.namespace !== namespace)) {
    throw new StatusError('BadRequest', 'continue is not a token of this list: begin it again without one');
  }
  return position;
}

function parse(token: string): Position | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [namespace, type, id, key] = parts as unknown[];
  if (typeof namespace !== 'string' || typeof id !== 'string' || typeof key !== 'string') return undefined;
  if (type !== 'KUBERNETES' && type !== 'VAULT') return undefined;
  return { namespace, source: { type, id }, key };
}

/** Own store, global store, integrations by name. */
function rank({ type, id }: Source): number {
  if (type === 'VAULT') return 2;
  return id === GLOBAL ? 1 : 0;
}

export function relation(position: Position | undefined, namespace: string, source: Source): Relation {
  if (!position) return 'after';
  if (namespace !== position.namespace) return namespace < position.namespace ? 'before' : 'after';
  const [here, there] = [rank(source), rank(position.source)];
  if (here !== there) return here < there ? 'before' : 'after';
  if (source.id === position.source.id) return 'at';
  // The namespace has moved to another domain since: nothing of its new store has been told.
  if (source.type === 'KUBERNETES') return 'after';
  return source.id < position.source.id ? 'before' : 'after';
}

/** Of names in order, the index of the first one behind `last`. */
export function indexBehind(names: readonly string[], last: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}
