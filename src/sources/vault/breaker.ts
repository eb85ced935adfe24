import type { Fault } from './errors.ts';
import type { Attempt } from './requests.ts';

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** While a new try is on its way, nobody needs to ask again soon: if it succeeds, all are told. */
const TRIAL_MS = 5_000;
/** A little over a second for each request: under one a second however many a try needs. */
const PAUSE_PER_REQUEST_MS = 1_100;

/** A failure that is remembered, and how long until asking again can make a difference. */
export interface Held {
  readonly fault: Fault;
  readonly retryAfterMs: number;
}

export interface FailOptions {
  /** Of the credentials. */
  readonly revision?: string | undefined;
  /** Gives the pause, instead of one that grows by itself. */
  readonly pause?: (() => number) | undefined;
}

/**
 * Remembers a failure and lets one try through at a time, at growing intervals. Whoever comes in between gets the
 * remembered failure at once.
 */
export class Breaker {
  readonly #random: () => number;
  #failed: { fault: Fault; at: number; until: number; count: number; revision: string } | undefined;
  /** The one try that was let through although the last one failed. */
  #trial: Attempt | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  get isFailing(): boolean {
    return this.#failed !== undefined;
  }

  /** What holds a request back now, if anything. A new revision of the credentials is worth a try at once. */
  held(now: number, revision = ''): Held | undefined {
    const failed = this.#failed;
    if (failed?.revision !== revision) return undefined;
    if (now < failed.until) return { fault: failed.fault, retryAfterMs: failed.until - now };
    return this.#trial ? { fault: failed.fault, retryAfterMs: TRIAL_MS } : undefined;
  }

  /** A try begins. */
  begin(attempt: Attempt, revision = ''): void {
    if (!this.#failed) return;
    this.#trial = attempt;
    this.#failed.revision = revision;
  }

  /**
   * The try is over; says how long the next one has to wait.
   */
  fail(
    fault: Fault,
    attempt: Attempt,
    now: number,
    { revision = '', pause: given }: FailOptions = {},
  ): number {
    this.end(attempt);
    const known = this.#failed;
    // Ten reads that fail together are one failure.
    if (known && attempt.startedAt < known.at) return Math.max(known.until - now, 0);
    const count = (known?.count ?? 0) + 1;
    const pause = Math.max(
      given?.() ?? pauseAfter(count, this.#random),
      fault.retryAfterMs ?? 0,
      attempt.requests * PAUSE_PER_REQUEST_MS,
    );
    this.#failed = { fault, at: now, until: now + pause, count, revision };
    return pause;
  }

  /** A try went well. True if there was a failure before. */
  succeed(): boolean {
    this.#trial = undefined;
    const recovered = this.isFailing;
    this.#failed = undefined;
    return recovered;
  }

  /** The try is over, whatever it said. */
  end(attempt: Attempt): void {
    if (this.#trial === attempt) this.#trial = undefined;
  }

  /** What made it fail seems to be over: the next one may try at once. */
  release(now: number): void {
    if (this.#failed) this.#failed.until = now;
  }
}

/**
 * By chance between nothing and a limit that doubles up to a minute, so that those who failed together do not come
 * back together.
 */
function pauseAfter(failures: number, random: () => number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS);
  return full * random();
}
