import { createHash } from 'node:crypto';
import { AuditError } from '../../audit/errors.ts';
import type { AuditLog } from '../../audit/log.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Told } from '../../runtime/outcome.ts';
import { deliveryRecord, heldRecord, intentRecords, type Found } from '../audit-records.ts';
import type { GatedPod } from '../objects.ts';
import type { Written } from './act.ts';
import { problemsOf } from './decide.ts';
import type { PodMemory } from './memory.ts';

export interface AuditDependencies {
  readonly audit: Pick<AuditLog, 'intend' | 'conclude' | 'note'>;
  readonly memory: PodMemory;
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
  { audit, memory }: AuditDependencies,
): Promise<Problem | undefined> {
  const { uid } = pod.metadata;
  const records = intentRecords(pod, delivery, found);
  const fingerprint = createHash('sha256').update(JSON.stringify(records)).digest('base64');
  if (memory.isIntended(uid, fingerprint)) return undefined;
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
  { audit }: AuditDependencies,
): Promise<void> {
  if (written.kind === 'refused') return;
  const record =
    written.kind === 'done'
      ? deliveryRecord(pod, delivery, found, 'delivered', 'Resolved')
      : deliveryRecord(pod, delivery, found, 'failed', 'PodGone', 'the pod was deleted meanwhile');
  await audit.conclude(record, signal);
}

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
