import type { Permission } from '../../api/resource-bundle.ts';
import { RESOURCES } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Problem } from '../../resolve/problem.ts';
import { bound } from '../../resolve/problem.ts';
import { isGone } from '../gone.ts';
import { whyRefused } from '../why-refused.ts';
import type { Step } from './decide.ts';

type Client = Pick<KubeClient, 'patch' | 'delete'>;

const RESOURCE = { role: RESOURCES.roles, binding: RESOURCES.roleBindings } as const;

/**
 * Takes step after step. Resolves to the first problem if the API server refuses some, which people can mend: then
 * nothing more is written for that permission, since a binding without its Role is of no use, and the others go on.
 * What a retry may cure is thrown.
 */
export async function carryOut(
  steps: readonly Step[],
  client: Client,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const problems = new Map<Permission, Problem>();
  for (const step of steps) {
    const { permission } = step;
    if (step.do === 'apply' && problems.has(permission)) continue;
    const problem = await take(step, client, signal);
    if (!problem) continue;
    const orElse = step.do === 'apply' ? step.orElse : undefined;
    // That somebody keeps what they should not have is the worse news.
    problems.set(permission, (orElse && (await take(orElse, client, signal))) ?? problem);
  }
  return problems.values().next().value;
}

/** The problem if it is refused. */
async function take(step: Step, client: Client, signal: AbortSignal): Promise<Problem | undefined> {
  try {
    await write(step, client, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError) || !REFUSALS.includes(error.code)) throw error;
    const { name } = step.do === 'delete' ? step.of : step.object.metadata;
    const kind = step.what === 'role' ? 'Role' : 'RoleBinding';
    const message = `the API server refuses to ${step.do} ${kind} ${name}: ${whyRefused(error)}`;
    return { reason: 'RolesRefused', message: bound(message) };
  }
}

const REFUSALS: readonly string[] = ['Forbidden', 'Invalid', 'BadRequest'];

async function write(step: Step, client: Client, signal: AbortSignal): Promise<void> {
  const resource = RESOURCE[step.what];
  if (step.do === 'apply') {
    const { name, namespace } = step.object.metadata;
    // By force: what somebody else has written into our fields is what has to go.
    await client.patch(resource, { namespace, name }, step.object, { type: 'apply', force: true, signal });
    return;
  }
  const { name, namespace = '', uid } = step.of;
  await client.delete(resource, { namespace, name }, { uid, signal }).catch((error: unknown) => {
    // Its successor, if there is one, gets a pass of its own.
    if (!isGone(error)) throw error;
  });
}
