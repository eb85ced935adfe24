import { RESOURCES } from '../../api/resources.ts';
import { resolve, type Resolution } from '../../resolve/resolve.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { done, later, type Outcome } from '../../runtime/outcome.ts';
import { ask } from '../ask.ts';
import type { Reference } from '../objects.ts';
import { referenceRecord } from '../audit-records.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from '../status.ts';
import { cachedView } from '../view.ts';
import { switchedOffResolution, type SecretsV2 } from '../secrets-v2.ts';
import { entryStates, importStates, referenceOutcome } from './decide.ts';

export type ReferenceDependencies = StatusDependencies & SecretsV2;

/** Keeps the status of a reference honest: is everything it names there, allowed and fit to be a variable? */
export async function reconcileReference(
  key: string,
  signal: AbortSignal,
  deps: ReferenceDependencies,
): Promise<Outcome> {
  const reference = deps.world.references.get(key);
  if (!reference) return done();
  const resolution = await check(reference, signal, deps);
  if ('kind' in resolution) return resolution;
  const outcome = referenceOutcome(resolution, deps.refreshMs());
  const fields = { entries: entryStates(resolution), imports: importStates(resolution) };
  const changed = await writeStatus(RESOURCES.secretReferences, reference, outcome, fields, signal, deps);
  if (changed) {
    recordReady('SecretReference', reference, outcome, deps.events);
    await deps.audit.note(referenceRecord(reference, outcome, resolution, deps.systemNamespace), signal);
  }
  return outcome;
}

async function check(
  { metadata, spec }: Reference,
  signal: AbortSignal,
  deps: ReferenceDependencies,
): Promise<Resolution | Outcome> {
  const wanted = collectWanted([{ name: metadata.name, ...spec }], []);
  if (!deps.secretsV2) return switchedOffResolution(wanted);
  const namespace = deps.world.namespaces.get(metadata.namespace ?? '');
  const asking = { domain: namespace?.domain, notBefore: deps.clock.now() - RECENT_MS, signal };
  const answers = await ask(wanted, asking, cachedView(deps.world, deps.systemNamespace), deps);
  return answers.kind === 'later' ? later(answers.afterMs) : resolve(wanted, answers.states);
}
