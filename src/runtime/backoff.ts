export interface Backoff {
  /** Milliseconds before the first try again. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** A server may not make us wait longer than this. */
export const MAX_RETRY_AFTER_MS = 300_000;

/**
 * Milliseconds to wait before try `attempt` (1 is the first one again): doubled each time up to the cap, then
 * spread over the upper half of that, so that a thousand waiters do not come back at once.
 */
export function backoffMs(attempt: number, { baseMs, capMs }: Backoff, random: () => number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30));
  return full * (0.5 + random() / 2);
}

/** How long whoever answered asked us to wait, if `error` says so in `retryAfterMs`; at most 5 minutes. */
export function retryAfterMs(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { retryAfterMs: asked } = error as { retryAfterMs?: unknown };
  if (typeof asked !== 'number' || !Number.isFinite(asked)) return undefined;
  return Math.min(Math.max(0, asked), MAX_RETRY_AFTER_MS);
}
