/** The part of a clock that sources need; `runtime/clock.ts` fits it. */
export interface SourceClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `fn` once after `ms`; the answer cancels it. */
  setTimeout(fn: () => void, ms: number): () => void;
}
