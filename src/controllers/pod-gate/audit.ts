import { createHash } from 'node:crypto';
import { AuditError } from '../../audit/errors.ts';
import type { AuditLog } from '../../audit/log.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Told } from '../../runtime/outcome.ts';
import { deliveryRecord, heldRecord, intentRecords, type Found } from '../audit-records.ts';
import type { GatedPod } from '../objects.ts';
import type { Written } from './act.ts';
import { problemsOf } from './decide.ts';
import type { PodMemory } from './memory.ts';

export interface AuditDependencies {
  readonly audit: Pick<AuditLog, 'intend' | 'conclude' | 'note'>;
  readonly memory: PodMemory;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Before anything of a delivery is written: what it is going to hold. Resolves to the problem if that cannot be written
 * down, for then nothing is delivered. A pass that is tried again with the same is not written down again, or a
 * quota that refuses deliveries would fill the disk.
 */
export async function auditIntent(
  pod: GatedPod,
  delivery: string,
  found: Found,
  signal: AbortSignal,
  { audit, memory, clock }: AuditDependencies,
): Promise<Problem | undefined> {
  const { uid } = pod.metadata;
  const records = intentRecords(pod, delivery, found);
  const fingerprint = createHash('sha256').update(JSON.stringify(records)).digest('base64');
  if (memory.isIntended(uid, fingerprint)) return undefined;
  const pause = memory.refusals.pauseOf(pod.metadata.namespace ?? '', clock.now());
  if (pause > 0) return { ...TOO_MANY_REFUSED, retryAfterMs: pause };
  try {
    await audit.intend(records, signal);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return unwritable(error.message);
  }
  memory.intended(uid, fingerprint);
  return undefined;
}

/** How a delivery ended; one that was refused is told when the pod is held. */
export async function auditOutcome(
  pod: GatedPod,
  delivery: string,
  found: Found,
  written: Written,
  signal: AbortSignal,
  { audit, memory, clock }: AuditDependencies,
): Promise<void> {
  const { namespace = '', uid } = pod.metadata;
  if (written.kind === 'refused') {
    // Retries write no intent, so they are no reason to write fewer.
    if (memory.isFirstRefusal(uid)) memory.refusals.refused(namespace, clock.now());
    return;
  }
  await audit.conclude(outcomeRecord(pod, delivery, found, written), signal);
}

function outcomeRecord(
  pod: GatedPod,
  delivery: string,
  found: Found,
  written: Exclude<Written, { kind: 'refused' }>,
): AuditRecord {
  if (written.kind === 'gone')
    return deliveryRecord(pod, delivery, found, 'failed', 'PodGone', 'the pod was deleted meanwhile');
  if (!written.existed) return deliveryRecord(pod, delivery, found, 'delivered', 'Resolved');
  const message = 'the Secret was there already: what it holds says an intent before';
  const record = deliveryRecord(pod, delivery, found, 'delivered', 'AlreadyMade', message);
  return { ...record, variables: undefined, properties: undefined };
}

const TOO_MANY_REFUSED: Problem = {
  reason: 'DeliveryRefused',
  message:
    'the API server keeps refusing deliveries in this namespace, so that Fairlead tries new ones of it only from time to time',
};

/** A pod that waits, with a reason that it did not have before. */
export async function auditHeld(
  pod: GatedPod,
  outcome: Told,
  signal: AbortSignal,
  { audit }: AuditDependencies,
): Promise<void> {
  await audit.note(heldRecord(pod, outcome, problemsOf(outcome)), signal);
}

/** Nothing is handed out that nobody could find out about later. */
export function auditProblem(audit: Pick<AuditLog, 'problem'>): Problem | undefined {
  const why = audit.problem();
  return why === undefined ? undefined : unwritable(why);
}

function unwritable(why: string): Problem {
  return {
    reason: 'DeliveryRefused',
    message: `Fairlead delivers nothing that its audit does not show, and ${why}; pods go on when it can be written again`,
  };
}
