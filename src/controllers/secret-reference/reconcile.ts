import { RESOURCES } from '../../api/resources.ts';
import { resolve, type Resolution } from '../../resolve/resolve.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { done, later, type Outcome } from '../../runtime/outcome.ts';
import { ask } from '../ask.ts';
import { checkRecord } from '../audit-records.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from '../status.ts';
import { cachedView } from '../view.ts';
import { entryStates, importStates, referenceOutcome } from './decide.ts';

/** Keeps the status of a reference honest: is everything it names there, allowed and fit to be a variable? */
export async function reconcileReference(
  key: string,
  signal: AbortSignal,
  deps: StatusDependencies,
): Promise<Outcome> {
  const reference = deps.world.references.get(key);
  if (!reference) return done();
  const namespace = deps.world.namespaces.get(reference.metadata.namespace ?? '');
  const wanted = collectWanted([{ name: reference.metadata.name, ...reference.spec }], []);
  const asking = { domain: namespace?.domain, notBefore: deps.clock.now() - RECENT_MS, signal };
  const answers = await ask(wanted, asking, cachedView(deps.world, deps.systemNamespace), deps);
  if (answers.kind === 'later') return later(answers.afterMs);
  const resolution: Resolution = resolve(wanted, answers.states);
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
