import { RESOURCES } from '../api/resources.ts';
import { resolve, type Resolution } from '../resolve/resolve.ts';
import type { WantedSet } from '../resolve/wanted.ts';
import { later, type Outcome } from '../runtime/outcome.ts';
import { ask } from './ask.ts';
import { checkRecord } from './audit-records.ts';
import type { Reference, StorageConfig } from './objects.ts';
import { referenceOutcome } from './secret-reference/decide.ts';
import { switchedOffResolution, type SecretsV2 } from './secrets-v2.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from './status.ts';
import { cachedView } from './view.ts';

export type CheckDependencies = StatusDependencies & SecretsV2;

const RESOURCE_OF = {
  SecretReference: RESOURCES.secretReferences,
  StorageConfig: RESOURCES.storageConfigs,
} as const;

/**
 * Looks for all that a reference or storage wants, and keeps its status, events and audit honest about it. `fieldsOf` says
 * what its status has beside conditions.
 */
export async function checkNamed(
  kind: keyof typeof RESOURCE_OF,
  object: Reference | StorageConfig,
  wanted: WantedSet,
  fieldsOf: (resolution: Resolution) => Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Outcome> {
  const resolution = await look(wanted, object.metadata.namespace ?? '', signal, deps);
  if ('kind' in resolution) return resolution;
  const outcome = referenceOutcome(resolution, deps.refreshMs());
  const fields = fieldsOf(resolution);
  const changed = await writeStatus(RESOURCE_OF[kind], object, outcome, fields, signal, deps);
  if (changed) {
    recordReady(kind, object, outcome, deps);
    await deps.audit.note(checkRecord(kind, object, outcome, resolution, deps.systemNamespace), signal);
  }
  return outcome;
}

/** How each part of it is found; or when a source can be asked again. */
async function look(
  wanted: WantedSet,
  namespace: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Resolution | Outcome> {
  if (!deps.secretsV2) return switchedOffResolution(wanted);
  const domain = deps.world.namespaces.get(namespace)?.domain;
  const asking = { domain, notBefore: deps.clock.now() - RECENT_MS, signal };
  const answers = await ask(wanted, asking, cachedView(deps.world, deps.systemNamespace), deps);
  return answers.kind === 'later' ? later(answers.afterMs) : resolve(wanted, answers.states);
}
