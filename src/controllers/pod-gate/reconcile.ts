import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Problem } from '../../resolve/problem.ts';
import { resolve } from '../../resolve/resolve.ts';
import type { Clock } from '../../runtime/clock.ts';
import { done, later, type Outcome, type Told } from '../../runtime/outcome.ts';
import { ask, type AskDependencies } from '../ask.ts';
import type { GatedPod } from '../objects.ts';
import type { World } from '../world.ts';
import { createDelivery, deliveredCondition, liftGate, writeCondition } from './act.ts';
import { hold, isComplete, triage, wantedBy } from './decide.ts';

export interface PodGateDependencies extends Omit<AskDependencies, 'world'> {
  readonly world: World;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  /** The problem if Fairlead's policies do not stand in the cluster: then nothing is delivered. */
  readonly fence: () => Problem | undefined;
  /** Pods that this process has let go and whose change has not come back through the watch yet. */
  readonly released: Set<string>;
}

/** One pass for one pod: gather references and values, decide, create the delivery, lift the gate. */
export async function reconcilePod(
  key: string,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<Outcome> {
  const pod = deps.world.pods.get(key);
  if (!pod || deps.released.has(pod.metadata.uid)) return done();
  const todo = triage(pod);
  if (todo.kind === 'leave') return done();
  if (todo.kind === 'hold') return hold(todo.problems);
  const fence = deps.fence();
  if (fence) return hold([fence]);

  const namespace = deps.world.namespaces.get(pod.metadata.namespace ?? '');
  const wanted = wantedBy(pod, namespace, (name) => {
    const reference = deps.world.references.get(`${pod.metadata.namespace}/${name}`);
    return reference && { name, env: reference.spec.env };
  });
  const answers = await ask(wanted, { domain: namespace?.domain, notBefore: pod.seenAt, signal }, deps);
  if (answers.kind === 'later') return later(answers.afterMs);
  const resolution = resolve(wanted, answers.states);
  if (!isComplete(resolution)) return hold(resolution.problems);

  const refused = await createDelivery(deps.client, pod, todo.delivery, resolution, signal);
  if (refused) return hold([refused]);
  await release(pod, todo.delivery, signal, deps);
  const from = resolution.provenance.length > 0 ? ` from ${resolution.provenance.join(', ')}` : '';
  deps.events.record({
    regarding: regarding(pod),
    type: 'Normal',
    reason: 'SecretsDelivered',
    action: 'Deliver',
    message: `${resolution.data.size} variables${from} delivered in Secret ${todo.delivery}`,
  });
  return done();
}

/** The condition goes first: once the gate is lifted, the pod leaves the cache and nobody would mend it. */
async function release(
  pod: GatedPod,
  delivery: string,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<void> {
  if (pod.condition || !pod.gated) {
    const condition = deliveredCondition(
      'True',
      'Resolved',
      `delivered in Secret ${delivery}`,
      deps.clock.wall(),
    );
    await writeCondition(deps.client, pod, condition, signal);
  }
  if (pod.gated) await liftGate(deps.client, pod, delivery, signal);
  deps.released.add(pod.metadata.uid);
}

/** Shows on the pod why it waits: its condition, and a Warning event; both only when the text changes. */
export async function reportWaiting(
  key: string,
  outcome: Told,
  signal: AbortSignal,
  deps: PodGateDependencies,
): Promise<void> {
  const pod = deps.world.pods.get(key);
  if (!pod || outcome.kind === 'done') return;
  const { reason, message } = outcome;
  const old = pod.condition;
  if (old?.status === 'False' && old.reason === reason && old.message === message) return;
  const condition = deliveredCondition('False', reason, message, deps.clock.wall());
  const since = old?.status === 'False' ? { lastTransitionTime: old.lastTransitionTime } : {};
  await writeCondition(deps.client, pod, { ...condition, ...since }, signal);
  deps.events.record({ regarding: regarding(pod), type: 'Warning', reason, action: 'Deliver', message });
}

function regarding(pod: GatedPod) {
  const { namespace = '', name, uid } = pod.metadata;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}
