import type { Dispatcher } from 'undici';
import { answerError, KubeError } from './errors.ts';
import { exchange, type Outgoing, type SendOptions } from './send.ts';

/** The bytes of an answer that goes on, such as a watch. */
export interface ByteStream extends AsyncIterable<Buffer> {
  /** Ends the stream and closes its connection; whoever iterates gets `error`, or just the end without one. */
  close(error?: KubeError): void;
}

const MAX_ERROR_BODY = 65_536;
/** Bytes that may wait for a slow reader before the connection is told to pause. */
const HIGH_WATER = 1_048_576;

/**
 * Resolves when the headers are here; rejects with a KubeError if they are not those of a success, or do not
 * come within `timeoutMs`. Iterating rejects with a KubeError when the connection breaks.
 */
export async function openStream(
  dispatcher: Dispatcher,
  outgoing: Outgoing,
  options: SendOptions,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const queue = new ByteQueue();
    let refused: { status: number; retryAfter: string | undefined; chunks: Buffer[] } | undefined;
    let size = 0;
    const connection = exchange(dispatcher, outgoing, options, {
      started: ({ status, retryAfter }) => {
        if (status >= 200 && status < 300) {
          connection.stopTimer();
          queue.onDrained = () => connection.resume();
          resolve({
            close: (error) => {
              if (error === undefined) queue.end();
              connection.close(
                error ?? new KubeError({ code: 'Aborted', message: `${options.call}: closed` }),
              );
            },
            [Symbol.asyncIterator]: () => queue,
          });
        } else refused = { status, retryAfter, chunks: [] };
      },
      chunk: (bytes) => {
        if (refused === undefined) {
          if (queue.push(bytes) > HIGH_WATER) connection.pause();
        } else if ((size += bytes.length) <= MAX_ERROR_BODY) refused.chunks.push(bytes);
      },
      ended: () => {
        if (refused === undefined) queue.end();
        else reject(refusal(options.call, refused));
      },
      failed: (error) => {
        queue.fail(error);
        reject(error);
      },
    });
  });
}

function refusal(
  call: string,
  { status, retryAfter, chunks }: { status: number; retryAfter: string | undefined; chunks: Buffer[] },
): KubeError {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // A proxy's own page says nothing that is needed here.
  }
  return answerError(call, status, body, retryAfter);
}

/** Between a connection that pushes and a loop that pulls. */
class ByteQueue implements AsyncIterator<Buffer> {
  onDrained: (() => void) | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #error: KubeError | undefined;
  #wake: (() => void) | undefined;

  push(bytes: Buffer): number {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#notify();
    return this.#size;
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  fail(error: KubeError): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }

  /** Everything that has come since the last call, as one chunk. */
  async next(): Promise<IteratorResult<Buffer>> {
    for (;;) {
      if (this.#chunks.length > 0) {
        const [first] = this.#chunks;
        const value = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
        const full = this.#size > HIGH_WATER;
        this.#chunks = [];
        this.#size = 0;
        if (full) this.onDrained?.();
        return { done: false, value };
      }
      if (this.#error) throw this.#error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
