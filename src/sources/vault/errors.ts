import { LIMITS } from '../../api/names.ts';
import type { Reason } from '../../api/reasons.ts';
import type { SourceFailure } from '../source.ts';
import { ADDRESS_REFUSED } from './address.ts';

/** What went wrong with one request, in words that may stand in a status: no value, no token, no time. */
export interface Fault {
  readonly reason: Reason;
  /** Who fails alike: whatever uses the same server, whatever uses the same login, or only this path. */
  readonly scope: 'server' | 'connection' | 'read';
  /** Who fails if the scope is `server` but the server says that it is well. */
  readonly otherwise?: 'connection' | 'read' | undefined;
  /** What is wrong and what to do. */
  readonly what: string;
  /** `POST /v1/auth/approle/login`; absent when it was the read of the path. */
  readonly request?: string | undefined;
  readonly status?: number;
  /** How long the server wants to be left alone, or how long Fairlead leaves it alone. */
  readonly retryAfterMs?: number;
}

/** How an integration logs in is not the business of those who use it: they are told no more than that it fails. */
export const LOGIN_REASONS: readonly Reason[] = ['CredentialsMissing', 'CredentialsRefused', 'LoginFailed'];

/** The only error of this room. `cause` is at most the code of an error: the errors of libraries quote requests. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: Reason;
  readonly fault: Fault;

  constructor(fault: Fault, cause?: string) {
    super(fault.what, cause === undefined ? undefined : { cause });
    this.code = fault.reason;
    this.fault = fault;
  }
}

export const CLOSED: Fault = {
  reason: 'Unreachable',
  scope: 'connection',
  what: 'the connection was closed because the integration changed or Fairlead stops',
};

/** As much of a target as a message names. */
export interface Described {
  readonly origin: string;
  readonly namespace?: string | undefined;
  readonly loginNamespace?: string | undefined;
  readonly apiPath: string;
  readonly location: string;
  /** Login methods that could not even be tried. */
  readonly unusable?: readonly { readonly method: string; readonly message: string }[] | undefined;
}

/** A fault as the answer to whoever asked for the path of this target. */
export function failure(target: Described, fault: Fault, retryAfterMs?: number): SourceFailure {
  return {
    kind: 'failed',
    location: target.location,
    reason: fault.reason,
    message: explain(target, fault),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** `<what is wrong and what to do> (GET https://host/v1/secret/data/app answered HTTP 403)`, at most 1 KiB. */
export function explain(target: Described, { reason, what, request, status }: Fault): string {
  const isLogin = reason === 'CredentialsRefused' || reason === 'LoginFailed';
  const others = isLogin ? (target.unusable ?? []).map((one) => `; ${one.method}: ${one.message}`) : [];
  const answered = status === undefined ? '' : ` answered HTTP ${status}`;
  return bound(`${what}${others.join('')} (${whichRequest(target, request)}${answered})`);
}

/** What is not the read of the path belongs to the login; what has no path of Vault's was asked of the API server. */
function whichRequest({ origin, namespace, loginNamespace, apiPath }: Described, request?: string): string {
  const [method = 'GET', path = `/v1/${apiPath}`] = request?.split(' ') ?? [];
  if (!path.startsWith('/')) return `${method} ${path}`;
  const where = request === undefined ? namespace : loginNamespace;
  return `${method} ${origin}${path}${where === undefined ? '' : ` in namespace ${where}`}`;
}

/** Cut at a character. What is wrong stands first, so that only the end of a very long path is lost. */
function bound(message: string): string {
  if (Buffer.byteLength(message) <= LIMITS.messageBytes) return message;
  const room = LIMITS.messageBytes - Buffer.byteLength('…)');
  const kept = Buffer.from(message).subarray(0, room);
  return `${new TextDecoder().decode(kept, { stream: true })}…)`;
}

/** OpenSSL's and Node's codes for a certificate that does not pass. */
const CERTIFICATE =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|CRL_)/;

const CERTIFICATE_WORDS = new Map([
  ['CERT_HAS_EXPIRED', 'the certificate of Vault, or of its CA, has expired: renew it'],
  ['CERT_NOT_YET_VALID', 'the certificate of Vault is not valid yet: check the clocks'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'the certificate of Vault is not for this host: use a name that it is for in spec.host',
  ],
]);

const UNTRUSTED =
  'the certificate of Vault is not signed by a CA that is trusted: put its CA into spec.tls (caBundle, caSecretRef or caConfigMapRef)';

/** Alerts by which a server says that it does not like the client's certificate, or that there is none. */
const CLIENT_CERTIFICATE =
  /^ERR_SSL_.*_ALERT_(HANDSHAKE_FAILURE|UNKNOWN_CA|ACCESS_DENIED|CERTIFICATE_\w+|\w+_CERTIFICATE)$/;

const UNWELCOME =
  'the server refuses the TLS connection, perhaps since it wants a client certificate of a CA that it trusts: check spec.tls.clientCertSecretRef';

const NETWORK_WORDS = new Map([
  ['ENOTFOUND', 'the name of the host does not resolve: check spec.host and DNS'],
  ['EAI_AGAIN', 'DNS does not answer for the name of the host: check spec.host and DNS'],
  ['ECONNREFUSED', 'the connection is refused: check spec.host and that Vault runs'],
  ['EHOSTUNREACH', 'there is no route to the host: check spec.host and network policies'],
  ['ENETUNREACH', 'there is no route to the host: check spec.host and network policies'],
  ['ETIMEDOUT', 'the connection timed out: check spec.host and network policies'],
  ['UND_ERR_CONNECT_TIMEOUT', 'the connection timed out: check spec.host and network policies'],
  [
    ADDRESS_REFUSED,
    'the host resolves only to loopback, link-local, multicast or metadata addresses, which Fairlead does not connect to: correct spec.host, or have the operator list it in --vault-hosts',
  ],
]);

const NO_TLS = 'the server does not speak TLS on this port: check the scheme and the port in spec.host';
const BROKEN = 'the connection broke before the answer was complete: check Vault and what is in front of it';
/** In TLS 1.3 a server that misses a client certificate says so after the handshake, and undici hears only the end. */
const BROKEN_TLS = `${BROKEN}, and spec.tls.clientCertSecretRef if it wants client certificates`;

/** A fault from the error that undici, Node's sockets or OpenSSL gave: only its code is looked at. */
export function networkFault(code: string, request: string, isTls = false): Fault {
  const tls = tlsWords(code);
  if (tls !== undefined) return { reason: 'TLSVerificationFailed', scope: 'server', request, what: tls };
  const what =
    NETWORK_WORDS.get(code) ?? (/^(ERR_SSL_|EPROTO$)/.test(code) ? NO_TLS : isTls ? BROKEN_TLS : BROKEN);
  return { reason: 'Unreachable', scope: 'server', request, what };
}

function tlsWords(code: string): string | undefined {
  if (CERTIFICATE.test(code)) return CERTIFICATE_WORDS.get(code) ?? UNTRUSTED;
  return CLIENT_CERTIFICATE.test(code) ? UNWELCOME : undefined;
}

/** The code of whatever was thrown, of its cause, or of the first of several; never its message. */
export function codeOf(error: unknown): string {
  for (let next = error, depth = 0; typeof next === 'object' && next !== null && depth < 4; depth += 1) {
    const { code, cause, errors } = next as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_/]*$/.test(code) && code !== 'UND_ERR') return code;
    next = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return 'UNKNOWN';
}
