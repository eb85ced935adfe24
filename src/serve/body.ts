import type { IncomingMessage } from 'node:http';

/** Why a request's body was not read: a status and a fixed text that quotes nothing of it. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 415 | 503;
  readonly message: string;
}

export type Body =
  | { readonly kind: 'json'; readonly value: unknown }
  | ({ readonly kind: 'refused' } & Refusal)
  /** The client went away: there is nobody to answer. */
  | { readonly kind: 'gone' };

/** Bytes that may be buffered at the same time, over all requests, so that nobody can fill the memory. */
export interface ByteBudget {
  left: number;
}

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

/**
 * Reads a JSON body of at most `limit` bytes. A body that is too long is answered at once; Node discards the rest
 * of it, so that the client can read the answer before it has sent everything. Never rejects.
 */
export async function readJson(
  request: IncomingMessage,
  limit: number,
  budget: ByteBudget,
  signal: AbortSignal,
): Promise<Body> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    return refused(415, 'the content type must be application/json');
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    return refused(415, 'the body must not be encoded');
  if (Number(request.headers['content-length'] ?? 0) > limit) return refused(413, 'the body is too large');

  const taken = { bytes: 0 };
  try {
    const chunks = await collect(request, limit, budget, taken, signal);
    return Array.isArray(chunks) ? parse(Buffer.concat(chunks)) : chunks;
  } finally {
    budget.left += taken.bytes;
  }
}

function collect(
  request: IncomingMessage,
  limit: number,
  budget: ByteBudget,
  taken: { bytes: number },
  signal: AbortSignal,
): Promise<Buffer[] | Exclude<Body, { kind: 'json' }>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (result: Buffer[] | Exclude<Body, { kind: 'json' }>) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      request.resume();
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      taken.bytes += chunk.length;
      budget.left -= chunk.length;
      chunks.push(chunk);
      if (taken.bytes > limit) finish(refused(413, 'the body is too large'));
      else if (budget.left < 0) finish(refused(503, 'too many requests at the same time'));
    };
    const onEnd = () => finish(chunks);
    const onClose = () => finish({ kind: 'gone' });
    const onAbort = () => finish(refused(408, 'the body did not arrive in time'));
    request.on('data', onData).on('end', onEnd).on('close', onClose);
    // Without a listener, a connection that breaks off would be an uncaught error; close says the same.
    request.on('error', () => {});
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

function parse(bytes: Buffer): Body {
  try {
    return { kind: 'json', value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    // The parser's message quotes its input.
    return refused(400, 'the body is not JSON');
  }
}

function refused(status: Refusal['status'], message: string): { kind: 'refused' } & Refusal {
  return { kind: 'refused', status, message };
}
