import { bound, summarize, type Problem } from '../../resolve/problem.ts';
import type { Storage } from '../../resolve/storage.ts';
import { collectWanted, type ReferenceEntries, type WantedSet } from '../../resolve/wanted.ts';
import { DOMAIN_MISSING } from '../../resolve/permission.ts';
import { counted, type Resolution } from '../../resolve/resolve.ts';
import type { Found } from '../audit-records.ts';
import type { DomainNamespace, GatedPod } from '../objects.ts';
import { stalled, waiting, type Told } from '../../runtime/outcome.ts';

/** What is to be done with a pod before any source is asked. */
export type Triage =
  | { readonly kind: 'leave'; readonly why: 'deleting' | 'delivered' }
  | { readonly kind: 'hold'; readonly problems: readonly Problem[] }
  | { readonly kind: 'resolve'; readonly delivery: string };

/** Reads the pod's own state. Marks that people can edit decide nothing; envFrom cannot be edited. */
export function triage(pod: GatedPod): Triage {
  if (pod.deleting) return { kind: 'leave', why: 'deleting' };
  if (pod.delivered && !pod.gated) return { kind: 'leave', why: 'delivered' };
  if (pod.delivery === undefined) return { kind: 'hold', problems: [GATE_HELD] };
  return { kind: 'resolve', delivery: pod.delivery };
}

const GATE_HELD: Problem = {
  reason: 'GateHeld',
  message:
    "the pod has the gate fairlead.dev/secrets but no envFrom of Fairlead's webhook, so nothing can be delivered to it; delete it and create it again",
};

/** Everything the pod asks for: its references and storages, and its placeholders where the namespace allows them. */
export function wantedBy(
  pod: GatedPod,
  namespace: Pick<DomainNamespace, 'domain' | 'legacy'> | undefined,
  reference: (name: string) => ReferenceEntries | undefined,
  storage: (name: string) => Storage | undefined,
): WantedSet {
  const references = pod.references.map((name) => reference(name) ?? { missing: name });
  const storages = pod.storages.map((name) => storage(name) ?? { missing: name });
  const collected = collectWanted(references, pod.placeholders, storages);
  const problems = [...collected.problems];
  if (namespace?.domain === undefined) problems.unshift(DOMAIN_MISSING);
  if (pod.placeholders.length > 0 && namespace?.legacy !== true) problems.push(PLACEHOLDERS_OFF);
  return { ...collected, problems };
}

const PLACEHOLDERS_OFF: Problem = {
  reason: 'NotSupportedHere',
  message:
    'placeholders are only for namespaces with the label fairlead.dev/legacy-placeholders: enabled; use a SecretReference',
};

/** How the event of a delivery says what is in it. */
export function deliveredMessage(
  { counts, provenance }: Pick<Found, 'counts' | 'provenance'>,
  delivery: string,
  existed: boolean,
): string {
  const from = provenance.length > 0 ? ` from ${provenance.join(', ')}` : '';
  const what = existed ? 'what was resolved before was' : `${counted(counts)}${from}`;
  return `${what} delivered in Secret ${delivery}`;
}

/** The warning about properties whose values Spark does not hide; undefined if there is none. */
export function shownMessage(properties: readonly string[]): string | undefined {
  if (properties.length === 0) return undefined;
  return bound(
    `Spark shows the values of these properties in its UI and its event log, unless spark.redaction.regex matches their names: ${properties.join(', ')}`,
  );
}

/** Why a pod waits. The machinery looks at the outcome alone, the audit at the problems, too. */
export type Held = Told & { readonly problems: readonly Problem[] };

/** Nothing starts on half a set: a pod gets everything or waits with the reason. */
export function hold(problems: readonly Problem[]): Held {
  const { reason, message, terminal, retryAfterMs } = summarize(problems);
  const outcome = terminal ? stalled(reason, message) : waiting(reason, message, retryAfterMs);
  return { ...outcome, problems };
}

/** What hold() was given, if the outcome is one of its. */
export function problemsOf(outcome: Told): readonly Problem[] {
  return (outcome as Partial<Held>).problems ?? [];
}

export function isComplete(resolution: Resolution): boolean {
  return resolution.problems.length === 0;
}
