import { StatusError } from './errors.ts';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** What a path leads to. */
export type Route =
  | { readonly kind: 'health' }
  /** /apis */
  | { readonly kind: 'groups' }
  /** /apis/<group> */
  | { readonly kind: 'group' }
  /** /apis/<group>/<version> */
  | { readonly kind: 'resources' }
  /** /openapi/v3 */
  | { readonly kind: 'openapi' }
  /** /openapi/v3/apis/<group>/<version> */
  | { readonly kind: 'schema' }
  /** Without a namespace: all of them. */
  | { readonly kind: 'collection'; readonly plural: string; readonly namespace?: string }
  | { readonly kind: 'object'; readonly plural: string; readonly namespace: string; readonly name: string }
  | { readonly kind: 'none' };

const HEALTH = new Set(['/healthz', '/livez', '/readyz']);
const NONE: Route = { kind: 'none' };
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** An integration's name, a Secret's key, and what stands around them. */
const MAX_NAME = 1024;

/**
 * Where a path (as it was sent, without the query) leads. Each part is decoded once. Throws StatusError BadRequest for
 * parts that mean one thing here and may mean another to whoever has authorized the request: encoded slashes,
 * control characters, dots.
 */
export function routeOf(path: string, { group, version }: GroupVersion): Route {
  if (HEALTH.has(path)) return { kind: 'health' };
  const [first, ...parts] = path.split('/').map(decodePart);
  if (first !== '' || parts.includes('')) return NONE;
  if (parts[0] === 'openapi') {
    if (parts[1] !== 'v3') return NONE;
    if (parts.length === 2) return { kind: 'openapi' };
    return equal(parts.slice(2), ['apis', group, version]) ? { kind: 'schema' } : NONE;
  }
  if (parts[0] !== 'apis') return NONE;
  if (parts.length === 1) return { kind: 'groups' };
  if (parts[1] !== group) return NONE;
  if (parts.length === 2) return { kind: 'group' };
  return parts[2] === version ? inVersion(parts.slice(3)) : NONE;
}

function inVersion(parts: readonly string[]): Route {
  const [first, namespace, plural, name] = parts;
  if (first === undefined) return { kind: 'resources' };
  if (parts.length === 1) return { kind: 'collection', plural: first };
  if (first !== 'namespaces' || namespace === undefined || plural === undefined) return NONE;
  if (!NAMESPACE.test(namespace)) throw badPath('a part of the path is not the name of a namespace');
  if (name === undefined) return { kind: 'collection', plural, namespace };
  if (parts.length > 4) return NONE;
  if (name.length > MAX_NAME) throw badPath('the name in the path is too long');
  return { kind: 'object', plural, namespace, name };
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/;

function decodePart(part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw badPath('the path is not percent-encoded UTF-8');
  }
  if (text.includes('/') || CONTROL.test(text))
    throw badPath('a part of the path has an encoded slash or a control character');
  if (text === '.' || text === '..') throw badPath('a part of the path is dots');
  return text;
}

function badPath(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i]);
}
