import type { Kube } from '../cluster.ts';
import { SYSTEM } from '../platform.ts';

export interface Leftovers {
  /** Removes what has come since, and waits until it is gone. */
  remove(): Promise<void>;
}

const WIDE = 'namespaces,clusterroles,clusterrolebindings';
const OURS =
  'vaultintegrations,resourcebundles,secretreferences,storageconfigs,secrets,configmaps,serviceaccounts,roles,rolebindings';

/** Notes what is there, so that what the docs' commands make can be taken away again. */
export async function leftovers(k: Kube): Promise<Leftovers> {
  const names = async (...args: string[]) =>
    (await k.run('get', ...args, '-o', 'name', '--ignore-not-found')).split('\n').filter(Boolean);
  const [wide, ours] = [new Set(await names(WIDE)), new Set(await names(OURS, '-n', SYSTEM))];
  return {
    remove: async () => {
      const came = (await names(OURS, '-n', SYSTEM)).filter((name) => !ours.has(name));
      if (came.length > 0) await k.run('delete', '-n', SYSTEM, ...came, '--ignore-not-found');
      const others = (await names(WIDE)).filter((name) => !wide.has(name));
      if (others.length > 0) await k.run('delete', ...others, '--ignore-not-found', '--timeout=90s');
    },
  };
}
