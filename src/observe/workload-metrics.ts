import type { Make } from './make.ts';

/** What of an integration is looked at when somebody asks for the metrics. */
export interface ObservedIntegration {
  readonly name: string;
  readonly ready: boolean;
  /** How many SecretReferences name it; absent where nobody counts them. */
  readonly references?: number;
}

/** The pods that wait for their secrets. */
export interface ObservedPods {
  readonly byReason: ReadonlyMap<string, number>;
  /** Seconds since the one that has waited longest was created; 0 if none waits. */
  readonly oldestSeconds: number;
}

/** Up to half an hour: then somebody has to mend something. */
const DELIVERY_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
/** Few, since each integration has a set of them. */
const READ_SECONDS = [0.01, 0.05, 0.1, 0.25, 1, 2.5, 10];

/** What the pods that wait see of Fairlead. */
export function podMetrics({ gauge, histogram }: Make) {
  const seconds = histogram(
    'delivery_duration_seconds',
    'From a pod being seen to its delivery, or to its end without one',
    ['outcome'],
    DELIVERY_SECONDS,
  );
  return {
    waited: (outcome: 'delivered' | 'gone', ms: number) => seconds.observe({ outcome }, ms / 1000),
    /** Shows from now on which pods wait. */
    watchPods: (look: () => ObservedPods) => {
      gauge('pods_waiting', 'Pods that are held by the gate, by why', ['reason'], (into) => {
        into.reset();
        for (const [reason, count] of look().byReason) into.set({ reason }, count);
      });
      gauge('pods_waiting_oldest_seconds', 'Age of the pod that has waited longest', [], (into) =>
        into.set(look().oldestSeconds),
      );
    },
  };
}

/** What is seen of the integrations; the series of one that is gone are gone with the next look. */
export function integrationMetrics({ gauge, histogram }: Make) {
  let present = (): Iterable<ObservedIntegration> => [];
  const outcomes = new Map<string, Set<string>>();
  const reads = histogram(
    'vault_read_duration_seconds',
    'Reads of one path of an integration, with all requests that one took',
    ['integration', 'outcome'],
    READ_SECONDS,
    (into) => {
      // Here, and not when it is deleted: a read that was on its way then ends later.
      const names = new Set(Array.from(present(), ({ name }) => name));
      for (const [integration, seen] of outcomes) {
        if (names.has(integration)) continue;
        for (const outcome of seen) into.remove({ integration, outcome });
        outcomes.delete(integration);
      }
    },
  );
  return {
    /** Tells of a read; nothing is kept of integrations that are not among those that are watched. */
    onRead: ({ integration, outcome, ms }: VaultRead) => {
      reads.observe({ integration, outcome }, ms / 1000);
      const seen = outcomes.get(integration);
      if (seen) seen.add(outcome);
      else outcomes.set(integration, new Set([outcome]));
    },
    /** Shows from now on the integrations that there are. */
    watchIntegrations: (look: typeof present) => {
      present = look;
      gauge('integration_references', 'SecretReferences that name it', ['integration'], (into) => {
        into.reset();
        for (const { name, references } of look())
          if (references !== undefined) into.set({ integration: name }, references);
      });
      gauge('integration_ready', '1 while its condition Ready is True', ['integration'], (into) => {
        into.reset();
        for (const { name, ready } of look()) into.set({ integration: name }, ready ? 1 : 0);
      });
    },
  };
}

interface VaultRead {
  readonly integration: string;
  /** `ok`, or the reason why there is nothing. */
  readonly outcome: string;
  readonly ms: number;
}
