import { RESOURCES } from '../../api/resources.ts';
import { done, later, type Outcome } from '../../runtime/outcome.ts';
import { askVault } from '../ask.ts';
import { RECENT_MS, recordReady, writeStatus, type StatusDependencies } from '../status.ts';
import { cachedView } from '../view.ts';
import { elderOf, integrationOutcome, statusFields } from './decide.ts';

/** Keeps the status of an integration honest: does it connect, log in and read its path? */
export async function reconcileIntegration(
  key: string,
  signal: AbortSignal,
  deps: StatusDependencies,
): Promise<Outcome> {
  const integration = deps.world.integrations.get(key);
  if (!integration) return done();
  const namesakes = deps.world.integrations.byIndex('displayName', integration.spec.displayName);
  const { world, systemNamespace } = deps;
  const asking = { notBefore: deps.clock.now() - RECENT_MS, signal };
  const answer = await askVault(integration.metadata.name, asking, cachedView(world, systemNamespace), deps);
  if (answer.kind === 'later') return later(answer.afterMs);
  const outcome = integrationOutcome(answer, elderOf(integration, namesakes), deps.refreshMs());
  const fields = statusFields(integration.spec.path, answer);
  const changed = await writeStatus(RESOURCES.vaultIntegrations, integration, outcome, fields, signal, deps);
  if (changed) recordReady('VaultIntegration', integration, outcome, deps.events);
  return outcome;
}
