import type { Caller } from '../aggregation/resource.ts';
import type { Actor } from '../audit/record.ts';

/** A caller as the audit names people. */
export function actorOf({ user, uid, groups }: Caller): Actor {
  return { kind: 'user', name: user, ...(uid !== undefined && { uid }), groups };
}
