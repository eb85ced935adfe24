import { z } from 'zod';

/**
 * The part of a Pod that admission reads or writes. Everything else rides along untouched, so the types are
 * loose on purpose. A null counts as absent, as it does for the API server.
 */
type Maybe<T> = T | null | undefined;

export interface EnvVar {
  readonly name: string;
  readonly value?: Maybe<string>;
  readonly valueFrom?: Maybe<{
    readonly secretKeyRef?: Maybe<{ readonly name?: Maybe<string>; readonly key?: Maybe<string> }>;
  }>;
}

export interface EnvFromSource {
  readonly secretRef?: Maybe<{ readonly name?: Maybe<string> }>;
}

export interface Container {
  readonly name: string;
  readonly env?: Maybe<readonly EnvVar[]>;
  readonly envFrom?: Maybe<readonly EnvFromSource[]>;
  readonly volumeMounts?: Maybe<readonly { readonly name: string }[]>;
}

export interface Volume {
  readonly name: string;
  readonly configMap?: Maybe<{ readonly name?: Maybe<string> }>;
}

export interface SchedulingGate {
  readonly name: string;
}

export interface Pod {
  readonly metadata: {
    readonly labels?: Maybe<Readonly<Record<string, string>>>;
    readonly annotations?: Maybe<Readonly<Record<string, string>>>;
    readonly ownerReferences?: Maybe<readonly { readonly apiVersion: string; readonly kind: string }[]>;
  };
  readonly spec: {
    readonly nodeName?: Maybe<string>;
    readonly schedulingGates?: Maybe<readonly SchedulingGate[]>;
    readonly containers: readonly Container[];
    readonly initContainers?: Maybe<readonly Container[]>;
    readonly volumes?: Maybe<readonly Volume[]>;
  };
}

const text = z.string();
const container = z.object({
  name: text,
  env: z
    .array(
      z.object({
        name: text,
        value: text.nullish(),
        valueFrom: z
          .object({ secretKeyRef: z.object({ name: text.nullish(), key: text.nullish() }).nullish() })
          .nullish(),
      }),
    )
    .nullish(),
  envFrom: z.array(z.object({ secretRef: z.object({ name: text.nullish() }).nullish() })).nullish(),
  volumeMounts: z.array(z.object({ name: text })).nullish(),
});
const strings = z.record(text, text).nullish();
const shape = z.object({
  metadata: z.object({
    labels: strings,
    annotations: strings,
    ownerReferences: z.array(z.object({ apiVersion: text, kind: text })).nullish(),
  }),
  spec: z.object({
    nodeName: text.nullish(),
    schedulingGates: z.array(z.object({ name: text })).nullish(),
    containers: z.array(container),
    initContainers: z.array(container).nullish(),
    volumes: z
      .array(z.object({ name: text, configMap: z.object({ name: text.nullish() }).nullish() }))
      .nullish(),
  }),
});

/**
 * The value itself, not a copy, if it has the shape of a Pod where admission looks; otherwise undefined. zod's
 * output is thrown away: it would drop or reorder what it does not know.
 */
export function asPod(value: unknown): Pod | undefined {
  return shape.safeParse(value).success ? (value as Pod) : undefined;
}

/** Containers and init containers; ephemeral containers are not ours. */
export function allContainers(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

/** The pod with every container and init container replaced; the very same pod if none differs. */
export function mapContainers(pod: Pod, change: (container: Container) => Container): Pod {
  const map = (list: readonly Container[]) => keepIfSame(list, list.map(change));
  const containers = map(pod.spec.containers);
  const initContainers = pod.spec.initContainers && map(pod.spec.initContainers);
  if (containers === pod.spec.containers && initContainers === pod.spec.initContainers) return pod;
  return {
    ...pod,
    spec: { ...pod.spec, containers, ...(initContainers && { initContainers }) },
  };
}

/** A copy with one field set, or left out for undefined; the very same object if nothing changes. */
export function withField<T extends object, K extends keyof T & string>(
  object: T,
  field: K,
  value: T[K] | undefined,
): T {
  if (object[field] === value) return object;
  // Rest and spread define own properties, so keys like __proto__ are carried over as data.
  const { [field]: _, ...rest } = object;
  return (value === undefined ? rest : { ...rest, [field]: value }) as T;
}

/** Drops elements; the very same list if none is dropped, and undefined if none is left. */
export function without<T>(list: Maybe<readonly T[]>, drop: (item: T) => boolean): Maybe<readonly T[]> {
  const kept = list?.filter((item) => !drop(item));
  if (!list || !kept || kept.length === list.length) return list;
  return kept.length === 0 ? undefined : kept;
}

/** The old list if the new one has the same elements: identity then says "nothing changed". */
export function keepIfSame<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.length === before.length && after.every((item, i) => item === before[i]) ? before : after;
}
