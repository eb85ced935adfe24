import type { Condition } from '../api/schema.ts';
import { removeCondition, setCondition } from '../runtime/conditions.ts';
import type { Told } from '../runtime/outcome.ts';

/** `Ready` sums up; `Stalled` is there only while waiting does not help (kstatus). */
export function readyConditions(
  old: readonly Condition[] | undefined,
  outcome: Told,
  generation: number,
  now: Date,
): readonly Condition[] {
  const about = { reason: outcome.reason, message: outcome.message, observedGeneration: generation };
  const ready = setCondition(
    old ?? [],
    { type: 'Ready', status: outcome.kind === 'done' ? 'True' : 'False', ...about },
    now,
  );
  if (outcome.kind === 'stalled')
    return setCondition(ready, { type: 'Stalled', status: 'True', ...about }, now);
  return removeCondition(ready, 'Stalled');
}
