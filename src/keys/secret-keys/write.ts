import { MAX_STORE_BYTES } from '../../api/secret-key.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { alreadyExists, forbidden, invalid, notFound } from './errors.ts';
import { encodeName, type KeyRef } from './name.ts';

/** The Secret of a store as the API server gives it: whatever else it has stays. */
export interface StoreObject extends KubeObject {
  readonly type?: string;
  readonly immutable?: boolean;
  /** base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** What is to happen to one key of a store. */
export type Edit = KeyRef &
  (
    | { readonly verb: 'create' | 'update'; readonly value: string }
    | { readonly verb: 'delete'; readonly value?: undefined }
  );

export interface Change {
  /** Whether the store is there already. */
  readonly exists: boolean;
  readonly object: object;
}

/** Where the store is, or is to be. */
export interface StorePlace {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The store after the edit; with the resourceVersion that it was read with, so that nobody's write is lost. Throws
 * StatusError: AlreadyExists, NotFound, Forbidden (no store of ours to write to), Invalid (it would be too large).
 */
export function changed(store: StoreObject | undefined, edit: Edit, place: StorePlace): Change {
  const { verb, key } = edit;
  const name = encodeName(edit);
  const refusal = store && notWritable(store, place);
  if (refusal !== undefined) throw forbidden(name, refusal);
  const data = store?.data ?? {};
  const isThere = Object.hasOwn(data, key);
  if (verb === 'create' && isThere) throw alreadyExists(name);
  if (verb !== 'create' && !isThere) throw notFound(name);

  // Neither spread nor fromEntries goes through a setter, so a key may be called __proto__.
  const next =
    edit.value === undefined
      ? Object.fromEntries(Object.entries(data).filter(([other]) => other !== key))
      : { ...data, [key]: Buffer.from(edit.value).toString('base64') };
  if (edit.value !== undefined && totalBytes(next) > MAX_STORE_BYTES) {
    const message = `the values of a store may have ${MAX_STORE_BYTES} bytes together`;
    throw invalid(name, [{ field: 'spec.value', reason: 'FieldValueTooLong', message }]);
  }
  const head = { apiVersion: 'v1', kind: 'Secret' };
  if (store) return { exists: true, object: { ...head, ...store, data: next } };
  return { exists: false, object: { ...head, type: 'Opaque', metadata: { ...place }, data: next } };
}

function notWritable(
  { metadata, type, immutable }: StoreObject,
  { namespace, name }: StorePlace,
): string | undefined {
  const store = `the store (Secret ${name} in namespace ${namespace})`;
  if (type !== 'Opaque') return `${store} is not of type Opaque`;
  if (metadata.deletionTimestamp !== undefined) return `${store} is being deleted`;
  return immutable === true ? `${store} is immutable` : undefined;
}

/** As the API server counts: the decoded values. */
function totalBytes(data: Readonly<Record<string, string>>): number {
  return Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
}
