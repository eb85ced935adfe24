import {
  DELIVERED_ANNOTATION,
  DELIVERED_CONDITION,
  GATE,
  REFERENCES_ANNOTATION,
  STORAGE_ANNOTATION,
} from '../../api/names.ts';
import { fixOf, pageOf } from '../../api/reasons.ts';
import { NAMING_ANNOTATIONS } from '../../admission/annotations.ts';
import { deliveryNameOf, placeholderKeys, listedNames } from '../../admission/pod.ts';
import { allContainers } from '../../admission/pod-shape.ts';
import { DOMAIN_MISSING } from '../../resolve/permission.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { found, hiddenText } from '../api/see.ts';
import type { Known, SeenPod, SeenReference, SeenStorage } from './known.ts';
import { domainOf, isCurrent, rowsOf, type Row } from './rows.ts';

export interface Problem {
  readonly entry?: string;
  readonly reason: string;
  readonly message: string;
}

export interface Report {
  readonly kind: 'Pod' | 'SecretReference' | 'StorageConfig';
  readonly namespace: string;
  readonly name: string;
  /** Delivered or resolved, or nothing was asked for. */
  readonly ok: boolean;
  /** Null: the namespace has none. Absent: it cannot be seen. */
  readonly domain?: string | null;
  readonly pod?: PodReport;
  /** Condition Ready of the reference or storage, or our condition of the pod. */
  readonly condition?: { readonly status: string; readonly reason: string; readonly message: string };
  /** What to do, by the table of reasons. */
  readonly fix?: string;
  /** Where to read on: `docs/reasons.md#keynotfound`. */
  readonly docs?: string;
  readonly variables: readonly Row[];
  /** What a look at the objects shows, beside what the controller said. */
  readonly problems: readonly Problem[];
  readonly integrations: readonly IntegrationReport[];
  readonly events: readonly EventReport[];
  /** What could not be seen, and the right that would show it. */
  readonly notVisible: readonly string[];
}

export interface PodReport {
  readonly asks: boolean;
  readonly phase?: string;
  readonly gate: 'held' | 'not held';
  readonly delivery?: string;
  readonly delivered: boolean;
  readonly references: readonly string[];
  readonly storages: readonly string[];
  /** Those that read the delivery. */
  readonly containers: readonly string[];
  /** `DB_PASSWORD in main`: set by the pod itself, which wins over the delivery. */
  readonly ownEnv: readonly string[];
}

export interface IntegrationReport {
  readonly id: string;
  readonly host: string;
  readonly namespace?: string;
  readonly ready: string;
  readonly reason: string;
  readonly message: string;
}

export interface EventReport {
  readonly type: string;
  readonly reason: string;
  readonly from: string;
  readonly last: string;
  readonly message: string;
}

/** Everything that is said about a pod, a reference or a storage, from what is known. Pure. */
export function reportOf(known: Known, name: string): Report {
  const { pod, namespace } = known;
  const delivery = pod && deliveryNameOf(pod);
  const placeholders = pod && delivery !== undefined ? placeholderKeys(pod, delivery) : [];
  const variables = rowsOf(known, placeholders);
  const problems = problemsOf(known, placeholders);
  const condition = conditionOf(known);
  const podFacts = pod && podReport(pod, delivery, variables);
  const reason = condition?.status === 'True' ? undefined : condition?.reason;
  const fix = fixOf(reason);
  const page = pageOf(reason);
  return {
    kind: pod ? 'Pod' : known.storages.size > 0 ? 'StorageConfig' : 'SecretReference',
    namespace,
    name,
    ok: podFacts
      ? !podFacts.asks || isServed(podFacts)
      : condition?.status === 'True' && isCurrentOnly(known),
    ...(known.ofNamespace.kind === 'found' && { domain: domainOf(known) ?? null }),
    ...(podFacts && { pod: podFacts }),
    ...(condition && { condition }),
    ...(fix && { fix }),
    ...(page && { docs: `docs/${page}` }),
    variables,
    problems,
    integrations: integrationsOf(known),
    events: eventsOf(known),
    notVisible: notVisible(known),
  };
}

function podReport(pod: SeenPod, delivery: string | undefined, variables: readonly Row[]): PodReport {
  const { annotations = {} } = pod.metadata;
  const gated = pod.spec.schedulingGates?.some(({ name }) => name === GATE) ?? false;
  const readers = allContainers(pod).filter(({ envFrom, env }) =>
    [
      ...(envFrom ?? []).map((one) => one.secretRef),
      ...(env ?? []).map((one) => one.valueFrom?.secretKeyRef),
    ].some((ref) => delivery !== undefined && ref?.name === delivery),
  );
  const names = new Set(variables.map(({ variable }) => variable));
  const { phase } = pod.status ?? {};
  return {
    asks:
      gated || delivery !== undefined || NAMING_ANNOTATIONS.some((name) => Object.hasOwn(annotations, name)),
    ...(phase !== undefined && { phase }),
    gate: gated ? 'held' : 'not held',
    ...(delivery !== undefined && { delivery }),
    delivered: Object.hasOwn(annotations, DELIVERED_ANNOTATION),
    references: listedNames(annotations[REFERENCES_ANNOTATION] ?? ''),
    storages: listedNames(annotations[STORAGE_ANNOTATION] ?? ''),
    containers: readers.map(({ name }) => name),
    ownEnv: readers.flatMap((container) =>
      (container.env ?? [])
        .filter(({ name }) => names.has(name))
        .map(({ name }) => `${name} in ${container.name}`),
    ),
  };
}

function isServed({ gate, delivered }: PodReport): boolean {
  return delivered && gate === 'not held';
}

function isCurrentOnly(known: Known): boolean {
  return [...known.references.values(), ...known.storages.values()].every((seen) => {
    const object = found<SeenReference | SeenStorage>(seen);
    return !object || isCurrent(object);
  });
}

function conditionOf({ pod, references, storages }: Known): Report['condition'] {
  const [only] = [...references.values(), ...storages.values()];
  const conditions = (pod ?? found<SeenPod | SeenReference | SeenStorage>(only))?.status?.conditions;
  const type = pod ? DELIVERED_CONDITION : 'Ready';
  const condition = conditions?.find((one) => one.type === type);
  return (
    condition && {
      status: condition.status,
      reason: condition.reason ?? '',
      message: condition.message ?? '',
    }
  );
}

/** What the resolver would say before it asks any source, of the references and storages that can be seen. */
function problemsOf(known: Known, placeholders: readonly string[]): Problem[] {
  const references = [...known.references].flatMap(([name, seen]) => {
    if (seen.kind === 'hidden') return [];
    return [seen.kind === 'found' ? { name, ...seen.object.spec } : { missing: name }];
  });
  const storages = [...known.storages].flatMap(([name, seen]) => {
    if (seen.kind === 'hidden') return [];
    return [seen.kind === 'found' ? { name, spec: seen.object.spec } : { missing: name }];
  });
  const { problems } = collectWanted(references, placeholders, storages);
  const homeless =
    known.ofNamespace.kind === 'found' && domainOf(known) === undefined ? [DOMAIN_MISSING] : [];
  return [...homeless, ...problems].map((problem: Problem) => ({
    ...(problem.entry !== undefined && { entry: problem.entry }),
    reason: problem.reason,
    message: problem.message,
  }));
}

function integrationsOf({ integrations }: Known): IntegrationReport[] {
  return [...integrations].flatMap(([id, seen]) => {
    const integration = found(seen);
    if (!integration) return [];
    const { spec, status } = integration;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return [
      {
        ...{ id, host: spec.host, ...(spec.namespace !== undefined && { namespace: spec.namespace }) },
        ...{ ready: ready?.status ?? 'Unknown', reason: ready?.reason ?? '', message: ready?.message ?? '' },
      },
    ];
  });
}

const EVENTS_SHOWN = 10;

function eventsOf({ events }: Known): EventReport[] {
  const all = (found(events) ?? []).map((event) => ({
    type: event.type ?? '',
    reason: event.reason ?? '',
    from: event.reportingComponent || (event.source?.component ?? ''),
    last: event.lastTimestamp ?? event.eventTime ?? '',
    message: event.message ?? '',
  }));
  return all.sort((a, b) => (a.last < b.last ? -1 : Number(a.last > b.last))).slice(-EVENTS_SHOWN);
}

function notVisible(known: Known): string[] {
  const hidden: string[] = [];
  const note = (what: string, seen: { readonly kind: string; readonly needs?: string }): void => {
    if (seen.kind === 'hidden') hidden.push(`${what}: ${hiddenText(seen.needs ?? '')}`);
  };
  note(`the domain of namespace ${known.namespace}`, known.ofNamespace);
  for (const [name, seen] of known.references) note(`SecretReference ${name}`, seen);
  for (const [name, seen] of known.storages) note(`StorageConfig ${name}`, seen);
  for (const [id, seen] of known.integrations) note(`VaultIntegration ${id}`, seen);
  note('events', known.events);
  return hidden;
}
