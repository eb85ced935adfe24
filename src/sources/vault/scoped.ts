import type { ScopedTokens } from '../../api/vault-auth.ts';
import { VaultError, type Fault } from './errors.ts';
import { commonFault, serverFault, type Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import { granted } from './token.ts';

/** Where a token makes a child of itself. */
export const CREATE_TOKEN = 'auth/token/create';
const DEFAULT_TTL = '60s';

/**
 * What is asked for: only these policies, and good for one request, after which Vault revokes the token itself. So
 * the policies need hold nothing but the path, and nothing is left behind should Fairlead end before it can clean up.
 */
export function childToken({ policies, ttl = DEFAULT_TTL }: ScopedTokens): object {
  return { policies, ttl, explicit_max_ttl: ttl, no_default_policy: true, renewable: false, num_uses: 1 };
}

/** The child token in the answer. Throws VaultError. */
export function childOf(answer: Answer): Hidden {
  const found = granted(answer);
  if (found) return new Hidden(found.token);
  throw new VaultError({ ...childFault(answer), request: `POST /v1/${CREATE_TOKEN}` });
}

function childFault(answer: Answer): Fault {
  const { status } = answer;
  const common = commonFault(answer);
  if (common) return common;
  const denied = { reason: 'PermissionDenied', scope: 'read', status } as const;
  if (status >= 500) return serverFault(answer, 'read');
  return {
    ...denied,
    what:
      status === 403
        ? 'the login may not make child tokens: grant it `update` on auth/token/create in Vault, or remove spec.scopedTokens'
        : 'Vault makes no child token with spec.scopedTokens: its policies must be among those of the login, whose token must be no batch token',
  };
}
