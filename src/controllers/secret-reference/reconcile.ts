import { collectWanted } from '../../resolve/wanted.ts';
import { done, type Outcome } from '../../runtime/outcome.ts';
import { checkNamed, type CheckDependencies } from '../check.ts';
import { entryStates, importStates } from './decide.ts';

/** Keeps the status of a reference honest: is everything it names there, allowed and fit to be a variable? */
export async function reconcileReference(
  key: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Outcome> {
  const reference = deps.world.references.get(key);
  if (!reference) return done();
  const wanted = collectWanted([{ name: reference.metadata.name, ...reference.spec }], []);
  return checkNamed(
    'SecretReference',
    reference,
    wanted,
    (resolution) => ({ entries: entryStates(resolution), imports: importStates(resolution) }),
    signal,
    deps,
  );
}
