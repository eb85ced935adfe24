import type { AuditLog } from '../audit/log.ts';
import { PolicyGuard, expectedPolicies } from '../controllers/policies.ts';
import { runControllers } from '../controllers/run.ts';
import { tokenRequests } from '../controllers/token-request.ts';
import { noVaultProblem, observedIntegrations, waitingPods } from '../controllers/observed.ts';
import { reflectors, world } from '../controllers/world.ts';
import type { Config } from '../config.ts';
import { connect } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import type { ReflectorHooks } from '../kube/reflector.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { Clock } from '../runtime/clock.ts';
import { Loops } from '../runtime/loops.ts';
import { VaultSource } from '../sources/vault/source.ts';
import { startAudit } from './audit.ts';
import { fenced, POLICIES, STRICT_POLICIES } from './fence.ts';
import { traced } from './traced.ts';
import { whileLeading } from './leading.ts';
import type { Role } from './role.ts';

/** The server is heard about once a minute (bookmarks); after so long without a word a restart may help. */
const STALE_MS = 10 * 60_000;
const FLUSH_MS = 2_000;
/** Fewer than the workers, so that one slow Vault leaves some for everybody else. */
const VAULT_SHARE = 0.75;

/** Resolves references, hands out deliveries and keeps statuses honest; one replica at a time. */
export function controllerRole(
  config: Config,
  log: Logger,
  clock: Clock,
  metrics: Metrics,
  traces: Tracing,
): Role {
  const { systemNamespace, storePrefix, workers, refreshSeconds, strictUse, legacySpark, secretsV2 } = config;
  const { docsUrl } = config;
  const { vaultHosts, allowHttpVault: allowHttp, tokenAudiences } = config;
  const allowed = { vaultHosts, allowHttp, tokenAudiences };
  const random = Math.random;
  const { onKubeRequest, onVaultRequest, within } = traced(metrics, traces);
  const client = connect({
    kubeconfig: config.kubeconfig,
    userAgent: 'fairlead-controller',
    fieldManager: 'fairlead',
    maxConnections: Math.max(workers, 8),
    onRequest: onKubeRequest,
  });
  const hooks: ReflectorHooks = {
    ...metrics.reflector,
    onError: (error) => {
      metrics.reflector.onError(error);
      log.warn(error, 'a watch failed and is tried again');
    },
  };
  const lease = 'fairlead-controller';
  const seen = world({ client, clock, systemNamespace, storePrefix, hooks });
  metrics.vault.watchIntegrations(() => observedIntegrations(seen));
  metrics.pods.watchPods(() => waitingPods(seen.pods.list(), clock.wall()));
  metrics.audit.watchAudit(() => audit?.fault() === undefined);
  const loops = new Loops(clock);
  let audit: AuditLog | undefined;
  let leads = false;
  const watched: { hasSynced(): boolean; stalenessMs(): number; readonly name: string }[] = [
    ...reflectors(seen),
  ];

  return {
    live: [
      { name: 'watches', check: () => watched.find((one) => one.stalenessMs() > STALE_MS)?.name },
      { name: 'loops', check: () => loops.problem() },
    ],
    ready: [
      { name: 'caches', check: () => watched.find((one) => !one.hasSynced())?.name },
      { name: 'audit', check: () => audit?.problem() },
      // Not of a standby: statuses are written by who leads, and a new version must be able to take over to mend them.
      ...(config.readinessRequiresVault
        ? [{ name: 'vault', check: () => (leads ? noVaultProblem(seen) : undefined) }]
        : []),
    ],
    run: async (signal) => {
      const guard = new PolicyGuard(
        await expectedPolicies(strictUse ? [POLICIES, STRICT_POLICIES] : [POLICIES], {
          systemNamespace,
          tokenAudiences,
          storePrefix,
        }),
        client,
        clock,
        hooks,
      );
      watched.push(...guard.reflectors);
      // Standbys keep their picture current, too: a new leader starts at once.
      const all = [...reflectors(seen), ...guard.reflectors];
      for (const reflector of all) metrics.watchReflector(reflector);
      const ending = new AbortController();
      const running = all.map(async (reflector) => reflector.run(ending.signal));
      const leading = { config, client, clock, log, lease, ...metrics.lease(lease) };
      try {
        await whileLeading(
          leading,
          async (until, leader, stillLeader) => {
            leads = true;
            await Promise.race([Promise.all(all.map(async ({ synced }) => synced)), aborted(until)]);
            if (until.aborted) return;
            const maxWaitersPerIntegration = Math.max(1, Math.floor(workers * VAULT_SHARE));
            const vault = new VaultSource({
              clock,
              random,
              log,
              maxWaitersPerIntegration,
              requestToken: fenced(guard, tokenRequests(leader, systemNamespace)),
              ...metrics.vault,
              onRequest: onVaultRequest,
            });
            const events = new EventRecorder({
              client: leader,
              clock,
              controller: 'fairlead.dev/controller',
              instance: config.identity,
              ...metrics.events,
            });
            audit = startAudit(config, leader, clock, log, metrics.audit);
            const problem = guard.problem();
            if (problem)
              log.error({ reason: problem.reason, why: problem.message }, 'nothing will be delivered');
            await runControllers(
              {
                ...{ client: leader, clock, random, world: seen, guard, vault, events, audit, stillLeader },
                ...{ systemNamespace, storePrefix, allowed, workers, refreshSeconds, strictUse },
                ...{ legacySpark, secretsV2, docsUrl },
                loop: { log, loops, metrics: metrics.controller, within },
                onWaited: metrics.pods.waited,
                queueMetrics: metrics.queue,
                onQueue: metrics.watchQueue,
              },
              until,
            );
            await Promise.all([
              vault.stop(AbortSignal.timeout(FLUSH_MS)),
              events.flush(AbortSignal.timeout(FLUSH_MS)),
              audit.stop(AbortSignal.timeout(FLUSH_MS)),
            ]);
          },
          signal,
        );
      } finally {
        ending.abort();
        await Promise.all(running);
      }
      await client.close();
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}
