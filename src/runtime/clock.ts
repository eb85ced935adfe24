import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

export type Cancel = () => void;

/** Time as a dependency, so that tests can turn it by hand. */
export interface Clock {
  /** Monotonic milliseconds: for durations. Goes on while the process is stopped. */
  now(): number;
  /** The date: for what people and the API server read. */
  wall(): Date;
  /**
   * Calls `fn` once after `ms` milliseconds, unless the Cancel is called before. It is no part of what set it off: the
   * renewal of a token is not logged, or traced, as work for the pod that needed the token first.
   */
  setTimeout(fn: () => void, ms: number): Cancel;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where nothing is going on: this module was loaded there. */
const outside = AsyncLocalStorage.snapshot();

/** Node turns longer times than this (25 days) into 1 ms. */
const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  setTimeout: (fn, ms) => {
    const timer = setTimeout(() => outside(fn), Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
  sleep: async (ms, signal) => {
    try {
      await sleep(Math.min(ms, MAX_TIMER_MS), undefined, { signal });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};
