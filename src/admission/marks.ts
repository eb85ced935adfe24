import { DELIVERED_ANNOTATION, DELIVERY_LABEL, GATE } from '../api/names.ts';
import { isDeliveryName } from '../deliver/name.ts';
import { withoutOptions } from './options.ts';
import { keyOfVariable, placeholderText, restoreReferences } from './placeholders.ts';
import { isExecutor } from './spark-pod.ts';
import {
  allContainers,
  keepIfSame,
  mapContainers,
  withField,
  without,
  type Container,
  type EnvFromSource,
  type EnvVar,
  type Pod,
  type SchedulingGate,
} from './pod-shape.ts';

/**
 * Our marks on a pod are never trusted: they may be copied from a running pod, restored from a backup, forged, or
 * left by an earlier call of this webhook under another request uid. Admission strips them all and builds anew.
 */
export function strip(pod: Pod): Pod {
  const metadata = withField(
    withField(pod.metadata, 'labels', withoutKey(pod.metadata.labels, DELIVERY_LABEL)),
    'annotations',
    withoutKey(pod.metadata.annotations, DELIVERED_ANNOTATION),
  );
  const gates = without(pod.spec.schedulingGates, isOurGate);
  const spec = withField(pod.spec, 'schedulingGates', gates);
  const handedOn = handedOnDelivery(pod);
  return mapContainers(withField(withField(pod, 'metadata', metadata), 'spec', spec), (container) =>
    stripContainer(container, handedOn),
  );
}

/**
 * The delivery of its driver that an executor reads: Spark wrote the secretKeyRefs, and without them the executor would
 * run on nothing. Admission itself writes none but those of placeholders, so these cannot be left from an earlier pass.
 * security: label and owner are no proof. Whoever forges them keeps what any pod of the namespace may name that never
 * comes here; strict mode asks whoever makes such a pod for a permission.
 */
function handedOnDelivery(pod: Pod): string | undefined {
  if (!isExecutor(pod)) return undefined;
  const names = allContainers(pod)
    .flatMap(({ env }) => env ?? [])
    .filter((entry) => isOurs(entry) && ourKey(entry) === undefined)
    .map((entry) => entry.valueFrom?.secretKeyRef?.name);
  return new Set(names).size === 1 ? (names[0] ?? undefined) : undefined;
}

/**
 * The names of the containers that an earlier pass of this admission chose, or undefined if this is the first: a
 * copy of a running pod has our envFrom but no longer our gate.
 */
export function recordedContainers(pod: Pod): ReadonlySet<string> | undefined {
  if (!pod.spec.schedulingGates?.some(isOurGate)) return undefined;
  const chosen = allContainers(pod).filter((container) => container.envFrom?.some(isOurEnvFrom));
  return chosen.length > 0 ? new Set(chosen.map(({ name }) => name)) : undefined;
}

/**
 * The one delivery that the pod reads: named by the envFrom of its containers or, if none of them has one of ours,
 * by the secretKeyRefs of its placeholders. Undefined if there is none, or if two different ones are named. Other
 * secretKeyRefs say nothing: an executor has those of its driver's delivery.
 */
export function deliveryNameOf(pod: Pod): string | undefined {
  const containers = allContainers(pod);
  const byEnvFrom = containers
    .flatMap(({ envFrom }) => envFrom ?? [])
    .map((source) => source.secretRef?.name);
  const byKey = containers
    .flatMap(({ env }) => env ?? [])
    .filter((entry) => ourKey(entry) !== undefined)
    .map((entry) => entry.valueFrom?.secretKeyRef?.name);
  for (const candidates of [byEnvFrom, byKey]) {
    const names = new Set(candidates.filter((name) => isDeliveryName(name ?? undefined)));
    if (names.size > 0) return names.size === 1 ? ([...names][0] ?? undefined) : undefined;
  }
  return undefined;
}

/** The keys of the global store that the pod's secretKeyRefs to this delivery ask for, each once. */
export function placeholderKeys(pod: Pod, delivery: string): readonly string[] {
  const keys = allContainers(pod)
    .flatMap(({ env }) => env ?? [])
    .filter((entry) => entry.valueFrom?.secretKeyRef?.name === delivery)
    .map((entry) => keyOfVariable(entry.valueFrom?.secretKeyRef?.key ?? ''));
  return [...new Set(keys.filter((key) => key !== undefined))];
}

function stripContainer(container: Container, handedOn: string | undefined): Container {
  const envFrom = without(container.envFrom, isOurEnvFrom);
  return withField(withField(container, 'envFrom', envFrom), 'env', stripEnv(container.env, handedOn));
}

/**
 * The inverse of rewritePlaceholders and addOptions. A secretKeyRef of ours that they cannot have written is dropped,
 * unless a driver has handed it on.
 */
function stripEnv(env: Container['env'], handedOn: string | undefined): Container['env'] {
  if (!env) return env;
  const fed = new Set(env.filter(isFeeder).map((entry) => ourKey(entry) ?? ''));
  const restored = env.flatMap((entry): EnvVar[] => {
    if (!isOurs(entry)) {
      const value = entry.value;
      if (typeof value !== 'string') return [entry];
      return [withoutOptions(withField(entry, 'value', restoreReferences(value, fed)))];
    }
    const key = ourKey(entry);
    if (key === undefined && entry.valueFrom?.secretKeyRef?.name === handedOn) return [entry];
    if (key === undefined || isFeeder(entry)) return [];
    return [{ ...withField(entry, 'valueFrom', undefined), value: placeholderText(key) }];
  });
  return restored.length === 0 && env.length > 0 ? undefined : keepIfSame(env, restored);
}

function isOurGate(gate: SchedulingGate): boolean {
  return gate.name === GATE;
}

function isOurEnvFrom(source: EnvFromSource): boolean {
  return isDeliveryName(source.secretRef?.name ?? undefined);
}

function isOurs(entry: EnvVar): boolean {
  return isDeliveryName(entry.valueFrom?.secretKeyRef?.name ?? undefined);
}

function ourKey(entry: EnvVar): string | undefined {
  return keyOfVariable(entry.valueFrom?.secretKeyRef?.key ?? '');
}

/** Feeds `$(FAIRLEAD_SECRET_<key>)` in later values: the variable bears the name of the key it reads. */
function isFeeder(entry: EnvVar): boolean {
  return isOurs(entry) && ourKey(entry) !== undefined && entry.name === entry.valueFrom?.secretKeyRef?.key;
}

function withoutKey(map: Pod['metadata']['labels'], key: string): Pod['metadata']['labels'] {
  if (!map || !Object.hasOwn(map, key)) return map;
  const rest = withField<Readonly<Record<string, string>>, string>(map, key, undefined);
  return Object.keys(rest).length === 0 ? undefined : rest;
}
