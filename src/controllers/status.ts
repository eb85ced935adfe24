import { isDeepStrictEqual } from 'node:util';
import { API_VERSION } from '../api/names.ts';
import type { Condition } from '../api/schema.ts';
import type { AuditLog } from '../audit/log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Resource } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';
import { seeDocs } from '../resolve/see-docs.ts';
import type { Told } from '../runtime/outcome.ts';
import type { AskDependencies } from './ask.ts';
import { isGone } from './gone.ts';
import { readyConditions } from './ready.ts';
import type { World } from './world.ts';

/** What the controllers of our own kinds share. */
export interface StatusDependencies extends Omit<AskDependencies, 'world'> {
  readonly world: World;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly audit: Pick<AuditLog, 'note'>;
  /** Where docs/ can be read: what a status or event says about a problem ends with a link to its reason. */
  readonly docsUrl?: string | undefined;
  /** Milliseconds until what is good is checked again; with jitter. */
  readonly refreshMs: () => number;
}

/** A status check may share what was read for somebody else a moment ago; a pod's delivery may not. */
export const RECENT_MS = 2_000;

interface Owned {
  readonly metadata: Readonly<KubeObject['metadata']>;
  readonly status: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

/**
 * Patches the status of one of our kinds with the outcome's conditions and the fields given; a field that is
 * undefined is removed. Writes nothing when nothing changed. Resolves to whether the Ready condition changed.
 */
export async function writeStatus(
  resource: Resource,
  object: Owned,
  outcome: Told,
  fields: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  deps: { readonly client: Pick<KubeClient, 'patch'>; readonly clock: Clock } & Pick<
    StatusDependencies,
    'docsUrl'
  >,
): Promise<boolean> {
  const { name, namespace = '', generation = 1, uid } = object.metadata;
  const old = object.status ?? {};
  const message = seeDocs(deps.docsUrl, outcome.reason, outcome.message);
  const conditions = readyConditions(old.conditions, { ...outcome, message }, generation, deps.clock.wall());
  const wanted: Record<string, unknown> = { ...fields, observedGeneration: generation, conditions };
  const present = old as Record<string, unknown>;
  const same = Object.keys(wanted).every((field) => isDeepStrictEqual(wanted[field], present[field]));
  if (same) return false;
  const status = Object.fromEntries(Object.entries(wanted).map(([field, value]) => [field, value ?? null]));
  try {
    const patch = { metadata: { uid }, status };
    await deps.client.patch(resource, { namespace, name, subresource: 'status' }, patch, {
      type: 'merge',
      signal,
    });
  } catch (error) {
    // Deleted, or deleted and created again: its successor gets a pass of its own.
    if (isGone(error)) return false;
    throw error;
  }
  return !isDeepStrictEqual(summary(old.conditions), summary(conditions));
}

function summary(conditions: readonly Condition[] | undefined) {
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return ready && [ready.status, ready.reason, ready.message];
}

/** One event for each change of the Ready condition. */
export function recordReady(
  kind: string,
  object: Owned,
  outcome: Told,
  { events, docsUrl }: Pick<StatusDependencies, 'events' | 'docsUrl'>,
): void {
  const { name, namespace = '', uid } = object.metadata;
  events.record({
    regarding: { apiVersion: API_VERSION, kind, namespace, name, uid },
    type: outcome.kind === 'done' ? 'Normal' : 'Warning',
    reason: outcome.reason,
    action: 'Check',
    message: seeDocs(docsUrl, outcome.reason, outcome.message),
  });
}
