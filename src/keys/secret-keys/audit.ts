import type { Caller } from '../../aggregation/resource.ts';
import type { Action, AuditRecord, Outcome } from '../../audit/record.ts';
import { actorOf } from '../actor.ts';
import type { SecretKeyDependencies } from './deps.ts';
import type { KeyRef } from './name.ts';

type AuditDependencies = Pick<SecretKeyDependencies, 'audit'>;

export interface Listed {
  readonly caller: Caller;
  /** Absent: all of them. */
  readonly namespace: string | undefined;
  readonly keys: number;
  /** Integrations that could not be read. */
  readonly unread: number;
}

/** Before the names go out. Rejects with AuditError: then they do not. */
export async function auditList(
  { caller, namespace = '', keys, unread }: Listed,
  signal: AbortSignal,
  { audit }: AuditDependencies,
): Promise<void> {
  const message = unread > 0 ? `${unread} integrations could not be read` : undefined;
  const head = { actor: actorOf(caller), action: 'list-keys' as const, namespace };
  await audit.intend([{ ...head, variables: keys, outcome: 'allowed', reason: 'Listed', message }], signal);
}

/** Of the audit alone: what stands for no key, or is no object that could be written. */
export const NAME_INVALID = 'NameInvalid';
export const INVALID = 'Invalid';

/** What somebody does with one key. */
export interface Deed {
  readonly action: Extract<Action, 'list-keys' | 'write-key' | 'delete-key'>;
  readonly caller: Caller;
  readonly namespace: string;
  /** Absent if the name stands for none. */
  readonly ref: KeyRef | undefined;
}

export function keyRecord(
  { action, caller, namespace, ref }: Deed,
  outcome: Outcome,
  reason: string,
  message?: string,
): AuditRecord {
  const about = ref && { source: ref.source, key: ref.key };
  return { actor: actorOf(caller), action, namespace, ...about, outcome, reason, message };
}
