import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod } from './pod-shape.ts';

/** The operations of RFC 6902 that are needed here. `add` to a member that exists replaces it. */
export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/**
 * The patch that turns the pod as it came in into the pod as admission computed it. It names only the fields that
 * admission writes, so that what it does not know or did not change cannot be altered by the round trip. Both
 * pods must have the same containers in the same order.
 */
export function podPatch(before: Pod, after: Pod): readonly PatchOperation[] {
  return [
    ...fieldPatch('/metadata/labels', before.metadata.labels, after.metadata.labels),
    ...fieldPatch('/metadata/annotations', before.metadata.annotations, after.metadata.annotations),
    ...fieldPatch('/spec/schedulingGates', before.spec.schedulingGates, after.spec.schedulingGates),
    ...containersPatch('/spec/initContainers', before.spec.initContainers, after.spec.initContainers),
    ...containersPatch('/spec/containers', before.spec.containers, after.spec.containers),
  ];
}

type Containers = readonly Container[] | null | undefined;

function containersPatch(path: string, before: Containers, after: Containers): readonly PatchOperation[] {
  return (before ?? []).flatMap((container, i) => [
    ...fieldPatch(`${path}/${i}/env`, container.env, after?.[i]?.env),
    ...fieldPatch(`${path}/${i}/envFrom`, container.envFrom, after?.[i]?.envFrom),
  ]);
}

function fieldPatch(path: string, before: unknown, after: unknown): readonly PatchOperation[] {
  if (isDeepStrictEqual(before, after)) return [];
  return after === undefined ? [{ op: 'remove', path }] : [{ op: 'add', path, value: after }];
}
