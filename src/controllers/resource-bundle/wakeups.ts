import { keyOf } from '../../kube/objects.ts';
import type { World } from '../world.ts';
import { bundleOfRole } from './grants.ts';

/**
 * Queues a bundle when it, an integration of it, or one of its Roles changes: whoever edits or deletes those finds
 * them mended. Our own writes come back, too, and then there is nothing to write. What it returns unsubscribes.
 */
export function wireBundles(
  {
    bundles,
    integrations,
    roles,
    roleBindings,
  }: Pick<World, 'bundles' | 'integrations' | 'roles' | 'roleBindings'>,
  systemNamespace: string,
  queue: { add(key: string): void },
): () => void {
  const add = (name: string | undefined) => {
    if (name !== undefined) queue.add(`${systemNamespace}/${name}`);
  };
  const roleChanged = ({ object }: { readonly object: { readonly metadata: { readonly name: string } } }) =>
    add(bundleOfRole(object.metadata.name));
  const undo = [
    bundles.onChange(({ type, old, object }) => {
      // Status patches, most of them our own, change no generation.
      const isSame = type === 'updated' && old?.metadata.generation === object.metadata.generation;
      if (!isSame || object.metadata.deletionTimestamp !== undefined) add(object.metadata.name);
    }),
    integrations.onChange(({ type, object, old }) => {
      // The bundle of an integration is immutable, but a missed deletion can show as a change.
      const [before, after] = [old?.spec.resourceBundle, object.spec.resourceBundle];
      if (type === 'updated' && before === after) return;
      add(before);
      add(after);
    }),
    roles.onChange(roleChanged),
    roleBindings.onChange(roleChanged),
  ];
  // Roles of bundles that went while nobody looked are there to be removed.
  for (const bundle of bundles.list()) queue.add(keyOf(bundle));
  for (const { metadata } of [...roles.list(), ...roleBindings.list()]) add(bundleOfRole(metadata.name));
  return () => undo.forEach((unsubscribe) => unsubscribe());
}
