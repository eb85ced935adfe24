import type { Caller } from '../aggregation/resource.ts';
import type { AccessQuestion, AccessReviews } from '../kube/access-review.ts';
import type { Clock } from '../runtime/clock.ts';

export interface RightsDependencies {
  readonly reviews: Pick<AccessReviews, 'allowed'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What somebody wants to do: a question without who asks it. */
export type Attributes = Pick<AccessQuestion, 'verb' | 'group' | 'resource' | 'namespace' | 'name'>;

/** A right that was taken away is gone after that long. */
const FRESH_MS = 2_000;

/** Asks the API server with the caller's whole identity. Rejects with KubeError: no answer is no permission. */
export async function may(
  { user, uid, groups, extra }: Caller,
  attributes: Attributes,
  signal: AbortSignal,
  { reviews, clock }: RightsDependencies,
): Promise<boolean> {
  const notBefore = clock.now() - FRESH_MS;
  return reviews.allowed({ user, uid, groups, extra, ...attributes }, { notBefore, signal });
}
