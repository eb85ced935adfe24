import type { Cacheable } from '../../kube/cache.ts';
import type { Reflector } from '../../kube/reflector.ts';
import type { Clock } from '../../runtime/clock.ts';

const PATIENCE_MS = 1_000;

/**
 * Resolves when the watch knows an object as it is in this version or later, so that whoever has just written something
 * finds it in a list; and after a second at the latest, for a watch that lags is no reason to fail.
 */
export async function untilSeen<T extends Cacheable>(
  key: string,
  version: string,
  watched: Pick<Reflector<T>, 'get' | 'onChange'>,
  clock: Pick<Clock, 'setTimeout'>,
): Promise<void> {
  const isThere = () => isAtLeast(watched.get(key)?.metadata.resourceVersion, version);
  if (isThere()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.setTimeout(resolve, PATIENCE_MS);
  const unsubscribe = watched.onChange((change) => {
    if (change.key === key && (change.type === 'deleted' || isThere())) resolve();
  });
  await promise;
  cancel();
  unsubscribe();
}

/** Versions of one resource can be compared since Kubernetes 1.35; what is no number is compared as it is. */
function isAtLeast(seen: string | undefined, wanted: string): boolean {
  if (seen === undefined) return false;
  if (/^\d+$/.test(seen) && /^\d+$/.test(wanted)) return BigInt(seen) >= BigInt(wanted);
  return seen === wanted;
}
