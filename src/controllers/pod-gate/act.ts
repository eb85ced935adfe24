import { DELIVERED_ANNOTATION, DELIVERED_CONDITION, GATE } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import type { Condition } from '../../api/schema.ts';
import { deliverySecret } from '../../deliver/delivery.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Resolution } from '../../resolve/resolve.ts';
import type { GatedPod } from '../objects.ts';

type Client = Pick<KubeClient, 'create' | 'patch'>;

/**
 * Creates the delivery. A 409 means that an earlier pass made it: its name belongs to this pod alone, and
 * policies let nobody else take it. Resolves to the problem if the API server refuses it for a reason that
 * people can mend; throws for everything that a retry may cure.
 */
export async function createDelivery(
  client: Client,
  pod: GatedPod,
  name: string,
  { data, provenance }: Resolution,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const { namespace = '', name: podName, uid } = pod.metadata;
  const secret = deliverySecret({ namespace, name: podName, uid }, name, data, provenance);
  try {
    await client.create(RESOURCES.secrets, secret, { signal });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.code === 'AlreadyExists') return undefined;
    if (error.code !== 'Forbidden' && error.code !== 'Invalid') throw error;
    return { reason: 'DeliveryRefused', message: whyRefused(error) };
  }
  return undefined;
}

/**
 * Only names are taken out of what the API server says, by these patterns: the rest could be the words of some
 * webhook that quotes what it was sent.
 */
function whyRefused(error: KubeError): string {
  const said = error.serverMessage ?? '';
  const quota = /exceeded quota: ([-.a-z0-9]+)/.exec(said)?.[1];
  if (quota) return `the ResourceQuota ${quota} leaves no room for the delivery Secret in this namespace`;
  if (said.includes('because it is being terminated')) return 'the namespace is being deleted';
  const policy = /ValidatingAdmissionPolicy '([-.a-z0-9]+)'/.exec(said)?.[1];
  if (policy) return `the ValidatingAdmissionPolicy ${policy} refuses the delivery Secret`;
  const webhook = /admission webhook "([-.a-z0-9]+)" denied/.exec(said)?.[1];
  if (webhook) return `the admission webhook ${webhook} refuses the delivery Secret`;
  return `the API server refuses the delivery Secret (HTTP ${error.status ?? 'error'})`;
}

/**
 * Lifts our gate and no other, and notes the delivery on the pod, in one call. The uid keeps a recreated pod of
 * the same name from being let go by mistake: resolves to false if this pod is gone.
 */
export async function liftGate(
  client: Client,
  pod: GatedPod,
  delivery: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name, uid } = pod.metadata;
  const patch = {
    metadata: { uid, annotations: { [DELIVERED_ANNOTATION]: delivery } },
    spec: { schedulingGates: [{ name: GATE, $patch: 'delete' }] },
  };
  try {
    await client.patch(RESOURCES.pods, { namespace, name }, patch, { type: 'strategic', signal });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
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
  try {
    await client.patch(RESOURCES.pods, { namespace, name, subresource: 'status' }, patch, {
      type: 'strategic',
      signal,
    });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** 404, or 409/422 for the uid: the pod that we mean is not there any more. */
function isGone(error: unknown): boolean {
  return error instanceof KubeError && ['NotFound', 'Conflict', 'Invalid'].includes(error.code);
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
    lastTransitionTime: now.toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}
