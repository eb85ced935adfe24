import { RESOURCES } from '../../api/resources.ts';
import { done, later, type Outcome } from '../../runtime/outcome.ts';
import type { VaultSource } from '../../sources/vault/source.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from '../status.ts';
import { targetOf } from '../targets.ts';
import { cachedView } from '../view.ts';
import { elderOf, integrationOutcome, maybeFolder, statusFields } from './decide.ts';

export interface IntegrationDependencies extends StatusDependencies {
  readonly vault: Pick<VaultSource, 'read' | 'inspect' | 'forget'>;
}

/** Keeps the status of an integration honest: does it connect, log in and read its path? */
export async function reconcileIntegration(
  key: string,
  signal: AbortSignal,
  deps: IntegrationDependencies,
): Promise<Outcome> {
  const { world, systemNamespace, vault } = deps;
  const integration = world.integrations.get(key);
  if (!integration) return done();
  const { spec, metadata } = integration;
  const target = targetOf(metadata.name, cachedView(world, systemNamespace), deps);
  const isTarget = target.kind === 'target';
  // It may not log in any more, as when its Secret is bound elsewhere: then its token is given back, too.
  if (!isTarget) vault.forget(metadata.name);
  const notBefore = deps.clock.now() - RECENT_MS;
  const answer = isTarget ? await vault.read(target, { notBefore, signal }) : target;
  if (answer.kind === 'later') return later(answer.afterMs);
  const seen = isTarget ? await vault.inspect(target, maybeFolder(answer), signal) : {};
  const found = { answer, seen, unusable: isTarget ? target.unusable : [] };

  const elder = elderOf(integration, world.integrations.byIndex('displayName', spec.displayName));
  const outcome = integrationOutcome(found, elder, deps.refreshMs());
  const fields = statusFields(spec.path, found);
  const changed = await writeStatus(RESOURCES.vaultIntegrations, integration, outcome, fields, signal, deps);
  if (changed) recordReady('VaultIntegration', integration, outcome, deps);
  return outcome;
}
