import type { Caller } from '../../aggregation/resource.ts';
import type { Reference } from '../../controllers/objects.ts';
import { KubeError } from '../../kube/errors.ts';
import { keyOf } from '../../kube/objects.ts';
import { sourceKey, type Source } from '../../resolve/place.ts';
import { selectKeys } from '../../resolve/select.ts';
import type { KeysWorld } from './deps.ts';
import type { KeyRef } from './name.ts';
import { listReferences } from './rights.ts';
import { may, type RightsDependencies } from '../may.ts';
import { enumerated } from './warnings.ts';

export interface UsedByDependencies extends RightsDependencies {
  readonly world: Pick<KeysWorld, 'references'>;
}

/** The references of all namespaces that name a source. */
export function referencesTo(source: Source, world: UsedByDependencies['world']): readonly Reference[] {
  return world.references.byIndex('source', sourceKey(source));
}

/** Those that name one key of it, or take it with others in bulk. */
export function referencesToKey(
  { key, source }: KeyRef,
  world: UsedByDependencies['world'],
): readonly Reference[] {
  const isSource = (other: Source) => other.type === source.type && other.id === source.id;
  return referencesTo(source, world).filter(
    ({ spec: { env = [], envFrom = [], sparkConf = [] } }) =>
      [...env, ...sparkConf].some(({ secret }) => secret.key === key && isSource(secret.source)) ||
      envFrom.some((entry) => isSource(entry.source) && selectKeys([key], entry.select).keys.length > 0),
  );
}

/** So many namespaces are asked about; what lies in others is counted. */
const MAX_QUESTIONS = 16;

/**
 * Warnings that these references name `what`: how many, and the names of those that the caller may list anyway.
 * Empty if there are none. Rejects with nothing but the signal's reason: without an answer no name is told.
 */
export async function usedBy(
  what: string,
  references: readonly Reference[],
  caller: Caller,
  signal: AbortSignal,
  deps: RightsDependencies,
): Promise<readonly string[]> {
  const { length } = references;
  if (length === 0) return [];
  const namespaces = [...new Set(references.map(({ metadata }) => metadata.namespace ?? ''))].toSorted();
  const open = await openTo(caller, namespaces, signal, deps);
  const names = references
    .filter(({ metadata }) => open.has(metadata.namespace ?? ''))
    .map(keyOf)
    .toSorted();
  const still = length === 1 ? '1 SecretReference still names' : `${length} SecretReferences still name`;
  return enumerated(`${still} ${what}`, names, length - names.length);
}

/** Those of the namespaces in which the caller may list references. */
async function openTo(
  caller: Caller,
  namespaces: readonly string[],
  signal: AbortSignal,
  deps: RightsDependencies,
): Promise<ReadonlySet<string>> {
  const ask = async (namespace?: string): Promise<boolean> => {
    try {
      return await may(caller, listReferences(namespace), signal, deps);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof KubeError) return false;
      throw error;
    }
  };
  if (await ask()) return new Set(namespaces);
  const asked = namespaces.slice(0, MAX_QUESTIONS);
  const answers = await Promise.all(asked.map(ask));
  return new Set(asked.filter((_, i) => answers[i]));
}
