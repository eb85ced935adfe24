import type { Clock } from '../kube/clock.ts';
import { RecentMap, TokenBucket } from '../kube/token-bucket.ts';
import type { Caller } from './resource.ts';

export interface UserLimits {
  /** So many requests at once, */
  readonly burst: number;
  /** then one in every so many milliseconds. */
  readonly refillMs: number;
  /** Of so many users it is remembered; of others they begin anew. */
  readonly users: number;
}

export interface AdmissionLimits {
  readonly perUser: UserLimits;
  readonly concurrent: number;
  readonly concurrentPerUser: number;
}

/** Whose limit a request is over, or what to call when it has ended. */
export type Admission = (caller: Caller, isBrief?: boolean) => 'user' | 'all' | (() => void);

/**
 * Who may go on now. By the name alone: each token of a ServiceAccount comes with another `extra`, and whoever may make
 * tokens would have as many limits. `isBrief`: answered at once, and not held up by what is under way.
 */
export function admission(
  { perUser, concurrent, concurrentPerUser }: AdmissionLimits,
  clock: Clock,
): Admission {
  const { burst, refillMs, users } = perUser;
  const buckets = new RecentMap<TokenBucket>(users);
  const underWay = new Map<string, number>();
  let all = 0;
  return ({ user: key }, isBrief = false) => {
    const now = clock.now();
    const bucket = buckets.get(key) ?? new TokenBucket(burst, refillMs, now);
    buckets.set(key, bucket);
    const own = underWay.get(key) ?? 0;
    if (!bucket.take(now)) return 'user';
    if (isBrief) return () => {};
    if (own >= concurrentPerUser) return 'user';
    if (all >= concurrent) return 'all';
    all += 1;
    underWay.set(key, own + 1);
    return () => {
      all -= 1;
      const left = (underWay.get(key) ?? 1) - 1;
      if (left > 0) underWay.set(key, left);
      else underWay.delete(key);
    };
  };
}
