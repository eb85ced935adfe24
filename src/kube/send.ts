import type { Dispatcher } from 'undici';
import { KubeError, transportError } from './errors.ts';

export interface Outgoing {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
}

export interface SendOptions {
  /** Names the request in errors: `PATCH pods team-a/x`. */
  readonly call: string;
  /** Milliseconds for the whole exchange; for a stream until its headers. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked at the last moment, when a connection is there to write to; an error keeps it from being sent. */
  readonly refusal?: (() => KubeError | undefined) | undefined;
}

export interface Incoming {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** What becomes of the answer's bytes. */
interface Receiver {
  /** The headers are here. */
  started(incoming: Incoming): void;
  chunk(bytes: Buffer): void;
  ended(): void;
  failed(error: KubeError): void;
}

/** The body of an answer, whole. */
export interface WholeAnswer extends Incoming {
  readonly body: Buffer;
}

/**
 * One exchange on one connection. undici's own `request` makes a stream, a promise and an AbortSignal for each
 * answer; its dispatch does not, and the gate controller sends thousands at once. Rejects with a KubeError;
 * a time-out or an abort also closes the connection, since nobody knows what it is still good for.
 */
export async function send(
  dispatcher: Dispatcher,
  outgoing: Outgoing,
  options: SendOptions,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let incoming: Incoming = { status: 0, retryAfter: undefined };
    exchange(dispatcher, outgoing, options, {
      started: (headers) => {
        incoming = headers;
        return true;
      },
      chunk: (bytes) => void chunks.push(bytes),
      ended: () => {
        const [only = Buffer.alloc(0)] = chunks;
        resolve({ ...incoming, body: chunks.length > 1 ? Buffer.concat(chunks) : only });
      },
      failed: reject,
    });
  });
}

export interface Exchange {
  /** Ends it, and its connection, now. */
  close(error: KubeError): void;
  /** The headers came in time: from here on only `close` and the signal end it. */
  stopTimer(): void;
  pause(): void;
  resume(): void;
}

/** Sends, and tells `receiver` what comes back; exactly one of `ended` and `failed` is the last call. */
export function exchange(
  dispatcher: Dispatcher,
  { origin, path, method, headers, body }: Outgoing,
  { call, timeoutMs, signal, refusal }: SendOptions,
  receiver: Receiver,
): Exchange {
  let controller: Dispatcher.DispatchController | undefined;
  let over = false;
  const finish = (): boolean => {
    if (over) return false;
    over = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    return true;
  };
  const fail = (error: KubeError): void => {
    if (!finish()) return;
    // Without a controller it still waits for a connection; it is stopped when it gets one.
    controller?.abort(error);
    receiver.failed(error);
  };
  const onAbort = (): void => fail(new KubeError({ code: 'Aborted', message: `${call}: aborted` }));
  const timer = setTimeout(
    () => fail(new KubeError({ code: 'Timeout', message: `${call}: no answer after ${timeoutMs} ms` })),
    timeoutMs,
  );
  const handle: Exchange = {
    close: fail,
    stopTimer: () => clearTimeout(timer),
    pause: () => controller?.pause(),
    resume: () => controller?.resume(),
  };
  if (signal?.aborted) {
    onAbort();
    return handle;
  }
  signal?.addEventListener('abort', onAbort, { once: true });
  dispatcher.dispatch(
    { origin, path, method, headers: headers as Record<string, string | string[]>, body: body ?? null },
    {
      onRequestStart: (started) => {
        controller = started;
        // A throw here ends the request and leaves the connection, to which nothing was written, as it is.
        const refused = over ? new KubeError({ code: 'Aborted', message: `${call}: aborted` }) : refusal?.();
        if (refused) throw refused;
      },
      onResponseStart: (_, statusCode, answer) => {
        if (over || statusCode < 200) return;
        const after = answer['retry-after'];
        receiver.started({ status: statusCode, retryAfter: typeof after === 'string' ? after : undefined });
      },
      onResponseData: (_, bytes) => {
        if (!over) receiver.chunk(bytes);
      },
      onResponseEnd: () => {
        if (finish()) receiver.ended();
      },
      onResponseError: (_, error) => {
        if (finish()) receiver.failed(transportError(call, error));
      },
    },
  );
  return handle;
}
