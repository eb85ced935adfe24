import type { PolicyGuard } from '../controllers/policies.ts';
import type { RequestToken } from '../sources/vault/login.ts';

export const POLICIES = new URL('../../config/policies/', import.meta.url);
/** Expected in the cluster with --strict-use only: without them the question would be easy to get round. */
export const STRICT_POLICIES = new URL('../../config/strict/', import.meta.url);

/** No identity leaves while the policies that say which may do not stand. */
export function fenced(guard: Pick<PolicyGuard, 'problem'>, request: RequestToken): RequestToken {
  return async (wanted, signal) => {
    const problem = guard.problem();
    return problem ? { refused: problem.message } : request(wanted, signal);
  };
}
