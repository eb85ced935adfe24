import { leaseAnchor } from '../audit/anchor.ts';
import { readAuditKey } from '../audit/key.ts';
import { AuditLog, type AuditHooks } from '../audit/log.ts';
import { sinkOf } from '../audit/sink.ts';
import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';

/** The audit of a leader, with its client: whoever does not lead any more does not move the anchor. Begins it. */
export function startAudit(
  config: Config,
  client: KubeClient,
  clock: Clock,
  log: Logger,
  hooks: AuditHooks,
): AuditLog {
  const { identity, systemNamespace: namespace, auditBestEffort: bestEffort } = config;
  const audit = new AuditLog({
    ...{ clock, log, identity, bestEffort, ...hooks },
    sink: sinkOf(config),
    readKey: async () => readAuditKey(client, namespace),
    anchor: leaseAnchor({ client, clock, namespace, identity }),
  });
  audit.start();
  return audit;
}
