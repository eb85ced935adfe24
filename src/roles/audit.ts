import { leaseAnchor, type Anchor } from '../audit/anchor.ts';
import { readAuditKey } from '../audit/key.ts';
import { AuditLog, type AuditHooks } from '../audit/log.ts';
import { sinkOf } from '../audit/sink.ts';
import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';

/**
 * The audit of this process; begins it. Of a leader with its own client: whoever does not lead any more does not move
 * the anchor.
 */
export function startAudit(
  config: Config,
  client: KubeClient,
  clock: Clock,
  log: Logger,
  hooks: AuditHooks,
  anchor: Anchor = leaseAnchor({
    client,
    clock,
    namespace: config.systemNamespace,
    identity: config.identity,
  }),
): AuditLog {
  const { identity, systemNamespace: namespace, auditBestEffort: bestEffort } = config;
  const audit = new AuditLog({
    ...{ clock, log, identity, bestEffort, ...hooks },
    sink: sinkOf(config),
    readKey: async () => readAuditKey(client, namespace),
    anchor,
  });
  audit.start();
  return audit;
}
