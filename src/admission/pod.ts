import { isDeepStrictEqual } from 'node:util';
import { deliveryName } from '../deliver/name.ts';
import { annotation, NAMING_ANNOTATIONS, namesMistake } from './annotations.ts';
import { build } from './gate.ts';
import { recordedContainers, strip } from './marks.ts';
import { hasPlaceholder } from './placeholders.ts';
import { allContainers, asPod, type Pod } from './pod-shape.ts';
import { sparkConfigMap } from './spark-pod.ts';

// What the gate controller reads back from a pod that admission wrote.
export { listedNames } from './annotations.ts';
export { deliveryNameOf, placeholderKeys } from './marks.ts';
export { isOurOptions, ownOptions, type OwnOptions } from './options.ts';
export { isDriver, isExecutor, sparkConfigMap } from './spark-pod.ts';
export type { Pod } from './pod-shape.ts';

/** What admission uses of an AdmissionRequest; the rest may be there. */
export interface PodRequest {
  readonly uid: string;
  readonly object?: unknown;
}

export interface PodOptions {
  /** Whether the namespace is labelled `fairlead.dev/legacy-placeholders: enabled`; the URL path says so. */
  readonly legacy: boolean;
  /** Whether placeholders in Spark configuration are served: then a driver waits for its own. */
  readonly legacySpark?: boolean;
}

export type PodMutation =
  | { readonly kind: 'patched'; readonly pod: Pod; readonly warnings: readonly string[] }
  | { readonly kind: 'unchanged'; readonly warnings: readonly string[] }
  | { readonly kind: 'denied'; readonly message: string };

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/**
 * What admission makes of a new pod: everything that bears our marks is stripped, then gate, label, envFrom and
 * placeholders are written anew if the pod asks for secrets. A pure function of the request: called again with
 * the same uid it gives the same pod, with another uid only the delivery's name differs. Never throws on input.
 */
export function mutatePod(request: PodRequest, options: PodOptions): PodMutation {
  const pod = asPod(request.object);
  if (!pod) return denied('the object is not a Pod');
  const bound = Boolean(pod.spec.nodeName);
  if (bound && annotation(pod, MIRROR_ANNOTATION) !== undefined)
    return { kind: 'unchanged', warnings: ['Fairlead leaves mirror pods alone: this pod gets no secrets'] };

  const clean = strip(pod);
  const named = NAMING_ANNOTATIONS.filter((by) => annotation(clean, by) !== undefined);
  const hasPlaceholders = allContainers(clean).some(hasPlaceholder);
  const sparkConf = options.legacySpark === true && options.legacy && sparkConfigMap(clean) !== undefined;
  if (named.length === 0 && !(options.legacy && hasPlaceholders) && !sparkConf)
    return outcome(pod, clean, literalWarnings(hasPlaceholders));

  for (const by of named) {
    const mistake = namesMistake(by, annotation(clean, by) ?? '');
    if (mistake !== undefined) return denied(mistake);
  }
  if (bound)
    return denied(
      'the pod sets spec.nodeName, so Kubernetes does not let it wait for its secrets: use a nodeSelector or affinity instead',
    );
  const built = build(clean, {
    delivery: deliveryName(request.uid),
    named: named.length > 0,
    legacy: options.legacy,
    sparkConf,
    recorded: recordedContainers(pod),
  });
  if (!built.ok) return denied(built.message);
  return outcome(pod, built.pod, [...built.warnings, ...literalWarnings(hasPlaceholders && !options.legacy)]);
}

function outcome(before: Pod, after: Pod, warnings: readonly string[]): PodMutation {
  const shown = warnings.slice(0, 5);
  return before === after || isDeepStrictEqual(before, after)
    ? { kind: 'unchanged', warnings: shown }
    : { kind: 'patched', pod: after, warnings: shown };
}

function literalWarnings(literal: boolean): readonly string[] {
  return literal
    ? ['${secrets.<key>} stays literal here: the namespace lacks fairlead.dev/legacy-placeholders: enabled']
    : [];
}

function denied(message: string): PodMutation {
  return { kind: 'denied', message };
}
