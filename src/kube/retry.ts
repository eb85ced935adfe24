import { KubeError, MAX_RETRY_AFTER_MS } from './errors.ts';

export interface RetryPolicy {
  /** Milliseconds before the first try again. */
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * How long to wait before try `attempt` (1 is the first one again): doubled each time up to the cap, then spread
 * over its upper half so that a thousand clients do not come back at once; never sooner than the server asked.
 */
export function retryDelay(
  error: unknown,
  attempt: number,
  { baseMs, capMs }: RetryPolicy,
  random: () => number,
): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(full * (0.5 + random() / 2), Math.min(asked, MAX_RETRY_AFTER_MS));
}
