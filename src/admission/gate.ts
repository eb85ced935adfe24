import { CONTAINERS_ANNOTATION, DELIVERY_LABEL, GATE } from '../api/names.ts';
import { annotation, listedNames, containersMistake, quoted } from './annotations.ts';
import { addOptions, hidesOptions, mayHideOptions } from './options.ts';
import { hasPlaceholder, rewritePlaceholders } from './placeholders.ts';
import { allContainers, mapContainers, withField, type Container, type Pod } from './pod-shape.ts';
import { isDriver, readsSparkConf } from './spark-pod.ts';

export interface BuildOptions {
  /** The delivery's name. */
  readonly delivery: string;
  /** Whether the pod names SecretReferences or StorageConfigs, or is here for its placeholders only. */
  readonly named: boolean;
  /** Whether the Spark configuration of the pod can have placeholders. */
  readonly sparkConf: boolean;
  /** Whether placeholders are Fairlead's business in this namespace. */
  readonly legacy: boolean;
  /** The containers that an earlier pass chose. */
  readonly recorded: ReadonlySet<string> | undefined;
}

export type Built =
  | { readonly ok: true; readonly pod: Pod; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Writes our marks on a pod that has been stripped: the gate beside other projects' gates, the label, envFrom as
 * the last one of each chosen container, and the placeholders. Not ok, with a message for the user, if the pod
 * asks for something that cannot be done.
 */
export function build(pod: Pod, options: BuildOptions): Built {
  const choice = choose(pod, options);
  if (!choice.ok) return choice;
  const mistakes: string[] = [];
  const warnings = [...choice.warnings];
  const withContainers = mapContainers(pod, (container) => {
    const isChosen = choice.chosen(container);
    if (isChosen && hidesOptions(container)) warnings.push(hidden(container));
    if (isChosen && isDriver(pod) && mayHideOptions(container)) warnings.push(hiding(container));
    // Before placeholders: a value that is nothing but one becomes a longer value.
    const complete = isChosen ? addOptions(container) : container;
    const rewritten = options.legacy
      ? rewritePlaceholders(complete, options.delivery)
      : { ok: true as const, container: complete };
    if (!rewritten.ok) {
      mistakes.push(`container ${quoted(container.name)} ${rewritten.message}`);
      return container;
    }
    return isChosen ? addEnvFrom(rewritten.container, options.delivery) : rewritten.container;
  });
  const mistake = mistakes[0];
  if (mistake !== undefined) return { ok: false, message: mistake };
  return { ok: true, pod: addGateAndLabel(withContainers, options.delivery), warnings };
}

function hidden({ name }: Container): string {
  return `${quoted(name)} has SPARK_SUBMIT_OPTS from valueFrom, so Spark gets no options of Fairlead's there`;
}

function hiding({ name }: Container): string {
  return `${quoted(name)} has envFrom of its own: a SPARK_SUBMIT_OPTS in it is hidden by Fairlead's; set it in env`;
}

type Choice =
  | {
      readonly ok: true;
      readonly chosen: (container: Container) => boolean;
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/**
 * Who gets envFrom: those that the user names, else those of the first pass, else all. A sidecar that another
 * webhook injects between two passes gets no secrets unless it is named. For placeholders alone, no more
 * containers than have one, in their env or in the Spark configuration that they read.
 */
function choose(pod: Pod, { named, sparkConf, recorded }: BuildOptions): Choice {
  const present = new Set(allContainers(pod).map(({ name }) => name));
  const value = annotation(pod, CONTAINERS_ANNOTATION);
  if (value !== undefined) {
    const mistake = containersMistake(value);
    if (mistake !== undefined) return { ok: false, message: mistake };
    const listed = new Set(listedNames(value));
    // Not an error: another webhook may inject it later, and then this one is called again.
    const warnings = [...listed]
      .filter((name) => !present.has(name))
      .map((name) => `fairlead.dev/containers names ${quoted(name)}, which the pod does not have (yet)`);
    return { ok: true, chosen: ({ name }) => listed.has(name), warnings };
  }
  if (!named) {
    const chosen = (container: Container) =>
      hasPlaceholder(container) || (sparkConf && readsSparkConf(container));
    return { ok: true, chosen, warnings: [] };
  }
  if (!recorded) return { ok: true, chosen: () => true, warnings: [] };
  const warnings = [...present]
    .filter((name) => !recorded.has(name))
    .map(
      (name) => `${quoted(name)} was added later and gets no secrets unless fairlead.dev/containers names it`,
    );
  return { ok: true, chosen: ({ name }) => recorded.has(name), warnings };
}

/** Last, so that of several sources with the same variable ours wins; an explicit env entry wins over all. */
function addEnvFrom(container: Container, delivery: string): Container {
  return withField(container, 'envFrom', [...(container.envFrom ?? []), { secretRef: { name: delivery } }]);
}

function addGateAndLabel(pod: Pod, delivery: string): Pod {
  const labels = { ...pod.metadata.labels, [DELIVERY_LABEL]: delivery };
  const schedulingGates = [...(pod.spec.schedulingGates ?? []), { name: GATE }];
  return {
    ...pod,
    metadata: withField(pod.metadata, 'labels', labels),
    spec: withField(pod.spec, 'schedulingGates', schedulingGates),
  };
}
