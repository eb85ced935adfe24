import { RESOURCES } from '../../api/resources.ts';
import { resolve } from '../../resolve/resolve.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { done, later, type Outcome } from '../../runtime/outcome.ts';
import { ask } from '../ask.ts';
import { checkRecord } from '../audit-records.ts';
import { entryStates, referenceOutcome } from '../secret-reference/decide.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from '../status.ts';
import { cachedView } from '../view.ts';

/** Keeps the status of a storage honest: are its keys there, allowed, and fit to be what it makes of them? */
export async function reconcileStorage(
  key: string,
  signal: AbortSignal,
  deps: StatusDependencies,
): Promise<Outcome> {
  const storage = deps.world.storages.get(key);
  if (!storage) return done();
  const { name, namespace: in_ = '' } = storage.metadata;
  const wanted = collectWanted([], [], [{ name, spec: storage.spec }]);
  const domain = deps.world.namespaces.get(in_)?.domain;
  const asking = { domain, notBefore: deps.clock.now() - RECENT_MS, signal };
  const answers = await ask(wanted, asking, cachedView(deps.world, deps.systemNamespace), deps);
  if (answers.kind === 'later') return later(answers.afterMs);
  const resolution = resolve(wanted, answers.states);
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
