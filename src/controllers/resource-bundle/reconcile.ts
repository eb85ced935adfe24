import { RESOURCES } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { splitKey } from '../../kube/objects.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Clock } from '../../runtime/clock.ts';
import { done, waiting, type Outcome } from '../../runtime/outcome.ts';
import { recordReady, writeStatus } from '../status.ts';
import type { World } from '../world.ts';
import { carryOut } from './act.ts';
import { bundleOutcome, onlyTakingAway, plan } from './decide.ts';
import { grantsOf, roleName } from './grants.ts';

export interface BundleDependencies {
  readonly world: Pick<World, 'bundles' | 'integrations' | 'roles' | 'roleBindings'>;
  readonly client: Pick<KubeClient, 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly docsUrl?: string | undefined;
  /** The problem if Fairlead's policies do not stand in the cluster: then nothing is granted, only taken away. */
  readonly fence: () => Problem | undefined;
}

/** Keeps the Roles and RoleBindings of one bundle: one pair for each permission that somebody has. */
export async function reconcileBundle(
  key: string,
  signal: AbortSignal,
  deps: BundleDependencies,
): Promise<Outcome> {
  const { world, client } = deps;
  const { namespace = '', name } = splitKey(key);
  const bundle = world.bundles.get(key);
  // One that is on its way out grants nothing any more, and the garbage collector is at its Roles.
  const stands = bundle?.metadata.deletionTimestamp === undefined ? bundle : undefined;
  const members = world.integrations.byIndex('bundle', name).map(({ metadata }) => metadata.name);
  const integrations = members.toSorted();
  const owner = { name, namespace, uid: stands?.metadata.uid ?? '' };
  const wanted = grantsOf(owner, stands?.spec ?? {}, integrations);
  const steps = plan(wanted, (permission) => {
    const pair = `${namespace}/${roleName(name, permission)}`;
    return { role: world.roles.get(pair), binding: world.roleBindings.get(pair) };
  });

  const fence = deps.fence();
  const refused = await carryOut(fence ? onlyTakingAway(steps) : steps, client, signal);
  const problem = refused ?? (fence && unfenced(fence));
  if (!stands) return problem ? waiting(problem.reason, problem.message) : done();
  const outcome = problem ? waiting(problem.reason, problem.message) : bundleOutcome(wanted, integrations);
  const fields = { integrations, integrationCount: integrations.length };
  const changed = await writeStatus(RESOURCES.resourceBundles, stands, outcome, fields, signal, deps);
  if (changed) recordReady('ResourceBundle', stands, outcome, deps);
  return outcome;
}

function unfenced({ message }: Problem): Problem {
  return { reason: 'RolesRefused', message };
}
