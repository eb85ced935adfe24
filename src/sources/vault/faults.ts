import { at, isMap, type Json } from '../../json/json.ts';
import type { Fault } from './errors.ts';

/** What a server answered, whatever its status. */
export interface Answer {
  readonly status: number;
  /** The body with numbers as they were written; undefined if it is no JSON. */
  readonly body: Json | undefined;
  /** Retry-After, at most five minutes. */
  readonly retryAfterMs?: number;
  /** 3xx: the other origin that the same path is at, if that is what the server says. */
  readonly redirectTo?: string;
}

/*
 * Status and shape decide; texts differ between HashiCorp Vault and OpenBao and between versions. Vault writes
 * `errors` into every answer that is an error of its own, so a body without it is from something in front of it.
 */

/** The faults that every request can end in; undefined if the answer is not one of them. */
export function commonFault({ status, body, retryAfterMs, redirectTo }: Answer): Fault | undefined {
  const common = {
    scope: 'connection',
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  } as const;
  if (status >= 300 && status < 400) {
    return {
      ...common,
      reason: 'Unreachable',
      what:
        redirectTo === undefined
          ? 'the server redirects, which Fairlead does not follow: put the address of the active node or of a load balancer into spec.host'
          : `the server redirects to ${redirectTo}, which Fairlead does not follow: use that address in spec.host, or list it in spec.redirectHosts`,
    };
  }
  if (status === 429) {
    return {
      ...common,
      reason: 'RateLimited',
      what: 'a rate limit of Vault is used up: raise the quota; Fairlead goes on by itself',
    };
  }
  if (status === 503 && errorsOf(body)) {
    return {
      ...common,
      scope: 'server',
      reason: 'Sealed',
      what: 'Vault is sealed: unseal it; Fairlead goes on by itself',
    };
  }
  if (!isMap(body) && status !== 204) {
    return {
      ...common,
      // A gateway without a Vault behind it; anything else may be about this request alone.
      scope: status >= 500 ? 'server' : 'connection',
      reason: 'Unreachable',
      what: 'the answer is not from Vault: check spec.host and the proxy or load balancer in front of Vault',
    };
  }
  return undefined;
}

/** What a read was for, in words for messages. */
export interface ReadWords {
  readonly mount: string;
  readonly namespace?: string | undefined;
  /** Absent: the latest. */
  readonly version?: number | undefined;
}

/** The fault in the answer to a read of `<mount>/data/<path>`; undefined if it holds the secret. */
export function readFault(answer: Answer, words: ReadWords): Fault | undefined {
  const { status, body } = answer;
  const read = { scope: 'read', status } as const;
  const common = commonFault(answer);
  // What a gateway says to one path need not be what it says to others.
  if (common)
    return { ...common, ...(common.scope === 'server' ? { otherwise: 'read' } : { scope: 'read' }) };
  if (status === 200 && isMap(at(body, 'data', 'data')) && isMap(at(body, 'data', 'metadata'))) {
    return undefined;
  }
  if ((status === 200 || status === 404) && isMap(at(body, 'data', 'metadata'))) {
    return deleted(body, status, words);
  }
  if (status === 200 || status === 204 || status === 405) return notKVv2(words.mount, status);
  if (status === 403) {
    return {
      ...read,
      reason: 'PermissionDenied',
      what: 'the login works but its policies do not allow this: grant it `read` on this path in Vault',
    };
  }
  if (status === 404) return notFound(answer, words);
  if (status >= 500) return serverFault(answer, 'read');
  return {
    ...read,
    reason: 'Unreachable',
    what: "Vault answered with an error that Fairlead does not know for a read: see Vault's log",
  };
}

/** What `sys/internal/ui/mounts` says of a mount that is not KV version 2. */
export interface FoundMount {
  readonly mount: string;
  readonly type: string;
  readonly version?: string | undefined;
}

/** The mount exists but is not KV version 2; `found` says what it is, if Vault told. */
export function notKVv2(mount: string, status: number, found?: FoundMount): Fault {
  return {
    reason: 'NotKVv2',
    scope: 'read',
    status,
    what: `${found ? describe(found) : `${quote(mount)} is not the mount of a KV version 2 engine`}: use the API path <mount>/data/<path> of one in spec.path`,
  };
}

function describe({ mount, type, version }: FoundMount): string {
  if (type !== 'kv' && type !== 'generic')
    return `${quote(mount)} is a secrets engine of type ${quote(type)}, not KV`;
  return version === '2'
    ? `${quote(mount)} is a KV version 2 engine, but what follows it is not data/<path>`
    : `${quote(mount)} is a KV version 1 engine, which has no versions (to change it: vault kv enable-versioning ${mount})`;
}

function deleted(body: Json | undefined, status: number, { version }: ReadWords): Fault {
  const which =
    version === undefined ? 'the latest version of the secret' : `version ${version} of the secret`;
  const fix = version === undefined ? 'write a new version' : 'use another version';
  const isDestroyed = at(body, 'data', 'metadata', 'destroyed') === true;
  return {
    reason: isDestroyed ? 'SourceDestroyed' : 'SourceDeleted',
    scope: 'read',
    status,
    what: isDestroyed ? `${which} is destroyed: ${fix}` : `${which} is deleted: undelete it, or ${fix}`,
  };
}

/** The secret is there, but not in this version. */
export function versionNotFound(version: number, status: number): Fault {
  return {
    reason: 'VersionNotFound',
    scope: 'read',
    status,
    what: `the secret has no version ${version}, or has it no longer: correct secret.version`,
  };
}

/** 404 has three shapes: `errors` is empty, `errors` says why, or an empty envelope with warnings. */
function notFound({ status, body }: Answer, { mount, namespace }: ReadWords): Fault {
  const errors = errorsOf(body);
  if (errors === undefined) return notKVv2(mount, status);
  const read = { scope: 'read', status } as const;
  if (errors.length === 0) {
    return {
      ...read,
      reason: 'PathNotFound',
      what: 'there is no secret at this path: correct the path, or write the secret',
    };
  }
  // Only the word tells these two apart; without it the message names both.
  if (namespace !== undefined && errors.some((text) => /namespace/i.test(text))) {
    return { ...namespaceNotFound(status), scope: 'read' };
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
    what: 'Vault has no such namespace: correct spec.namespace or spec.auth.namespace',
  };
}

/** An internal error of a read may be of this path alone: it must not stop the others. */
export function serverFault({ status, retryAfterMs }: Answer, scope: Fault['scope']): Fault {
  return {
    reason: 'Unreachable',
    scope,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    what: "Vault answered with an internal error: see Vault's log; Fairlead goes on by itself",
  };
}

/** The texts of an answer that is an error of Vault's own; undefined if it is none. */
export function errorsOf(body: Json | undefined): readonly string[] | undefined {
  const errors = at(body, 'errors');
  return Array.isArray(errors) ? errors.filter((item) => typeof item === 'string') : undefined;
}

/** Not from a caller of ours: a mount or a type as a server tells it is cut and escaped. */
function quote(mount: string): string {
  return JSON.stringify(mount.length > 200 ? `${mount.slice(0, 200)}…` : mount);
}
