import { at, isMap, type Json } from '../../json/json.ts';
import type { Fault } from './errors.ts';

/** What a server answered, whatever its status. */
export interface Answer {
  readonly status: number;
  /** The body with numbers as they were written; undefined if it is no JSON. */
  readonly body: Json | undefined;
  /** Retry-After, at most five minutes. */
  readonly retryAfterMs?: number;
}

/*
 * Status and shape decide; texts differ between HashiCorp Vault and OpenBao and between versions. Vault writes
 * `errors` into every answer that is an error of its own, so a body without it is from something in front of it.
 */

/** The faults that every request can end in; undefined if the answer is not one of them. */
export function commonFault({ status, body, retryAfterMs }: Answer): Fault | undefined {
  const common = {
    scope: 'connection',
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  } as const;
  const unreachable = (what: string): Fault => ({ ...common, reason: 'Unreachable', what });
  if (status >= 300 && status < 400) {
    return unreachable(
      'the server redirects, which Fairlead does not follow: put the address of the active node or of a load balancer into spec.host',
    );
  }
  if (status === 429) {
    return {
      ...common,
      reason: 'RateLimited',
      what: 'a rate limit of Vault is used up: raise the quota; Fairlead goes on by itself',
    };
  }
  if (status === 503 && hasErrors(body)) {
    return { ...common, reason: 'Sealed', what: 'Vault is sealed: unseal it; Fairlead goes on by itself' };
  }
  if (!isMap(body) && status !== 204) {
    return unreachable(
      'the answer is not from Vault: check spec.host and the proxy or load balancer in front of Vault',
    );
  }
  return undefined;
}

/** The fault in the answer to a read of `<mount>/data/<path>`; undefined if it holds the secret. */
export function readFault(answer: Answer, { mount, namespace }: PathWords): Fault | undefined {
  const { status, body } = answer;
  const read = { scope: 'read', status } as const;
  const common = commonFault(answer);
  if (common) return common;
  if (status === 200 && isMap(at(body, 'data', 'data')) && isMap(at(body, 'data', 'metadata'))) {
    return undefined;
  }
  if ((status === 200 || status === 404) && isMap(at(body, 'data', 'metadata'))) return deleted(body, status);
  if (status === 200 || status === 204 || status === 405) return notKVv2(mount, status);
  if (status === 403) {
    return {
      ...read,
      reason: 'PermissionDenied',
      what: 'the login works but its policies do not allow this: grant it `read` on this path in Vault',
    };
  }
  if (status === 404) return notFound(answer, { mount, namespace });
  if (status >= 500) return serverFault(status, 'read');
  return {
    ...read,
    reason: 'Unreachable',
    what: "Vault answered with an error that Fairlead does not know for a read: see Vault's log",
  };
}

export interface PathWords {
  readonly mount: string;
  readonly namespace?: string | undefined;
}

/** The mount exists but is not KV version 2. */
export function notKVv2(mount: string, status: number): Fault {
  return {
    reason: 'NotKVv2',
    scope: 'read',
    status,
    what: `${quote(mount)} is not the mount of a KV version 2 engine: use the API path <mount>/data/<path> of one in spec.path`,
  };
}

function deleted(body: Json | undefined, status: number): Fault {
  const destroyed = at(body, 'data', 'metadata', 'destroyed') === true;
  return {
    reason: 'SourceDeleted',
    scope: 'read',
    status,
    what: destroyed
      ? 'the latest version of the secret is destroyed: write a new version'
      : 'the latest version of the secret is deleted: undelete it, or write a new version',
  };
}

/** 404 has three shapes: `errors` is empty, `errors` says why, or an empty envelope with warnings. */
function notFound({ status, body }: Answer, { mount, namespace }: PathWords): Fault {
  const errors = errorsOf(body);
  if (errors === undefined) return notKVv2(mount, status);
  const read = { scope: 'read', status } as const;
  if (errors.length === 0) {
    return {
      ...read,
      reason: 'PathNotFound',
      what: 'there is no secret at this path: correct spec.path, or write the secret',
    };
  }
  // Only the word tells these two apart; without it the message names both.
  if (namespace !== undefined && errors.some((text) => /namespace/i.test(text))) {
    return namespaceNotFound(status);
  }
  const where = namespace === undefined ? '' : `, or there is no namespace ${namespace}`;
  return {
    ...read,
    reason: 'PathNotFound',
    what: `no secrets engine is mounted at ${quote(mount)}${where}: correct spec.path`,
  };
}

export function namespaceNotFound(status: number): Fault {
  return {
    reason: 'NamespaceNotFound',
    scope: 'connection',
    status,
    what: 'Vault has no such namespace: correct spec.namespace',
  };
}

/** An internal error of a read may be of this path alone: it must not stop the others. */
export function serverFault(status: number, scope: Fault['scope']): Fault {
  return {
    reason: 'Unreachable',
    scope,
    status,
    what: "Vault answered with an internal error: see Vault's log; Fairlead goes on by itself",
  };
}

function hasErrors(body: Json | undefined): boolean {
  return errorsOf(body) !== undefined;
}

function errorsOf(body: Json | undefined): readonly string[] | undefined {
  const errors = at(body, 'errors');
  return Array.isArray(errors) ? errors.filter((item) => typeof item === 'string') : undefined;
}

function quote(mount: string): string {
  return JSON.stringify(mount);
}
