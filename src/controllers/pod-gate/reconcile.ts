import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Problem } from '../../resolve/problem.ts';
import { resolve, type Resolution } from '../../resolve/resolve.ts';
import type { Clock } from '../../runtime/clock.ts';
import { done, later, type Outcome, type Told } from '../../runtime/outcome.ts';
import { ask, type AskDependencies } from '../ask.ts';
import type { LiveReads } from '../live.ts';
import type { GatedPod } from '../objects.ts';
import { cachedView, liveView, type View } from '../view.ts';
import type { World } from '../world.ts';
import { createDelivery, deliveredCondition, liftGate, writeCondition, type Written } from './act.ts';
import { hold, isComplete, triage, wantedBy } from './decide.ts';
import type { PodMemory } from './memory.ts';

export interface PodGateDependencies extends Omit<AskDependencies, 'world'> {
  readonly world: World;
  readonly client: KubeClient;
  readonly live: LiveReads;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  /** The problem if Fairlead's policies do not stand in the cluster: then nothing is delivered. */
  readonly fence: () => Problem | undefined;
  readonly memory: PodMemory;
}

/** One pass for one pod: gather references and values, decide, create the delivery, lift the gate. */
export async function reconcilePod(
  key: string,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<Outcome> {
  const pod = deps.world.pods.get(key);
  if (!pod) return done();
  const todo = triage(pod);
  if (todo.kind === 'leave') return done();
  const lag = deps.memory.releasedFor(pod.metadata.uid, deps.clock.now());
  if (lag > 0) return later(lag);
  if (todo.kind === 'hold') return hold(todo.problems);
  const fence = deps.fence();
  if (fence) return hold([fence]);

  const known = await gather(pod, cachedView(deps.world, deps.systemNamespace), signal, deps);
  if (known.kind === 'later') return known;
  if (!isComplete(known)) return hold(known.problems);
  // Everything seems to be there: what is delivered is read anew, since caches lag behind.
  const found = await gather(pod, await liveView(pod, deps, signal), signal, deps);
  if (found.kind === 'later') return found;
  if (!isComplete(found)) return hold(found.problems);

  const created = await createDelivery(deps.client, pod, todo.delivery, found, signal);
  const written = created.kind === 'done' ? await release(pod, todo.delivery, signal, deps) : created;
  if (written.kind === 'refused') return hold([written.problem]);
  if (written.kind === 'done') recordDelivery(pod, todo.delivery, found, deps);
  return done();
}

type Gathered = ({ readonly kind: 'resolution' } & Resolution) | Extract<Outcome, { kind: 'later' }>;

async function gather(
  pod: GatedPod,
  view: View,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<Gathered> {
  const { namespace: in_ = '' } = pod.metadata;
  const namespace = view.namespace(in_);
  const wanted = wantedBy(pod, namespace, (name) => {
    const reference = view.reference(`${in_}/${name}`);
    return reference && { name, ...reference.spec };
  });
  const asking = { domain: namespace?.domain, notBefore: pod.seenAt, signal };
  const answers = await ask(wanted, asking, view, deps);
  if (answers.kind === 'later') return later(answers.afterMs);
  return { kind: 'resolution', ...resolve(wanted, answers.states) };
}

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

function recordDelivery(pod: GatedPod, delivery: string, found: Resolution, deps: PodGateDependencies): void {
  const from = found.provenance.length > 0 ? ` from ${found.provenance.join(', ')}` : '';
  const message = `${found.data.size} variables${from} delivered in Secret ${delivery}`;
  deps.events.record({
    regarding: regarding(pod),
    type: 'Normal',
    reason: 'SecretsDelivered',
    action: 'Deliver',
    message,
  });
}

/** Shows on the pod why it waits: its condition, and a Warning event; both only when the text changes. */
export async function reportWaiting(
  key: string,
  outcome: Told,
  signal: AbortSignal,
  { world, client, clock, memory, events }: PodGateDependencies,
): Promise<void> {
  const pod = world.pods.get(key);
  if (!pod || outcome.kind === 'done') return;
  const { uid } = pod.metadata;
  const { reason, message } = outcome;
  const shown = pod.condition?.status === 'False' ? pod.condition : undefined;
  const old = memory.report(uid) ?? shown;
  if (old?.reason === reason && old.message === message && pod.condition?.status !== 'True') return;
  const condition = deliveredCondition('False', reason, message, clock.wall());
  const lastTransitionTime = old?.lastTransitionTime ?? condition.lastTransitionTime;
  await writeCondition(client, pod, { ...condition, lastTransitionTime }, signal);
  // Not before it is written: a write that failed has to be made again.
  memory.reported(uid, { reason, message, lastTransitionTime });
  events.record({ regarding: regarding(pod), type: 'Warning', reason, action: 'Deliver', message });
}

function regarding(pod: GatedPod) {
  const { namespace = '', name, uid } = pod.metadata;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}
