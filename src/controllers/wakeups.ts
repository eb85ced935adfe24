import { GLOBAL } from '../api/names.ts';
import { keyOf } from '../kube/objects.ts';
import type { Change } from '../kube/reflector.ts';
import type { Lane } from '../runtime/queue.ts';
import type { PlaceKey, SourceKey } from '../resolve/place.ts';
import { storeId } from '../sources/kubernetes.ts';
import type { DomainNamespace, GatedPod, Integration, Reference, StorageConfig } from './objects.ts';
import { isReady } from './observed.ts';
import type { World } from './world.ts';

/** Where a change sends its keys. */
export interface Queues {
  readonly pods: { add(key: string, lane?: Lane): void };
  readonly references: { add(key: string, lane?: Lane): void };
  readonly storages: { add(key: string, lane?: Lane): void };
  readonly integrations: { add(key: string, lane?: Lane): void };
}

export interface Wakeups {
  /** Tries everybody again who waits for this source (`VAULT/vault-prod`), for when it answers again. */
  readonly wakeSource: (source: SourceKey) => void;
  /** The same for a place (`VAULT/vault-prod/db/main`). */
  readonly wakePlace: (place: PlaceKey) => void;
  /** Ends the subscriptions. */
  readonly close: () => void;
}

/**
 * Whoever waits for an object is tried again at once when it changes: each change of the world, and which keys
 * it concerns. Resolves nothing itself.
 */
export function wireWakeups(
  world: World,
  queues: Queues,
  forgetPod: (uid: string) => void,
  storePrefix: string,
): Wakeups {
  const wakeSource = (source: SourceKey): void => {
    wakeNaming('source', source);
    if (source === `KUBERNETES/${GLOBAL}`) wake(world.pods.byIndex('placeholders', 'yes'));
  };
  const wakePlace = (place: PlaceKey): void => wakeNaming('place', place);
  const wakeNaming = (index: 'source' | 'place', value: string): void => {
    for (const key of world.references.byIndex(index, value).map(keyOf)) {
      queues.references.add(key);
      podsOfReference(key);
    }
    for (const key of world.storages.byIndex(index, value).map(keyOf)) {
      queues.storages.add(key);
      podsOfStorage(key);
    }
  };
  const podsOfReference = (key: string): void => wake(world.pods.byIndex('reference', key));
  const podsOfStorage = (key: string): void => wake(world.pods.byIndex('storage', key));
  const wake = (pods: readonly GatedPod[]): void => {
    for (const pod of pods) queues.pods.add(keyOf(pod), 'urgent');
  };

  /** What integrations log in with, or trust. */
  const namedChanged = (index: string, { metadata }: { readonly metadata: { readonly name: string } }) => {
    for (const integration of world.integrations.byIndex(index, metadata.name)) {
      queues.integrations.add(keyOf(integration), 'urgent');
      wakeSource(`VAULT/${integration.metadata.name}`);
    }
  };

  const undo = [
    world.pods.onChange(({ type, key, object }) => {
      if (type === 'deleted') forgetPod(object.metadata.uid);
      else queues.pods.add(key, 'urgent');
    }),
    world.references.onChange((change) => {
      if (!specChanged(change)) return;
      queues.references.add(change.key, 'urgent');
      podsOfReference(change.key);
    }),
    world.storages.onChange((change) => {
      if (!specChanged(change)) return;
      queues.storages.add(change.key, 'urgent');
      podsOfStorage(change.key);
    }),
    world.integrations.onChange((change) => {
      const { key, object } = change;
      if (specChanged(change)) {
        queues.integrations.add(key, 'urgent');
        const names = new Set([object.spec.displayName, change.old?.spec.displayName ?? '']);
        for (const name of names) {
          for (const namesake of world.integrations.byIndex('displayName', name)) {
            queues.integrations.add(keyOf(namesake));
          }
        }
      } else if (!becameReady(change)) return;
      wakeSource(`VAULT/${object.metadata.name}`);
    }),
    world.stores.onChange(({ object }) => {
      const id = storeId(storePrefix, object.metadata.name);
      if (id !== undefined) wakeSource(`KUBERNETES/${id}`);
    }),
    world.credentials.onChange(({ object }) => namedChanged('secrets', object)),
    world.certificates.onChange(({ object }) => namedChanged('secrets', object)),
    world.serviceAccounts.onChange(({ object }) => namedChanged('serviceAccounts', object)),
    world.configMaps.onChange(({ object }) => namedChanged('configMaps', object)),
    world.namespaces.onChange((change) => {
      if (!domainChanged(change)) return;
      const { name } = change.object.metadata;
      wake(world.pods.byIndex('namespace', name));
      for (const reference of world.references.byIndex('namespace', name))
        queues.references.add(keyOf(reference));
      for (const storage of world.storages.byIndex('namespace', name)) queues.storages.add(keyOf(storage));
    }),
  ];
  return { wakeSource, wakePlace, close: () => undo.forEach((unsubscribe) => unsubscribe()) };
}

/** Status patches, most of them our own, change no generation. */
function specChanged(change: Change<Reference> | Change<StorageConfig> | Change<Integration>): boolean {
  return change.type !== 'updated' || change.old?.metadata.generation !== change.object.metadata.generation;
}

function becameReady({ old, object }: Change<Integration>): boolean {
  return !(old && isReady(old)) && isReady(object);
}

function domainChanged({ type, old, object }: Change<DomainNamespace>): boolean {
  return type !== 'updated' || old?.domain !== object.domain || old?.legacy !== object.legacy;
}
