import type { Clock } from '../kube/clock.ts';
import type { InnerRoutes } from './inner.ts';
import type { RequestHeaderConfig } from './request-header.ts';
import type { ApiResource, Caller, Verb } from './resource.ts';
import type { GroupVersion } from './routes.ts';
import type { UserLimits } from './user-limits.ts';

/** What somebody asked for and was not given; without a caller nobody knows who it was. */
export interface Refused {
  readonly caller?: Caller | undefined;
  readonly verb?: Verb | undefined;
  /** The plural of the resource. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** NotFound: a path below the version that leads nowhere. */
  readonly reason:
    'Unauthorized' | 'Forbidden' | 'TooManyRequests' | 'BadRequest' | 'RequestEntityTooLarge' | 'NotFound';
  readonly message: string;
}

export interface ApiOptions extends GroupVersion {
  readonly clock: Clock;
  readonly resources: readonly ApiResource[];
  /** POST /apis/<group>/<version>/<name>, for kube-apiserver itself. */
  readonly inner?: InnerRoutes;
  /** Whose word about users counts; undefined: nobody's. */
  readonly requestHeader: () => RequestHeaderConfig | undefined;
  /** Rejects if it cannot be found out. */
  readonly allowed: (question: AccessQuestion, signal: AbortSignal) => Promise<boolean>;
  /** Why nothing but documents can be served now. */
  readonly unavailable: () => string | undefined;
  readonly onError: (problem: ApiProblem) => void;
  readonly onRefused?: (refused: Refused) => void;
  readonly onRequest?: (sample: RequestSample) => void;
  readonly limits?: Partial<typeof LIMITS>;
}

export interface AccessQuestion {
  readonly caller: Caller;
  readonly verb: Verb;
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Safe to log. */
export interface ApiProblem {
  readonly code: 'AccessReviewFailed' | 'HandlerFailed' | 'DeadlineExceeded';
  readonly resource?: string;
  readonly error?: string;
}

/** For metrics: words from short lists only. */
export interface RequestSample {
  readonly verb: string;
  /** The plural of a resource that is served, or `other`. */
  readonly resource: string;
  readonly code: number;
  readonly ms: number;
}

export const LIMITS = {
  /** Requests under way at the same time, of everybody, */
  concurrent: 64,
  /** and of one user, who may wait for something slow. */
  concurrentPerUser: 16,
  /** security: one user cannot keep out others, nor use up what is behind this. */
  perUser: { burst: 100, refillMs: 50, users: 4096 } satisfies UserLimits as UserLimits,
  /** Less than that of the server below, so that clients get a Status. kube-apiserver waits a minute. */
  deadlineMs: 50_000,
};
