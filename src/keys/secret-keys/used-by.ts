import type { Caller } from '../../aggregation/resource.ts';
import type { Reference, StorageConfig } from '../../controllers/objects.ts';
import { KubeError } from '../../kube/errors.ts';
import { keyOf } from '../../kube/objects.ts';
import type { SecretObject } from '../../api/secret-reference.ts';
import { sourceKey, type Source } from '../../resolve/place.ts';
import { selectKeys } from '../../resolve/select.ts';
import type { KeysWorld } from './deps.ts';
import type { KeyRef } from './name.ts';
import { listOf, type Naming } from './rights.ts';
import { may, type RightsDependencies } from '../may.ts';
import { enumerated } from './warnings.ts';

export interface UsedByDependencies extends RightsDependencies {
  readonly world: Pick<KeysWorld, 'references' | 'storages'>;
}

/** What names a source or a key of it. */
export interface Users {
  readonly references: readonly Reference[];
  readonly storages: readonly StorageConfig[];
}

/** The references and storages of all namespaces that name a source. */
export function usersOf(source: Source, { references, storages }: UsedByDependencies['world']): Users {
  const key = sourceKey(source);
  return { references: references.byIndex('source', key), storages: storages.byIndex('source', key) };
}

/** Those that name one key of it, or take it with others in bulk. */
export function usersOfKey({ key, source }: KeyRef, world: UsedByDependencies['world']): Users {
  const isSource = (other: Source) => other.type === source.type && other.id === source.id;
  const isIt = (secret: SecretObject | undefined) => secret?.key === key && isSource(secret.source);
  const { references, storages } = usersOf(source, world);
  return {
    references: references.filter(
      ({ spec: { env = [], envFrom = [], sparkConf = [] } }) =>
        [...env, ...sparkConf].some(({ secret }) => isIt(secret)) ||
        envFrom.some((entry) => isSource(entry.source) && selectKeys([key], entry.select).keys.length > 0),
    ),
    storages: storages.filter(({ spec }) => isIt(spec.accessKeySecret) || isIt(spec.storageSecret)),
  };
}

/** So many namespaces are asked about; what lies in others is counted. */
const MAX_QUESTIONS = 16;

/**
 * Warnings that these references and storages name `what`: how many, and the names of those that the caller may list
 * anyway. Empty if there are none. Rejects with nothing but the signal's reason: without an answer no name is told.
 */
export async function usedBy(
  what: string,
  { references, storages }: Users,
  caller: Caller,
  signal: AbortSignal,
  deps: RightsDependencies,
): Promise<readonly string[]> {
  const told = await Promise.all([
    usedByKind(what, REFERENCES, references, caller, signal, deps),
    usedByKind(what, STORAGES, storages, caller, signal, deps),
  ]);
  return told.flat();
}

const REFERENCES: Naming = { kind: 'SecretReference', plural: 'secretreferences' };
const STORAGES: Naming = { kind: 'StorageConfig', plural: 'storageconfigs' };

async function usedByKind(
  what: string,
  of: Naming,
  users: readonly (Reference | StorageConfig)[],
  caller: Caller,
  signal: AbortSignal,
  deps: RightsDependencies,
): Promise<readonly string[]> {
  const { length } = users;
  if (length === 0) return [];
  const namespaces = [...new Set(users.map(({ metadata }) => metadata.namespace ?? ''))].toSorted();
  const open = await openTo(of, caller, namespaces, signal, deps);
  const names = users
    .filter(({ metadata }) => open.has(metadata.namespace ?? ''))
    .map(keyOf)
    .toSorted();
  const still = length === 1 ? `1 ${of.kind} still names` : `${length} ${of.kind}s still name`;
  return enumerated(`${still} ${what}`, names, length - names.length);
}

/** Those of the namespaces in which the caller may list objects of the kind. */
async function openTo(
  of: Naming,
  caller: Caller,
  namespaces: readonly string[],
  signal: AbortSignal,
  deps: RightsDependencies,
): Promise<ReadonlySet<string>> {
  const ask = async (namespace?: string): Promise<boolean> => {
    try {
      return await may(caller, listOf(of, namespace), signal, deps);
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
