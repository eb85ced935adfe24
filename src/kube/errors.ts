/** What went wrong with a call to the API server; one word for each way of handling it. */
export type KubeErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Gone'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'ServerError'
  | 'BadResponse'
  | 'Timeout'
  | 'Unreachable'
  | 'Aborted'
  /** No usable kubeconfig or ServiceAccount. */
  | 'BadConfig'
  /** This replica does not lead (any more); see lease.ts. */
  | 'LeaseLost';

/** A server may not make us wait longer than this. */
export const MAX_RETRY_AFTER_MS = 300_000;
const MAX_SERVER_MESSAGE = 1024;

export interface KubeErrorFacts {
  readonly code: KubeErrorCode;
  /** Stable text of ours: never a body, a header or a query. */
  readonly message: string;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly serverMessage?: string | undefined;
  /** The code of the error underneath (`ECONNREFUSED`), never that error itself: it could print its input. */
  readonly cause?: string | undefined;
}

/** Every error of this room. `message` and all that an inspector prints are safe to log. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** HTTP status, if there was an answer. */
  readonly status?: number;
  /** `reason` of the server's Status, such as `AlreadyExists`. */
  readonly reason?: string;
  /** How long the server asked us to wait, at most 5 minutes. */
  readonly retryAfterMs?: number;
  readonly #serverMessage: string | undefined;

  constructor(facts: KubeErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    if (facts.status !== undefined) this.status = facts.status;
    if (facts.reason !== undefined) this.reason = facts.reason;
    if (facts.retryAfterMs !== undefined)
      this.retryAfterMs = Math.min(Math.max(0, facts.retryAfterMs), MAX_RETRY_AFTER_MS);
    this.#serverMessage = facts.serverMessage;
  }

  /**
   * What the server said, at most 1 KiB. It can quote the request (a webhook's words, a validation), so no
   * logger, inspector or JSON sees it; show it only after picking out what is known to be harmless.
   */
  get serverMessage(): string | undefined {
    return this.#serverMessage;
  }
}

/** For `catch`: what is not there is nothing; everything else is thrown again. */
export function absent(error: unknown): undefined {
  if (error instanceof KubeError && error.code === 'NotFound') return undefined;
  throw error;
}

/** metav1.Status, as far as it is used here. */
export interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** The error for an answer that is no success. `call` names the request: `PATCH pods team-a/x`. */
export function answerError(call: string, httpStatus: number, body: unknown, retryAfter?: string): KubeError {
  const status = isStatus(body) ? body : {};
  const reason = safeWord(status.reason);
  const code = codeOfStatus(httpStatus, reason);
  return new KubeError({
    code,
    message: `${call}: ${httpStatus} ${reason ?? code}`,
    status: httpStatus,
    reason,
    retryAfterMs: retryAfterMs(retryAfter, status.details?.retryAfterSeconds),
    serverMessage: typeof status.message === 'string' ? cut(status.message, MAX_SERVER_MESSAGE) : undefined,
  });
}

/** The error for a request that got no answer. Only the code of `error` is kept. */
export function transportError(call: string, error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  const cause = codeOf(error);
  const timedOut = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'].includes(cause);
  return new KubeError({
    code: timedOut ? 'Timeout' : 'Unreachable',
    message: `${call}: no answer (${cause})`,
    cause,
  });
}

/** A word that is safe to log for whatever was thrown: its code, else its class; never its message. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'Unknown';
  const { code, name } = error as { code?: unknown; name?: unknown };
  return safeWord(code) ?? safeWord(name) ?? 'Unknown';
}

/** `Retry-After` in milliseconds, from the header (seconds or a date) or the Status. */
function retryAfterMs(header: string | undefined, seconds: unknown): number | undefined {
  if (header !== undefined) {
    const parsed = Number(header);
    const ms = Number.isFinite(parsed) ? parsed * 1000 : Date.parse(header) - Date.now();
    if (Number.isFinite(ms)) return ms;
  }
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}

function codeOfStatus(status: number, reason: string | undefined): KubeErrorCode {
  switch (status) {
    case 400:
      return 'BadRequest';
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Gone';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    default:
      if (status >= 500) return 'ServerError';
      return status >= 400 ? 'BadRequest' : 'BadResponse';
  }
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && (body as Status).kind === 'Status';
}

/** Reasons and codes are single words; anything else could be a sentence that quotes something. */
function safeWord(word: unknown): string | undefined {
  return typeof word === 'string' && /^[A-Za-z]\w{0,63}$/.test(word) ? word : undefined;
}

/** At most `maxBytes` of UTF-8, cut between code points, with an ellipsis if something was left out. */
export function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes - 3));
  return `${text.slice(0, read)}…`;
}
