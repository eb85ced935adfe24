import { collectDefaultMetrics, type Gauge, Registry } from '@prometheus-io/client';
import { maker, REQUEST_SECONDS, WORK_SECONDS, type Make } from './make.ts';
import { integrationMetrics, podMetrics } from './workload-metrics.ts';

/** What of a queue is looked at when somebody asks for the metrics. */
interface ObservedQueue {
  readonly name: string;
  readonly depth: number;
  readonly delayed: number;
  /** For how long the key that was added first has waited for a worker; 0 if none waits. */
  readonly oldestMs: number;
}

interface ObservedReflector {
  readonly name: string;
  readonly size: number;
  stalenessMs(): number;
  hasSynced(): boolean;
}

/**
 * The metrics of the machinery, as hooks for those who do the work. Names follow controller-runtime and client-go.
 * No label holds the name of an object of a tenant: all are from short lists, or name what administrators made.
 */
export function metrics({ process = true }: { readonly process?: boolean } = {}) {
  const registry = new Registry();
  const make = maker(registry);
  if (process) collectDefaultMetrics({ register: registry });
  const info = make.gauge('info', 'What this process is', ['role']);
  return {
    registry,
    /** Says what this process is. */
    is: (role: string) => info.set({ role }, 1),
    /** The text for Prometheus, and its content type. */
    text: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    controller: controllerMetrics(make),
    ...queueMetrics(make),
    ...reflectorMetrics(make),
    kube: kubeMetrics(make),
    lease: leaseMetrics(make),
    events: eventMetrics(make),
    pods: podMetrics(make),
    vault: { ...vaultMetrics(make), ...integrationMetrics(make) },
    audit: auditMetrics(make),
    api: apiMetrics(make),
    admission: admissionMetrics(make),
    certificates: certificateMetrics(make),
  };
}

export type Metrics = ReturnType<typeof metrics>;

function controllerMetrics({ counter, gauge, histogram }: Make) {
  const total = counter('reconcile_total', 'Passes by how they ended', ['controller', 'outcome']);
  const active = gauge('active_workers', 'Passes under way', ['controller']);
  const seconds = histogram(
    'reconcile_time_seconds',
    'Length of a pass',
    ['controller', 'outcome'],
    WORK_SECONDS,
  );
  return {
    started: (controller: string) => active.inc({ controller }),
    ended: (controller: string, outcome: string, ms: number) => {
      active.dec({ controller });
      total.inc({ controller, outcome });
      seconds.observe({ controller, outcome }, ms / 1000);
    },
  };
}

function queueMetrics({ counter, gauge, histogram }: Make) {
  const queues = new Set<ObservedQueue>();
  const adds = counter('workqueue_adds_total', 'Keys added', ['name']);
  const retries = counter('workqueue_retries_total', 'Keys added again after a failure', ['name']);
  const wait = histogram('workqueue_queue_duration_seconds', 'From added to taken', ['name'], WORK_SECONDS);
  gauge('workqueue_depth', 'Keys that wait for a worker', ['name'], (depth) => {
    for (const queue of queues) depth.set({ name: queue.name }, queue.depth);
  });
  gauge('workqueue_delayed', 'Keys that wait for their time', ['name'], (delayed) => {
    for (const queue of queues) delayed.set({ name: queue.name }, queue.delayed);
  });
  gauge('workqueue_oldest_seconds', 'Age of the key that has waited longest', ['name'], (oldest) => {
    for (const queue of queues) oldest.set({ name: queue.name }, queue.oldestMs / 1000);
  });
  return {
    queue: {
      added: (name: string) => adds.inc({ name }),
      retried: (name: string) => retries.inc({ name }),
      taken: (name: string, waitedMs: number) => wait.observe({ name }, waitedMs / 1000),
    },
    /** Shows the depth of this queue from now on. */
    watchQueue: (queue: ObservedQueue) => void queues.add(queue),
  };
}

function reflectorMetrics({ counter, gauge, histogram }: Make) {
  const reflectors = new Set<ObservedReflector>();
  const errors = counter('reflector_errors_total', 'What went wrong', ['reflector', 'during', 'code']);
  const watches = counter('reflector_watches_total', 'Watches opened', ['reflector']);
  const lists = histogram('reflector_list_duration_seconds', 'A full listing', ['reflector'], WORK_SECONDS);
  const each = (read: (reflector: ObservedReflector) => number) => (into: Gauge<'reflector'>) => {
    for (const reflector of reflectors) into.set({ reflector: reflector.name }, read(reflector));
  };
  gauge(
    'reflector_staleness_seconds',
    'Since the server was last heard',
    ['reflector'],
    each((reflector) => reflector.stalenessMs() / 1000),
  );
  gauge(
    'reflector_objects',
    'Objects held',
    ['reflector'],
    each(({ size }) => size),
  );
  gauge(
    'reflector_synced',
    '1 after the first full listing',
    ['reflector'],
    each((reflector) => (reflector.hasSynced() ? 1 : 0)),
  );
  return {
    reflector: {
      onError: ({ reflector, during, code }: { reflector: string; during: string; code: string }) =>
        errors.inc({ reflector, during, code }),
      onList: ({ reflector, ms }: { reflector: string; ms: number }) =>
        lists.observe({ reflector }, ms / 1000),
      onWatch: ({ reflector }: { reflector: string }) => watches.inc({ reflector }),
    },
    /** Shows the state of this reflector from now on. */
    watchReflector: (reflector: ObservedReflector) => void reflectors.add(reflector),
  };
}

function kubeMetrics({ counter, histogram }: Make) {
  const total = counter('rest_client_requests_total', 'Requests to the API server', ['method', 'code']);
  const seconds = histogram(
    'rest_client_request_duration_seconds',
    'Requests to the API server',
    ['method'],
    REQUEST_SECONDS,
  );
  return {
    onRequest: ({ method, code, ms }: { method: string; code: string; ms: number }) => {
      total.inc({ method, code });
      seconds.observe({ method }, ms / 1000);
    },
  };
}

function leaseMetrics({ counter, gauge }: Make) {
  const leads = gauge('leader_election_master_status', '1 if this replica leads', ['name']);
  const errors = counter('leader_election_errors_total', 'Failed tries to take or renew', ['name', 'code']);
  return (name: string) => {
    leads.set({ name }, 0);
    return {
      onLeader: ({ self }: { self: boolean }) => leads.set({ name }, self ? 1 : 0),
      onError: (code: string) => errors.inc({ name, code }),
    };
  };
}

function eventMetrics({ counter }: Make) {
  const total = counter('events_total', 'Events by what became of them', ['result']);
  return { onResult: (result: string) => total.inc({ result }) };
}

function auditMetrics({ counter, gauge }: Make) {
  const records = counter('audit_records_total', 'Decisions in the audit', ['action', 'outcome']);
  const errors = counter('audit_errors_total', 'Failed writes of the audit or its anchor', [
    'during',
    'code',
  ]);
  const leftOut = counter('audit_left_out_total', 'Decisions that are only counted in the audit', ['why']);
  return {
    onRecord: (action: string, outcome: string) => records.inc({ action, outcome }),
    onError: (during: string, code: string) => errors.inc({ during, code }),
    onLeftOut: (why: string) => leftOut.inc({ why }),
    /** Shows from now on whether it can be written. */
    watchAudit: (look: () => boolean) =>
      void gauge('audit_writable', '0 while the audit of this process cannot be written', [], (into) =>
        into.set(look() ? 1 : 0),
      ),
  };
}

function apiMetrics({ counter, histogram }: Make) {
  const total = counter('api_requests_total', 'Requests to the API for keys', ['verb', 'resource', 'code']);
  const seconds = histogram(
    'api_request_duration_seconds',
    'Requests to the API for keys',
    ['verb', 'resource'],
    REQUEST_SECONDS,
  );
  return {
    onRequest: ({ verb, resource, code, ms }: ApiRequest) => {
      total.inc({ verb, resource, code: String(code) });
      seconds.observe({ verb, resource }, ms / 1000);
    },
  };
}

interface ApiRequest {
  readonly verb: string;
  readonly resource: string;
  readonly code: number;
  readonly ms: number;
}

interface VaultRequest {
  readonly operation: string;
  readonly status?: number;
  readonly code?: string;
  readonly ms: number;
}

function vaultMetrics({ counter, histogram }: Make) {
  const total = counter('vault_requests_total', 'Requests to Vault', ['operation', 'code']);
  const seconds = histogram(
    'vault_request_duration_seconds',
    'Requests to Vault',
    ['operation'],
    REQUEST_SECONDS,
  );
  return {
    onRequest: ({ operation, status, code, ms }: VaultRequest) => {
      total.inc({ operation, code: status === undefined ? (code ?? 'Unknown') : String(status) });
      seconds.observe({ operation }, ms / 1000);
    },
  };
}

/** By the path of the webhook's entry, which is ours. */
function admissionMetrics({ histogram }: Make) {
  const seconds = histogram(
    'admission_duration_seconds',
    'Answers of the webhook',
    ['webhook', 'outcome'],
    REQUEST_SECONDS,
  );
  return (webhook: string, outcome: string, ms: number) => seconds.observe({ webhook, outcome }, ms / 1000);
}

/** `place`: `secret`, as it is stored, or `server`, as it is served. */
function certificateMetrics({ gauge }: Make) {
  const end = gauge(
    'certificate_expiration_timestamp_seconds',
    'When a serving certificate ends, in seconds since 1970',
    ['certificate', 'place'],
  );
  return {
    seen: (certificate: string, place: 'secret' | 'server', notAfter: Date) =>
      end.set({ certificate, place }, notAfter.getTime() / 1000),
    gone: (certificate: string, place: 'secret' | 'server') => end.remove({ certificate, place }),
  };
}
