import { RESOURCES } from '../../api/resources.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { done, type Outcome } from '../../runtime/outcome.ts';
import { checkRecord } from '../audit-records.ts';
import { check, type CheckDependencies } from '../check.ts';
import { entryStates, referenceOutcome } from '../secret-reference/decide.ts';
import { recordReady, writeStatus } from '../status.ts';

/** Keeps the status of a storage honest: are its keys there, allowed, and fit to be what it makes of them? */
export async function reconcileStorage(
  key: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Outcome> {
  const storage = deps.world.storages.get(key);
  if (!storage) return done();
  const { name, namespace = '' } = storage.metadata;
  const wanted = collectWanted([], [], [{ name, spec: storage.spec }]);
  const resolution = await check(wanted, namespace, signal, deps);
  if ('kind' in resolution) return resolution;
  const outcome = referenceOutcome(resolution, deps.refreshMs());
  const fields = { entries: entryStates(resolution) };
  const changed = await writeStatus(RESOURCES.storageConfigs, storage, outcome, fields, signal, deps);
  if (changed) {
    recordReady('StorageConfig', storage, outcome, deps.events);
    await deps.audit.note(
      checkRecord('StorageConfig', storage, outcome, resolution, deps.systemNamespace),
      signal,
    );
  }
  return outcome;
}
