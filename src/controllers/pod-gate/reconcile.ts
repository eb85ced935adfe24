import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Problem } from '../../resolve/problem.ts';
import { resolve } from '../../resolve/resolve.ts';
import { seeDocs } from '../../resolve/see-docs.ts';
import type { Clock } from '../../runtime/clock.ts';
import { done, later, type Outcome, type Told } from '../../runtime/outcome.ts';
import { ask, type AskDependencies } from '../ask.ts';
import type { LiveReads } from '../live.ts';
import type { Found } from '../audit-records.ts';
import type { GatedPod } from '../objects.ts';
import type { LegacyProperty } from '../../admission/spark-conf.ts';
import { cachedView, liveView, type View } from '../view.ts';
import type { World } from '../world.ts';
import { createDelivery, deliveredCondition, liftGate, writeCondition, type Written } from './act.ts';
import { auditHeld, auditIntent, auditOutcome, type AuditDependencies } from './audit.ts';
import { deliveredMessage, hold, isComplete, shownMessage, triage, wantedBy } from './decide.ts';
import { podSwitchedOff, type SecretsV2 } from '../secrets-v2.ts';
import { legacySpark, type LegacySparkDependencies } from './legacy-spark.ts';
import type { PodMemory } from './memory.ts';
import { deliveryContents, type Contents, type SparkAsking } from './spark.ts';
import { useProblems, type StrictUse } from './strict-use.ts';

export interface PodGateDependencies
  extends Omit<AskDependencies, 'world'>, LegacySparkDependencies, SecretsV2 {
  readonly world: World;
  readonly client: KubeClient;
  readonly live: LiveReads;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  /** The problem if Fairlead's policies do not stand in the cluster: then nothing is delivered. */
  readonly fence: () => Problem | undefined;
  readonly memory: PodMemory;
  /** Its gate was lifted. */
  readonly onDelivered?: (pod: GatedPod) => void;
  /** With --strict-use: the pod's ServiceAccount must be allowed to use what the pod names. */
  readonly strictUse?: StrictUse | undefined;
  readonly audit: AuditDependencies['audit'];
  /** Where docs/ can be read: why a pod waits then ends with a link to its reason. */
  readonly docsUrl?: string | undefined;
}

/** One pass for one pod: gather references and values, decide, create the delivery, lift the gate. */
export async function reconcilePod(
  key: string,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<Outcome> {
  const seen = deps.world.pods.get(key);
  if (!seen) return done();
  const todo = triage(seen);
  if (todo.kind === 'leave') return done();
  const lag = deps.memory.releasedFor(seen.metadata.uid, deps.clock.now());
  if (lag > 0) return later(lag);
  if (todo.kind === 'hold') return hold(todo.problems);
  const fence = deps.fence();
  if (fence) return hold([fence]);
  const off = podSwitchedOff(seen, deps);
  if (off) return hold([off]);

  const spark = await legacySpark(seen, signal, deps);
  if (spark.kind === 'wait') return spark.outcome;
  const pod = asking(seen, todo.delivery, spark.lines);
  const known = await gather(pod, cachedView(deps.world, deps.systemNamespace), signal, deps);
  if (known.kind === 'later') return known;
  if (!isComplete(known)) return hold(known.problems);
  // Everything seems to be there: what is delivered is read anew, since caches lag behind.
  const found = await gather(pod, await liveView(pod, deps, signal), signal, deps);
  if (found.kind === 'later') return found;
  if (!isComplete(found)) return hold(found.problems);

  const unwritten = await auditIntent(pod, todo.delivery, found, signal, deps);
  if (unwritten) return hold([unwritten]);
  const { data } = found.contents;
  const created = await createDelivery(deps.client, pod, todo.delivery, { ...found, data }, signal);
  const released = created.kind === 'done' ? await release(pod, todo.delivery, signal, deps) : created;
  const written = released.kind === 'done' ? { ...created, ...released } : released;
  await auditOutcome(pod, todo.delivery, found, written, signal, deps);
  if (written.kind === 'refused') return hold([written.problem]);
  if (written.kind === 'done') {
    recordDelivery(pod, todo.delivery, found, written, deps);
    deps.onDelivered?.(pod);
  }
  return done();
}

/** A pod with all that it asks for, in its Spark configuration too. */
type Asking = GatedPod & SparkAsking;

function asking(pod: GatedPod, delivery: string, lines: readonly LegacyProperty[]): Asking {
  const keys = lines.flatMap(({ pieces }) =>
    pieces.flatMap((piece) => (typeof piece === 'string' ? [] : piece.key)),
  );
  return {
    ...pod,
    delivery,
    lines,
    inEnv: pod.placeholders,
    placeholders: [...new Set([...pod.placeholders, ...keys])],
  };
}

type Resolved = Found & { readonly contents: Contents };
type Gathered = ({ readonly kind: 'resolution' } & Resolved) | Extract<Outcome, { kind: 'later' }>;

async function gather(
  pod: Asking,
  view: View,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<Gathered> {
  const { namespace: in_ = '' } = pod.metadata;
  const namespace = view.namespace(in_);
  const reference = (name: string) => {
    const found = view.reference(`${in_}/${name}`);
    return found && { name, ...found.spec };
  };
  const storage = (name: string) => {
    const found = view.storage(`${in_}/${name}`);
    return found && { name, spec: found.spec };
  };
  const wanted = wantedBy(pod, namespace, reference, storage);
  // Asked before any source is: who may not use it, causes no request.
  const forbidden = deps.strictUse ? await useProblems(pod, view, signal, deps.strictUse) : [];
  if (forbidden.length > 0) return { kind: 'resolution', ...NOTHING, problems: forbidden };
  const freshness = { domain: namespace?.domain, notBefore: pod.seenAt, signal };
  const answers = await ask(wanted, freshness, view, deps);
  if (answers.kind === 'later') return later(answers.afterMs);
  const resolution = resolve(wanted, answers.states);
  const contents = deliveryContents(pod, resolution);
  const problems = [...resolution.problems, ...contents.problems];
  const { counts } = contents;
  return { kind: 'resolution', ...resolution, problems, states: answers.states, counts, contents };
}

const NONE = { variables: 0, properties: 0 };
const NOTHING: Resolved = {
  ...{ entries: [], imports: [], problems: [], provenance: [] },
  ...{ data: new Map(), properties: new Map(), states: new Map() },
  counts: NONE,
  contents: { data: new Map(), problems: [], shown: [], counts: NONE },
};

/** The condition goes first: once the gate is lifted, the pod leaves the cache and nobody would mend it. */
async function release(
  pod: GatedPod,
  delivery: string,
  signal: AbortSignal,
  { client, clock, memory }: PodGateDependencies,
): Promise<Written> {
  const { uid } = pod.metadata;
  if (pod.condition || memory.report(uid) || !pod.gated) {
    const condition = deliveredCondition('True', 'Resolved', `delivered in Secret ${delivery}`, clock.wall());
    await writeCondition(client, pod, condition, signal);
  }
  const lifted: Written = pod.gated ? await liftGate(client, pod, delivery, signal) : { kind: 'done' };
  if (lifted.kind === 'done') memory.released(uid, clock.now());
  return lifted;
}

function recordDelivery(
  pod: GatedPod,
  delivery: string,
  found: Resolved,
  { existed }: Extract<Written, { kind: 'done' }>,
  { events }: Pick<PodGateDependencies, 'events'>,
): void {
  const about = { regarding: regarding(pod), action: 'Deliver' };
  const message = deliveredMessage(found, delivery, existed === true);
  events.record({ ...about, type: 'Normal', reason: 'SecretsDelivered', message });
  const shown = shownMessage(found.contents.shown);
  if (shown) events.record({ ...about, type: 'Warning', reason: 'SparkShowsValue', message: shown });
}

/** Shows on the pod why it waits: its condition, and a Warning event; both only when the text changes. */
export async function reportWaiting(
  key: string,
  outcome: Told,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<void> {
  const { world, client, clock, memory, events } = deps;
  const pod = world.pods.get(key);
  if (!pod || outcome.kind === 'done') return;
  const { uid } = pod.metadata;
  const { reason } = outcome;
  const message = seeDocs(deps.docsUrl, reason, outcome.message);
  const shown = pod.condition?.status === 'False' ? pod.condition : undefined;
  const old = memory.report(uid) ?? shown;
  if (old?.reason === reason && old.message === message && pod.condition?.status !== 'True') return;
  const condition = deliveredCondition('False', reason, message, clock.wall());
  const lastTransitionTime = old?.lastTransitionTime ?? condition.lastTransitionTime;
  // Both at once: neither an audit that hangs nor an API server that does not answer keeps the other one back.
  const noted = auditHeld(pod, outcome, signal, deps);
  try {
    await writeCondition(client, pod, { ...condition, lastTransitionTime }, signal);
    memory.reported(uid, { reason, message, lastTransitionTime });
    events.record({ regarding: regarding(pod), type: 'Warning', reason, action: 'Deliver', message });
  } finally {
    await noted;
  }
}

function regarding(pod: GatedPod) {
  const { namespace = '', name, uid } = pod.metadata;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}
