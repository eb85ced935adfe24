import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Resource } from './objects.ts';

/** May this user do this? Everything that the answer depends on. */
export interface AccessQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  /** As the API server has it of people; ServiceAccounts' reviews do without. */
  readonly uid?: string | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  /** Absent: all of them, as for list and create. */
  readonly name?: string | undefined;
}

export interface AskedWhen {
  /** The answer must come from a request that started at this moment or later; monotonic milliseconds. */
  readonly notBefore: number;
  readonly signal: AbortSignal;
}

interface Review {
  readonly startedAt: number;
  readonly allowed: Promise<boolean>;
}

const REVIEWS: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  namespaced: false,
};
/** Long enough for a burst and for the second look of a pass; short, since rights that are taken away must not last. */
const KEEP_MS = 2_000;

/**
 * SubjectAccessReviews for many who ask the same at once. An answer serves whoever came before its request started,
 * and for 2 seconds at most. Errors are told to those who wait for them and are not kept.
 */
export class AccessReviews {
  readonly #client: Pick<KubeClient, 'create'>;
  readonly #clock: Clock;
  readonly #reviews = new Map<string, Review>();

  constructor(client: Pick<KubeClient, 'create'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Rejects with KubeError, or the signal's reason: no answer is no permission. */
  async allowed(question: AccessQuestion, { notBefore, signal }: AskedWhen): Promise<boolean> {
    signal.throwIfAborted();
    const { user, groups, uid = '', extra = {}, verb, group, resource, namespace = '', name = '' } = question;
    // security: the whole identity; an authorizer may decide by any part of it.
    const key = JSON.stringify([user, groups, uid, extra, verb, group, resource, namespace, name]);
    const known = this.#reviews.get(key);
    const review = known && known.startedAt >= notBefore ? known : this.#start(key, question);
    return review.allowed;
  }

  /** Not with the caller's signal: others wait for the same answer. The client has a time limit of its own. */
  #start(key: string, { user, groups, uid, extra, ...resourceAttributes }: AccessQuestion): Review {
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, groups, ...(uid && { uid }), ...(extra && { extra }), resourceAttributes },
    };
    const allowed = this.#client
      .create<ReviewAnswer>(REVIEWS, body)
      .then(({ status }) => status?.allowed === true && status.denied !== true);
    const review: Review = { startedAt: this.#clock.now(), allowed };
    this.#reviews.set(key, review);
    const forget = () => {
      if (this.#reviews.get(key) === review) this.#reviews.delete(key);
    };
    allowed.then(() => this.#clock.setTimeout(forget, KEEP_MS), forget);
    return review;
  }
}

interface ReviewAnswer {
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

/** Who a ServiceAccount is to the API server. */
export function serviceAccountUser(
  namespace: string,
  name: string,
): { readonly user: string; readonly groups: readonly string[] } {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}
