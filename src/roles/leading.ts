import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import { runAsLeader } from '../kube/lease.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';

export interface Leading {
  readonly config: Config;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the Lease. */
  readonly lease: string;
  readonly onLeader: (leader: { readonly self: boolean }) => void;
  readonly onError?: (code: string) => void;
}

/** The work of a leader; its client refuses every write once somebody else may lead. */
export type LeadersWork = (
  signal: AbortSignal,
  client: KubeClient,
  stillLeader: () => boolean,
) => Promise<void>;

/** Runs `work` while this replica holds the lease, or at once if there is no election. */
export async function whileLeading(
  { config, client, clock, log, lease, onLeader, onError }: Leading,
  work: LeadersWork,
  signal: AbortSignal,
): Promise<void> {
  if (!config.leaderElect) {
    onLeader({ self: true });
    return work(signal, client, () => true);
  }
  const leaseDurationMs = config.leaseSeconds * 1000;
  return runAsLeader(
    {
      client,
      clock,
      namespace: config.systemNamespace,
      name: lease,
      // Unique from one start to the next: a replica that comes back must not take itself for its predecessor.
      identity: `${config.identity}_${crypto.randomUUID()}`,
      leaseDurationMs,
      renewDeadlineMs: (leaseDurationMs * 2) / 3,
      retryPeriodMs: leaseDurationMs / 8,
      onStarted: async (leading, stillLeader) => work(leading, client.fenced(stillLeader), stillLeader),
      onLeader: ({ holder, self }) => {
        onLeader({ self });
        log.info({ lease, holder, self }, self ? 'this replica leads' : 'another replica leads');
      },
      onError: (code) => {
        onError?.(code);
        log.warn({ lease, code }, 'the lease cannot be read or written');
      },
    },
    signal,
  );
}
