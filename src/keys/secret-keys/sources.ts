import { StatusError } from '../../aggregation/errors.ts';
import type { Caller } from '../../aggregation/resource.ts';
import { GLOBAL } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import type { LiveReads } from '../../controllers/live.ts';
import {
  domainNamespace,
  systemSecret,
  type DomainNamespace,
  type Integration,
  type SystemSecret,
} from '../../controllers/objects.ts';
import { refusal } from '../../resolve/permission.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import { storeName } from '../../sources/kubernetes.ts';
import type { KeysWorld, SecretKeyDependencies } from './deps.ts';
import { useOf } from './rights.ts';
import { may } from '../may.ts';

/** The watches hear of the server once a minute; what they know after this long is not to be trusted. */
const STALE_MS = 120_000;
/** A namespace that was moved to another domain gets the old one's keys no longer than that. */
const FRESH_MS = 1_000;

/** Throws StatusError ServiceUnavailable while the watches do not know how things stand. */
export function assertCurrent({ namespaces, integrations, stores }: KeysWorld): void {
  const current = [namespaces, integrations, stores].every(
    (one) => one.hasSynced() && one.stalenessMs() <= STALE_MS,
  );
  if (!current) throw OUTDATED;
}

const OUTDATED = new StatusError(
  'ServiceUnavailable',
  'Fairlead has not heard of the API server for too long, so it does not know which keys there are',
);

/** The stores that a namespace of this domain may name, in the order of lists. */
export function storesOf(domain: string): readonly Source[] {
  const ids = domain === GLOBAL ? [GLOBAL] : [domain, GLOBAL];
  return ids.map((id) => ({ type: 'KUBERNETES', id }));
}

/** The integrations whose `spec.domains` cover this domain, in the order of lists. */
export function integrationsOf(domain: string, world: KeysWorld): readonly Integration[] {
  return world.integrations
    .list()
    .filter((one) => isOpen(domain, one))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function isOpen(domain: string, { metadata, spec }: Integration): boolean {
  return refusal(domain, { type: 'VAULT', id: metadata.name }, () => spec) === undefined;
}

/** The integration, if a namespace of this domain may name it and the caller may use it. */
export async function usableIntegration(
  id: string,
  domain: string,
  caller: Caller,
  signal: AbortSignal,
  deps: SecretKeyDependencies,
): Promise<Integration | undefined> {
  const found = deps.world.integrations.get(`${deps.systemNamespace}/${id}`);
  if (!found || !isOpen(domain, found)) return undefined;
  return (await may(caller, useOf(id, deps.systemNamespace), signal, deps)) ? found : undefined;
}

/** The namespace as the API server has it now; undefined if there is none. */
export async function readNamespace(
  name: string,
  live: LiveReads,
  signal: AbortSignal,
  { clock }: Pick<SecretKeyDependencies, 'clock'>,
): Promise<DomainNamespace | undefined> {
  const notBefore = clock.now() - FRESH_MS;
  return live.get(RESOURCES.namespaces, { name }, domainNamespace, { notBefore, signal });
}

type StoreDependencies = Pick<SecretKeyDependencies, 'world' | 'systemNamespace' | 'storePrefix' | 'clock'>;

/** The keys of a store, in order, from the watch; none if there is no store. */
export function watchedStoreKeys(
  id: string,
  { world, systemNamespace, storePrefix }: StoreDependencies,
): readonly string[] {
  const name = storeName(storePrefix, id);
  return keysOf(name === undefined ? undefined : world.stores.get(`${systemNamespace}/${name}`));
}

/** The same as the API server has it now: whoever has just written a key asks for it, perhaps of another replica. */
export async function liveStoreKeys(
  id: string,
  live: LiveReads,
  signal: AbortSignal,
  { clock, systemNamespace, storePrefix }: StoreDependencies,
): Promise<readonly string[]> {
  const name = storeName(storePrefix, id);
  if (name === undefined) return [];
  const ref = { namespace: systemNamespace, name };
  const project = (raw: Parameters<typeof systemSecret>[0]) => systemSecret(raw, () => true);
  return keysOf(await live.get(RESOURCES.secrets, ref, project, { notBefore: clock.now(), signal }));
}

/** Sorted once for each state of a store. */
const sorted = new WeakMap<SystemSecret, readonly string[]>();

function keysOf(store: SystemSecret | undefined): readonly string[] {
  if (!store || store.type !== 'Opaque') return [];
  const known = sorted.get(store);
  if (known) return known;
  const keys = Object.keys(store.data).toSorted();
  sorted.set(store, keys);
  return keys;
}
