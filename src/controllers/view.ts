import { GLOBAL } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { ObjectRef, Resource } from '../kube/objects.ts';
import { sourcesOf, sourcesOfStorage } from '../resolve/wanted.ts';
import { storeName } from '../sources/kubernetes.ts';
import type { LiveReads } from './live.ts';
import {
  custom,
  domainNamespace,
  systemSecret,
  type DomainNamespace,
  type GatedPod,
  type Integration,
  type Reference,
  type StorageConfig,
  type SystemSecret,
} from './objects.ts';
import type { World } from './world.ts';

/** The objects that decide what a workload gets, wherever they are read from. */
export interface View {
  namespace(name: string): DomainNamespace | undefined;
  /** By `namespace/name`. */
  reference(key: string): Reference | undefined;
  /** By `namespace/name`. */
  storage(key: string): StorageConfig | undefined;
  integration(id: string): Integration | undefined;
  /** A store by the name of its Secret. */
  store(name: string): SystemSecret | undefined;
}

/** What the watches know: good enough to say why something waits. */
export function cachedView(
  world: Pick<World, 'namespaces' | 'references' | 'storages' | 'integrations' | 'stores'>,
  systemNamespace: string,
): View {
  return {
    namespace: (name) => world.namespaces.get(name),
    reference: (key) => world.references.get(key),
    storage: (key) => world.storages.get(key),
    integration: (id) => world.integrations.get(`${systemNamespace}/${id}`),
    store: (name) => world.stores.get(`${systemNamespace}/${name}`),
  };
}

export interface LiveDependencies {
  readonly live: LiveReads;
  readonly systemNamespace: string;
  readonly storePrefix: string;
}

/**
 * The same, read from the API server after Fairlead first saw the pod. Watches are independent of each other: when
 * the pod is there, the value that was written before it may not be, nor the label that was taken away. A delivery
 * is for good, so it is made from this view alone.
 */
export async function liveView(pod: GatedPod, deps: LiveDependencies, signal: AbortSignal): Promise<View> {
  const { live, systemNamespace, storePrefix } = deps;
  const { namespace: in_ = '' } = pod.metadata;
  const read = async <T>(resource: Resource, ref: ObjectRef, project: Parameters<typeof live.get<T>>[2]) =>
    live.get(resource, ref, project, { notBefore: pod.seenAt, signal });

  const [namespace, references, storages] = await Promise.all([
    read(RESOURCES.namespaces, { name: in_ }, domainNamespace),
    Promise.all(
      pod.references.map(async (name) =>
        read(RESOURCES.secretReferences, { namespace: in_, name }, custom<Reference>),
      ),
    ),
    Promise.all(
      pod.storages.map(async (name) =>
        read(RESOURCES.storageConfigs, { namespace: in_, name }, custom<StorageConfig>),
      ),
    ),
  ]);
  const sources = [
    ...references.flatMap((reference) => sourcesOf(reference?.spec ?? {})),
    ...storages.flatMap((storage) => sourcesOfStorage(storage?.spec ?? {})),
  ];
  const idsOf = (type: string) => sources.filter((source) => source.type === type).map(({ id }) => id);
  const integrationIds = new Set(idsOf('VAULT'));
  const storeIds = new Set([...idsOf('KUBERNETES'), ...(pod.placeholders.length > 0 ? [GLOBAL] : [])]);
  const storeNames = [...storeIds].flatMap((id) => storeName(storePrefix, id) ?? []);
  const inSystem = (name: string) => ({ namespace: systemNamespace, name });
  const [integrations, stores] = await Promise.all([
    Promise.all(
      [...integrationIds].map(async (id) =>
        read(RESOURCES.vaultIntegrations, inSystem(id), custom<Integration>),
      ),
    ),
    Promise.all(
      storeNames.map(async (name) =>
        read(RESOURCES.secrets, inSystem(name), (raw) => systemSecret(raw, () => true)),
      ),
    ),
  ]);
  const found = <T extends { readonly metadata: { readonly name: string } }>(
    objects: readonly (T | undefined)[],
  ) => new Map(objects.flatMap((object) => (object ? [[object.metadata.name, object] as const] : [])));
  const [byReference, byStorage] = [found(references), found(storages)];
  const [byIntegration, byStore] = [found(integrations), found(stores)];
  return {
    namespace: (name) => (name === in_ ? namespace : undefined),
    reference: (key) => byReference.get(key.slice(in_.length + 1)),
    storage: (key) => byStorage.get(key.slice(in_.length + 1)),
    integration: (id) => byIntegration.get(id),
    store: (name) => byStore.get(name),
  };
}
