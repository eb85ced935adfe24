import { KubeError } from './errors.ts';

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** What every object has; only what is used here. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** Where the API server serves a kind. `group` is empty for the core group. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** One object of a resource, or one of its subresources. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly subresource?: string | undefined;
}

interface Named {
  readonly metadata: { readonly namespace?: string | undefined; readonly name: string };
}

/** `namespace/name`, or `name` for what has no namespace: the key of caches and queues. */
export function keyOf({ metadata: { namespace, name } }: Named): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The path of a collection; without a namespace that of the whole cluster. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const { group, version, plural, namespaced } = resource;
  const root = group === '' ? `/api/${segment(version)}` : `/apis/${segment(group)}/${segment(version)}`;
  const scope = namespaced && namespace !== undefined ? `/namespaces/${segment(namespace)}` : '';
  return `${root}${scope}/${segment(plural)}`;
}

/** The path of one object. A namespaced resource needs its namespace, or the path would mean something else. */
export function objectPath(resource: Resource, { namespace, name, subresource }: ObjectRef): string {
  if (resource.namespaced && namespace === undefined) throw badName(`${resource.plural}: namespace`);
  const path = `${collectionPath(resource, namespace)}/${segment(name)}`;
  return subresource === undefined ? path : `${path}/${segment(subresource)}`;
}

/**
 * One part of a path. Empty would address the collection (a DELETE of everything), and dots would be folded by
 * the server into another path.
 */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') throw badName('a part of the path');
  return encodeURIComponent(text);
}

function badName(what: string): KubeError {
  return new KubeError({ code: 'BadRequest', message: `request not sent: ${what} is missing or not a name` });
}
