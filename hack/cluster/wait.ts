import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './errors.ts';

export interface WaitOptions {
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Added to the time-out's message: usually the tail of a log. */
  readonly detail?: () => string;
}

/**
 * Polls until `probe` answers something other than undefined or false. A probe that throws a ClusterError ends
 * the wait; any other error counts as "not yet" and becomes the cause when time is up.
 */
export async function until<T>(
  options: WaitOptions,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    throwIfAborted(options.signal, options.what);
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof ClusterError && error.code !== 'HTTP') throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      const why = last instanceof Error ? ` (last: ${last.message})` : '';
      const seconds = Math.round(options.timeoutMs / 1000);
      const detail = options.detail ? `\n${options.detail()}` : '';
      throw new ClusterError('TIMEOUT', `${options.what}: not after ${seconds} s${why}${detail}`, last);
    }
    await delay(options.intervalMs ?? 50);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new ClusterError('ABORTED', `${what}: aborted`, signal.reason);
}
