import type { Reason } from '../api/reasons.ts';
import { refusal } from '../resolve/permission.ts';
import { placeKey, sourceKey, type Place, type PlaceKey } from '../resolve/place.ts';
import type { States } from '../resolve/resolve.ts';
import type { SourceState } from '../resolve/state.ts';
import { storageState } from '../resolve/storage.ts';
import { placesOf, type WantedSet } from '../resolve/wanted.ts';
import { readStore } from '../sources/kubernetes.ts';
import type { SourceAnswer, SourceFailure } from '../sources/source.ts';
import { LOGIN_REASONS } from '../sources/vault/errors.ts';
import type { VaultAnswer, VaultSource } from '../sources/vault/source.ts';
import { targetOf, type TargetDependencies } from './targets.ts';
import type { View } from './view.ts';

export interface AskDependencies extends TargetDependencies {
  readonly vault: Pick<VaultSource, 'read'>;
  readonly storePrefix: string;
  /** Somebody could not read this integration: its status should say so before its next check. */
  readonly onVaultFailure?: (id: string) => void;
}

export interface Asking {
  /** The domain of the namespace that asks; undefined if it has none. */
  readonly domain: string | undefined;
  /** Values read by a request that started before this moment (monotonic milliseconds) are not good enough. */
  readonly notBefore: number;
  readonly signal: AbortSignal;
}

export type Answers =
  { readonly kind: 'states'; readonly states: States } | { readonly kind: 'later'; readonly afterMs: number };

/** Asks for every place of a set, each only after the permission check of its source; "later" if one is not free now. */
export async function ask(
  wanted: WantedSet,
  asking: Asking,
  view: View,
  deps: AskDependencies,
): Promise<Answers> {
  const bySource = Map.groupBy(placesOf(wanted), ({ source }) => sourceKey(source));
  const groups = [...bySource.values()].map(async (places) => inTurns(places, askPlace));
  const answers = (await Promise.all(groups)).flat();
  const waits = answers.flatMap(([, answer]) => (answer.kind === 'later' ? answer.afterMs : []));
  if (waits.length > 0) return { kind: 'later', afterMs: Math.max(...waits) };
  return { kind: 'states', states: new Map(answers as [PlaceKey, SourceState][]) };

  async function askPlace(place: Place): Promise<[PlaceKey, SourceAnswer | SourceState]> {
    const { source } = place;
    const key = placeKey(place);
    const refused = refusal(asking.domain, source, (id) => view.integration(id)?.spec);
    if (refused) return [key, { kind: 'failed', ...refused }];
    if (source.type === 'STORAGE') return [key, statedIn(wanted, source.id)];
    if (source.type === 'KUBERNETES') return [key, storeAnswer(source.id, view, deps)];
    const answer = await askVault(source.id, asking, view, deps, place);
    if (answer.kind !== 'failed') return [key, answer];
    if (isOfIntegration(place, answer)) deps.onVaultFailure?.(source.id);
    return [key, forTenants(source.id, answer, deps.systemNamespace)];
  }
}

/** What stands in a storage itself: of the same object that was collected from, and asked of nobody. */
function statedIn({ storages }: WantedSet, name: string): SourceState {
  const storage = storages.find((one) => one.name === name);
  if (!storage) throw new RangeError(`no StorageConfig ${name} among those that were collected`);
  return storageState(storage);
}

/** More at once would use up the waiters of the integration, and the set would never be complete. */
const AT_ONCE = 8;

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  }
  return results;
}

/** What a path below an integration, or a version, lacks says nothing of the integration's own path. */
function isOfIntegration({ path, version }: Place, { reason }: { readonly reason: Reason }): boolean {
  const isOwn = path === undefined && version === undefined;
  return isOwn || !OF_THE_PLACE.includes(reason);
}

const OF_THE_PLACE: readonly Reason[] = [
  'PathNotFound',
  'VersionNotFound',
  'SourceDeleted',
  'SourceDestroyed',
  'PermissionDenied',
];

/** Why a login fails, the integration's own status says to who may see that. */
export function forTenants(id: string, answer: SourceFailure, systemNamespace: string): SourceFailure {
  if (!LOGIN_REASONS.includes(answer.reason)) return answer;
  const message = `VaultIntegration ${id} cannot log in to Vault; its status in namespace ${systemNamespace} says why`;
  return { ...answer, message };
}

/** Reads the path of one integration, or a place below it, without asking who may use it. */
export async function askVault(
  id: string,
  { notBefore, signal }: Pick<Asking, 'notBefore' | 'signal'>,
  view: Pick<View, 'integration'>,
  deps: AskDependencies,
  place: Pick<Place, 'path' | 'version'> = {},
): Promise<VaultAnswer> {
  const target = targetOf(id, view, deps, place);
  if (target.kind === 'failed') return target;
  return deps.vault.read(target, { notBefore, signal });
}

function storeAnswer(id: string, view: View, deps: AskDependencies): SourceAnswer {
  const { systemNamespace, storePrefix: prefix } = deps;
  return readStore({
    prefix,
    systemNamespace,
    id,
    getSecret: (name) => view.store(name),
  });
}
