import { DELIVERED_ANNOTATION, DELIVERED_CONDITION, GATE } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import type { Condition } from '../../api/schema.ts';
import { deliverySecret } from '../../deliver/delivery.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Resolution } from '../../resolve/resolve.ts';
import { conditionTime } from '../../runtime/conditions.ts';
import { isGone } from '../gone.ts';
import type { GatedPod } from '../objects.ts';
import { refusingPolicy } from '../why-refused.ts';

type Client = Pick<KubeClient, 'create' | 'patch'>;

/** `refused`: by quota, a policy or a webhook, which people can mend; what a retry may cure is thrown. */
export type Written =
  /** `existed`: an earlier pass made it, perhaps of other versions than this one has read. */
  | { readonly kind: 'done'; readonly existed?: true }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly problem: Problem };

/**
 * Creates the delivery. A 409 means that an earlier pass made it: its name belongs to this pod alone, and policies
 * let nobody else take it.
 */
export async function createDelivery(
  client: Client,
  pod: GatedPod,
  name: string,
  { data, provenance }: Pick<Resolution, 'data' | 'provenance'>,
  signal: AbortSignal,
): Promise<Written> {
  const { namespace = '', name: podName, uid } = pod.metadata;
  const secret = deliverySecret({ namespace, name: podName, uid }, name, data, provenance);
  let existed = false;
  const written = await write('the delivery Secret', async () => {
    try {
      await client.create(RESOURCES.secrets, secret, { signal });
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'AlreadyExists') throw error;
      existed = true;
    }
  });
  return existed ? { kind: 'done', existed } : written;
}

/**
 * Lifts our gate and no other, and notes the delivery on the pod, in one call. The uid keeps a recreated pod of
 * the same name from being let go by mistake.
 */
export async function liftGate(
  client: Client,
  pod: GatedPod,
  delivery: string,
  signal: AbortSignal,
): Promise<Written> {
  const { namespace = '', name, uid } = pod.metadata;
  const patch = {
    metadata: { uid, annotations: { [DELIVERED_ANNOTATION]: delivery } },
    spec: { schedulingGates: [{ name: GATE, $patch: 'delete' }] },
  };
  return write('to lift the gate', async () =>
    client.patch(RESOURCES.pods, { namespace, name }, patch, { type: 'strategic', signal }),
  );
}

/** Writes our condition into the pod's status; a pod that is gone needs none. */
export async function writeCondition(
  client: Client,
  pod: GatedPod,
  condition: Condition,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name, uid } = pod.metadata;
  const patch = { metadata: { uid }, status: { conditions: [condition] } };
  const ref = { namespace, name, subresource: 'status' };
  try {
    await client.patch(RESOURCES.pods, ref, patch, { type: 'strategic', signal });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** The condition that a pass leaves on the pod. */
export function deliveredCondition(
  status: 'True' | 'False',
  reason: string,
  message: string,
  now: Date,
): Condition {
  return {
    type: DELIVERED_CONDITION,
    status,
    reason,
    message,
    lastTransitionTime: conditionTime(now),
  };
}

async function write(what: string, call: () => Promise<unknown>): Promise<Written> {
  try {
    await call();
    return { kind: 'done' };
  } catch (error) {
    if (isGone(error)) return { kind: 'gone' };
    if (!(error instanceof KubeError) || !REFUSALS.includes(error.code)) throw error;
    return { kind: 'refused', problem: { reason: 'DeliveryRefused', message: whyRefused(what, error) } };
  }
}

/** ServerError: what the API server says when a webhook of somebody's does not answer. */
const REFUSALS: readonly string[] = ['Forbidden', 'Invalid', 'BadRequest', 'ServerError'];

/**
 * Only names are taken out of what the API server says, by these patterns: the rest could be the words of some
 * webhook that quotes what it was sent.
 */
function whyRefused(what: string, error: KubeError): string {
  const said = error.serverMessage ?? '';
  const quota = /exceeded quota: ([-.a-z0-9]+)/.exec(said)?.[1];
  if (quota) return `the ResourceQuota ${quota} leaves no room for the delivery Secret in this namespace`;
  if (said.includes('because it is being terminated')) return 'the namespace is being deleted';
  const policy = refusingPolicy(said);
  if (policy) return `the ValidatingAdmissionPolicy ${policy} refuses ${what}`;
  const webhook = /admission webhook "([-.a-z0-9]+)" denied/.exec(said)?.[1];
  if (webhook) return `the admission webhook ${webhook} refuses ${what}`;
  const silent = /failed calling webhook "([-.a-z0-9]+)"/.exec(said)?.[1];
  if (silent) return `the admission webhook ${silent} does not answer, so the API server refuses ${what}`;
  return `the API server refuses ${what} (HTTP ${error.status ?? 'error'})`;
}
