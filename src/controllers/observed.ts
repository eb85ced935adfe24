import { REASONS } from '../api/reasons.ts';
import { sourceKey } from '../resolve/place.ts';
import type { GatedPod, Integration } from './objects.ts';
import type { World } from './world.ts';

/** How many pods wait, by the reason in their condition, and for how long the first of them has done so. */
export function waitingPods(
  pods: readonly GatedPod[],
  wall: Date,
): { readonly byReason: ReadonlyMap<string, number>; readonly oldestSeconds: number } {
  const byReason = new Map<string, number>();
  let oldestSeconds = 0;
  for (const pod of pods) {
    if (!pod.gated || pod.deleting) continue;
    const reason = reasonOf(pod);
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    oldestSeconds = Math.max(oldestSeconds, ageMs(pod, wall) / 1000);
  }
  return { byReason, oldestSeconds };
}

/** Milliseconds since the API server made it; to the second. */
export function ageMs({ metadata }: Pick<GatedPod, 'metadata'>, wall: Date): number {
  const made = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(made) ? 0 : Math.max(0, wall.getTime() - made);
}

/** Only words of ours: a series for whatever somebody writes into a status would be one too many. */
function reasonOf({ condition }: GatedPod): string {
  if (condition?.status !== 'False') return 'NotReported';
  return Object.hasOwn(REASONS, condition.reason) ? condition.reason : 'Other';
}

export function isReady({ status }: Pick<Integration, 'status'>): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}

/** Each integration, whether it is Ready, and how many references and storages name it, where they are watched. */
export function observedIntegrations({
  integrations,
  references,
  storages,
}: Pick<World, 'integrations'> & Partial<Pick<World, 'references' | 'storages'>>) {
  return integrations.list().map((integration) => {
    const { name } = integration.metadata;
    const source = sourceKey({ type: 'VAULT', id: name });
    const named = (all: World['references'] | World['storages'] | undefined) =>
      all?.byIndex('source', source).length ?? 0;
    return {
      name,
      ready: isReady(integration),
      ...(references && { references: named(references) + named(storages) }),
    };
  });
}

/** For --readiness-requires-vault: why pods that need a Vault would wait, if all of them would. */
export function noVaultProblem({ integrations }: Pick<World, 'integrations'>): string | undefined {
  const all = integrations.list();
  return all.length > 0 && !all.some(isReady) ? 'no integration is Ready' : undefined;
}
