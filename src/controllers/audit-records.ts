import type { Actor, AuditRecord, Outcome } from '../audit/record.ts';
import { placeKey, placeOf, type Place } from '../resolve/place.ts';
import type { Problem } from '../resolve/problem.ts';
import type { Counts, EntryState, ImportState, Resolution, States } from '../resolve/resolve.ts';
import type { Told } from '../runtime/outcome.ts';
import type { Asker } from '../resolve/wanted.ts';
import type { GatedPod, Reference, StorageConfig } from './objects.ts';

/** A resolution, where its sources were read, and how much a pod gets of it. */
export type Found = Resolution & { readonly states: States; readonly counts: Counts };

/** security: reasons that say "you may not", as opposed to "it is not there" and "it does not work". */
const REFUSALS: ReadonlySet<string> = new Set([
  'DomainMissing',
  'DomainForbidden',
  'UseForbidden',
  'NotSupportedHere',
  'QuotaExceeded',
  'DeliveryRefused',
  'GateHeld',
]);

/** What a delivery is going to hold: one record for the pod, and one for each entry with where it comes from. */
export function intentRecords(pod: GatedPod, delivery: string, found: Found): readonly AuditRecord[] {
  const about = { actor: actorOf(pod), namespace: pod.metadata.namespace ?? '', delivery };
  const whole = deliveryRecord(pod, delivery, found, 'allowed', 'Resolved');
  const entries = found.entries.map((entry) => ({ ...about, ...entryFields(entry, found.states) }));
  const imports = found.imports.map((one) => ({ ...about, ...importFields(one, found.states) }));
  return [whole, ...entries, ...imports];
}

export function deliveryRecord(
  pod: GatedPod,
  delivery: string,
  { counts }: Pick<Found, 'counts'>,
  outcome: Outcome,
  reason: string,
  message?: string,
): AuditRecord {
  const { variables, properties } = counts;
  const about = { variables, ...(properties > 0 && { properties }), delivery };
  return { ...podFields(pod), action: 'deliver', ...about, outcome, reason, message };
}

/** A pod that waits; of several problems the first one's entry. */
export function heldRecord(pod: GatedPod, told: Told, problems: readonly Problem[]): AuditRecord {
  const [problem] = problems;
  return {
    ...podFields(pod),
    action: 'deliver',
    entry: problem?.entry,
    ...(problem?.secret && secretFields(problem.secret)),
    outcome: outcomeOf(told.reason),
    reason: told.reason,
    message: told.message,
  };
}

/** A reference or a storage was looked at, by Fairlead itself, and found good or not. */
export function checkRecord(
  kind: Asker['kind'],
  { metadata }: Pick<Reference | StorageConfig, 'metadata'>,
  told: Told,
  { data, problems }: Resolution,
  systemNamespace: string,
): AuditRecord {
  const [problem] = problems;
  return {
    actor: { kind: 'controller', namespace: systemNamespace, name: 'fairlead-controller' },
    action: 'resolve',
    namespace: metadata.namespace ?? '',
    ...askedBy({ kind, name: metadata.name }),
    entry: problem?.entry,
    ...(problem?.secret && secretFields(problem.secret)),
    ...(!problem && { variables: data.size }),
    outcome: problem ? outcomeOf(told.reason) : 'allowed',
    reason: told.reason,
    message: told.message,
  };
}

function podFields(pod: GatedPod) {
  const joined = (names: readonly string[]) => (names.length > 0 ? names.join(',') : undefined);
  const [reference, storage] = [joined(pod.references), joined(pod.storages)];
  return { actor: actorOf(pod), namespace: pod.metadata.namespace ?? '', reference, storage };
}

function askedBy(from: Asker | undefined): Pick<AuditRecord, 'reference' | 'storage'> {
  if (!from) return {};
  return from.kind === 'StorageConfig' ? { storage: from.name } : { reference: from.name };
}

function actorOf({ metadata: { namespace = '', name, uid }, serviceAccount }: GatedPod): Actor {
  return { kind: 'pod', namespace, name, uid, serviceAccount };
}

function entryFields({ wanted, problem, version }: EntryState, states: States) {
  const { name, from, secret } = wanted;
  return {
    action: 'resolve' as const,
    ...askedBy(from),
    entry: name,
    ...secretFields(secret),
    path: locationOf(states, placeOf(secret)),
    version,
    ...resultOf(problem),
  };
}

function importFields({ wanted, problem, version, variables }: ImportState, states: States) {
  const { name, from, entry } = wanted;
  const { source } = entry;
  const path = locationOf(states, placeOf(entry));
  return {
    ...{ action: 'resolve' as const, reference: from, entry: name, source, path, version, variables },
    ...resultOf(problem),
  };
}

function secretFields({ source, key, property }: EntryState['wanted']['secret']) {
  return { source, key: property === undefined ? key : `${key} property ${property}` };
}

/** Only of what is optional a problem comes this far. */
function resultOf(problem: Problem | undefined): Pick<AuditRecord, 'outcome' | 'reason' | 'message'> {
  if (!problem) return { outcome: 'allowed', reason: 'Resolved' };
  const { reason, message } = problem;
  return { outcome: outcomeOf(reason), reason, message };
}

function locationOf(states: States, place: Place): string | undefined {
  const state = states.get(placeKey(place));
  return state?.kind === 'fields' ? state.location : undefined;
}

function outcomeOf(reason: string): Outcome {
  return REFUSALS.has(reason) ? 'refused' : 'failed';
}
