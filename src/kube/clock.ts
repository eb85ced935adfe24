/** The time that this room needs; runtime/clock.ts has the real one, test/support/fake-clock.ts the tests'. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  wall(): Date;
  /** Calls `fn` once after `ms` milliseconds, unless what it returns is called before. */
  setTimeout(fn: () => void, ms: number): () => void;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
