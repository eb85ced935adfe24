import { RecentMap, TokenBucket } from '../../kube/token-bucket.ts';

/** So many intents that came to nothing at once, and then one round of them in so many milliseconds. */
const BURST = 120;
const REFILL_MS = 10_000;
const MAX_NAMESPACES = 10_000;

interface Share {
  readonly bucket: TokenBucket;
  until: number;
}

/**
 * security: whoever makes a quota that leaves no room for Secrets, and pods without end, has an intent written for each
 * of them. A namespace whose deliveries keep being refused pauses, and the pods of it wait before anything is written.
 */
export class Refusals {
  readonly #shares = new RecentMap<Share>(MAX_NAMESPACES);

  /** An intent was written for nothing. */
  refused(namespace: string, now: number): void {
    const share = this.#shares.get(namespace) ?? {
      bucket: new TokenBucket(BURST, REFILL_MS, now),
      until: now,
    };
    if (!share.bucket.take(now)) share.until = now + REFILL_MS;
    this.#shares.set(namespace, share);
  }

  /** For how many milliseconds no new intent is written; 0 if one may be. */
  pauseOf(namespace: string, now: number): number {
    return Math.max(0, (this.#shares.get(namespace)?.until ?? 0) - now);
  }
}
