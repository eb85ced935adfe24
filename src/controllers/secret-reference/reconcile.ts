import { RESOURCES } from '../../api/resources.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { done, type Outcome } from '../../runtime/outcome.ts';
import { checkRecord } from '../audit-records.ts';
import { check, type CheckDependencies } from '../check.ts';
import { recordReady, writeStatus } from '../status.ts';
import { entryStates, importStates, referenceOutcome } from './decide.ts';

/** Keeps the status of a reference honest: is everything it names there, allowed and fit to be a variable? */
export async function reconcileReference(
  key: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Outcome> {
  const reference = deps.world.references.get(key);
  if (!reference) return done();
  const { name, namespace = '' } = reference.metadata;
  const wanted = collectWanted([{ name, ...reference.spec }], []);
  const resolution = await check(wanted, namespace, signal, deps);
  if ('kind' in resolution) return resolution;
  const outcome = referenceOutcome(resolution, deps.refreshMs());
  const fields = { entries: entryStates(resolution), imports: importStates(resolution) };
  const changed = await writeStatus(RESOURCES.secretReferences, reference, outcome, fields, signal, deps);
  if (changed) {
    recordReady('SecretReference', reference, outcome, deps.events);
    await deps.audit.note(
      checkRecord('SecretReference', reference, outcome, resolution, deps.systemNamespace),
      signal,
    );
  }
  return outcome;
}
