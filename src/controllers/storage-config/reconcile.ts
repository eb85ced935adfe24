import { collectWanted } from '../../resolve/wanted.ts';
import { done, type Outcome } from '../../runtime/outcome.ts';
import { checkNamed, type CheckDependencies } from '../check.ts';
import { entryStates } from '../secret-reference/decide.ts';

/** Keeps the status of a storage honest: are its keys there, allowed, and fit to be what it makes of them? */
export async function reconcileStorage(
  key: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Outcome> {
  const storage = deps.world.storages.get(key);
  if (!storage) return done();
  const wanted = collectWanted([], [], [{ name: storage.metadata.name, spec: storage.spec }]);
  return checkNamed(
    'StorageConfig',
    storage,
    wanted,
    (resolution) => ({ entries: entryStates(resolution) }),
    signal,
    deps,
  );
}
