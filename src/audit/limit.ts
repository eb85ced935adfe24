import { TokenBucket } from '../kube/token-bucket.ts';
import type { LeftOutWhy } from './record.ts';

/** In a burst, and then one in so many milliseconds: at most 9,000 lines a day of one namespace. */
const BURST = 120;
const REFILL_MS = 10_000;

/**
 * security: how many refusals each namespace may have in the file, since whoever can create pods can have as many
 * refused as they like, and the rotation would push out everything else.
 */
export class RefusalLimit {
  readonly #buckets = new Map<string, TokenBucket>();

  /** True if there is room for one more of this namespace. */
  admit(namespace: string, now: number): boolean {
    const bucket = this.#buckets.get(namespace) ?? new TokenBucket(BURST, REFILL_MS, now);
    this.#buckets.set(namespace, bucket);
    return bucket.take(now);
  }

  /** Forgets those that have not asked for as long as it takes to fill up again. */
  sweep(now: number): void {
    for (const [namespace, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(namespace);
  }
}

export interface LeftOut {
  readonly namespace: string;
  readonly why: LeftOutWhy;
  readonly count: number;
}

/** What is not in the file, counted until a line can say so: nothing is left out silently. */
export class LeftOutCounts {
  readonly #counts = new Map<string, LeftOut>();

  add(namespace: string, why: LeftOutWhy, count = 1): void {
    const key = `${why} ${namespace}`;
    this.#counts.set(key, { namespace, why, count: (this.#counts.get(key)?.count ?? 0) + count });
  }

  all(): readonly LeftOut[] {
    return [...this.#counts.values()];
  }

  /** These were told; what was added since stays. */
  told(lines: readonly LeftOut[]): void {
    for (const { namespace, why, count } of lines) {
      const key = `${why} ${namespace}`;
      const rest = (this.#counts.get(key)?.count ?? 0) - count;
      if (rest > 0) this.#counts.set(key, { namespace, why, count: rest });
      else this.#counts.delete(key);
    }
  }
}
