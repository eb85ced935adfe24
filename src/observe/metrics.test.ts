import { beforeEach, describe, expect, it } from 'vitest';
import { metrics, type Metrics } from './metrics.ts';

let all: Metrics;
beforeEach(() => {
  all = metrics({ process: false });
});

const samples = async () =>
  (await all.text()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const sample = async (start: string) =>
  (await samples())
    .find((line) => line.startsWith(start))
    ?.split(' ')
    .at(-1);

describe('metrics', () => {
  const cases: [string, () => void, Record<string, string>][] = [
    [
      'passes by controller and outcome, and how long they took',
      () => {
        all.controller.started('pods');
        all.controller.started('pods');
        all.controller.ended('pods', 'done', 250);
      },
      {
        'fairlead_reconcile_total{controller="pods",outcome="done"}': '1',
        'fairlead_active_workers{controller="pods"}': '1',
        'fairlead_reconcile_time_seconds_sum{controller="pods",outcome="done"}': '0.25',
        'fairlead_reconcile_time_seconds_bucket{le="0.25",controller="pods",outcome="done"}': '1',
        'fairlead_reconcile_time_seconds_bucket{le="0.1",controller="pods",outcome="done"}': '0',
      },
    ],
    [
      'decisions in the audit, and why some are not',
      () => {
        all.audit.onRecord('deliver', 'delivered');
        all.audit.onError('write', 'Unwritable');
        all.audit.onLeftOut('limited');
      },
      {
        'fairlead_audit_records_total{action="deliver",outcome="delivered"}': '1',
        'fairlead_audit_errors_total{during="write",code="Unwritable"}': '1',
        'fairlead_audit_left_out_total{why="limited"}': '1',
      },
    ],
    [
      'queues: added, tried again, waited, and how many wait now',
      () => {
        all.watchQueue({ name: 'pods', depth: 7, delayed: 3, oldestMs: 2500 });
        all.queue.added('pods');
        all.queue.retried('pods');
        all.queue.taken('pods', 1500);
      },
      {
        'fairlead_workqueue_adds_total{name="pods"}': '1',
        'fairlead_workqueue_retries_total{name="pods"}': '1',
        'fairlead_workqueue_queue_duration_seconds_sum{name="pods"}': '1.5',
        'fairlead_workqueue_depth{name="pods"}': '7',
        'fairlead_workqueue_delayed{name="pods"}': '3',
        'fairlead_workqueue_oldest_seconds{name="pods"}': '2.5',
      },
    ],
    [
      'reflectors: errors, lists, watches, and how stale they are now',
      () => {
        all.watchReflector({ name: 'pods', size: 4, stalenessMs: () => 2500, hasSynced: () => true });
        all.reflector.onError({ reflector: 'pods', during: 'watch', code: 'Gone' });
        all.reflector.onList({ reflector: 'pods', ms: 30 });
        all.reflector.onWatch({ reflector: 'pods' });
      },
      {
        'fairlead_reflector_errors_total{reflector="pods",during="watch",code="Gone"}': '1',
        'fairlead_reflector_list_duration_seconds_count{reflector="pods"}': '1',
        'fairlead_reflector_watches_total{reflector="pods"}': '1',
        'fairlead_reflector_staleness_seconds{reflector="pods"}': '2.5',
        'fairlead_reflector_objects{reflector="pods"}': '4',
        'fairlead_reflector_synced{reflector="pods"}': '1',
      },
    ],
    [
      'requests to the API server by method and code',
      () => all.kube.onRequest({ method: 'GET', code: '404', ms: 4 }),
      {
        'fairlead_rest_client_requests_total{method="GET",code="404"}': '1',
        'fairlead_rest_client_request_duration_seconds_sum{method="GET"}': '0.004',
      },
    ],
    [
      'who leads',
      () => {
        const lease = all.lease('fairlead');
        lease.onLeader({ self: true });
        lease.onError('Timeout');
      },
      {
        'fairlead_leader_election_master_status{name="fairlead"}': '1',
        'fairlead_leader_election_errors_total{name="fairlead",code="Timeout"}': '1',
      },
    ],
    [
      'requests to Vault, and what is seen of the integrations',
      () => {
        all.vault.onRequest({ operation: 'read', status: 403, ms: 5 });
        all.vault.onRequest({ operation: 'login', code: 'Unreachable', ms: 5 });
        all.vault.onRead({ integration: 'vault-prod', outcome: 'Sealed', ms: 250 });
        all.vault.watchIntegrations(() => [
          { name: 'vault-prod', ready: true, references: 2 },
          { name: 'vault-test', ready: false },
        ]);
      },
      {
        'fairlead_vault_requests_total{operation="read",code="403"}': '1',
        'fairlead_vault_requests_total{operation="login",code="Unreachable"}': '1',
        'fairlead_integration_references{integration="vault-prod"}': '2',
        'fairlead_integration_ready{integration="vault-prod"}': '1',
        'fairlead_integration_ready{integration="vault-test"}': '0',
        'fairlead_vault_read_duration_seconds_sum{integration="vault-prod",outcome="Sealed"}': '0.25',
      },
    ],
    [
      'pods that wait, and for how long others did',
      () => {
        all.pods.watchPods(() => ({ byReason: new Map([['Sealed', 3]]), oldestSeconds: 90 }));
        all.pods.waited('delivered', 250);
        all.pods.waited('gone', 60_000);
      },
      {
        'fairlead_pods_waiting{reason="Sealed"}': '3',
        fairlead_pods_waiting_oldest_seconds: '90',
        'fairlead_delivery_duration_seconds_sum{outcome="delivered"}': '0.25',
        'fairlead_delivery_duration_seconds_bucket{le="60",outcome="gone"}': '1',
      },
    ],
    ['what the process is', () => all.is('controller'), { 'fairlead_info{role="controller"}': '1' }],
    [
      'answers of the webhook',
      () => all.admission('/mutate/pods', 'patched', 5),
      { 'fairlead_admission_duration_seconds_sum{webhook="/mutate/pods",outcome="patched"}': '0.005' },
    ],
    [
      'when certificates end, where they are stored and where they are served',
      () => {
        all.certificates.seen('one', 'secret', new Date(2000));
        all.certificates.seen('one', 'server', new Date(1000));
      },
      {
        'fairlead_certificate_expiration_timestamp_seconds{certificate="one",place="secret"}': '2',
        'fairlead_certificate_expiration_timestamp_seconds{certificate="one",place="server"}': '1',
      },
    ],
    [
      'events by what became of them',
      () => all.events.onResult('dropped'),
      { 'fairlead_events_total{result="dropped"}': '1' },
    ],
  ];
  it.each(cases)('tell %s', async (_, act, expected) => {
    act();
    for (const [name, value] of Object.entries(expected))
      expect([name, await sample(name)]).toEqual([name, value]);
  });

  it('say that this replica does not lead before it does', async () => {
    all.lease('fairlead');
    expect(await sample('fairlead_leader_election_master_status')).toBe('0');
  });

  it('read gauges when they are asked for, not before', async () => {
    const queue = { name: 'pods', depth: 1, delayed: 0, oldestMs: 0 };
    all.watchQueue(queue);
    queue.depth = 9;
    expect(await sample('fairlead_workqueue_depth')).toBe('9');
  });

  it('forget integrations that are gone, also if a read of one ends later', async () => {
    let integrations = [{ name: 'vault-prod', ready: true, references: 2 }];
    all.vault.watchIntegrations(() => integrations);
    const read = { integration: 'vault-prod', ms: 1 };
    all.vault.onRead({ ...read, outcome: 'ok' });
    const series = async () => (await samples()).filter((line) => line.includes('vault-prod'));
    expect((await series()).length).toBeGreaterThan(3);
    integrations = [];
    all.vault.onRead({ ...read, outcome: 'Unreachable' });
    expect(await series()).toEqual([]);
  });

  it('forget reasons for which nobody waits any more, and certificates that are not kept any more', async () => {
    let byReason = new Map([['Sealed', 1]]);
    all.pods.watchPods(() => ({ byReason, oldestSeconds: 0 }));
    all.certificates.seen('one', 'secret', new Date(1000));
    expect(await sample('fairlead_pods_waiting{reason="Sealed"}')).toBe('1');
    byReason = new Map();
    all.certificates.gone('one', 'secret');
    expect(await sample('fairlead_pods_waiting{')).toBeUndefined();
    expect(await sample('fairlead_certificate_expiration')).toBeUndefined();
  });

  it('tell whether the audit can be written only where there is one', async () => {
    expect(await sample('fairlead_audit_writable')).toBeUndefined();
    let writable = true;
    all.audit.watchAudit(() => writable);
    expect(await sample('fairlead_audit_writable')).toBe('1');
    writable = false;
    expect(await sample('fairlead_audit_writable')).toBe('0');
  });

  it('all have our prefix and an explanation', async () => {
    const { body } = await all.text();
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      expect(name).toMatch(/^fairlead_/);
      expect(body).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    }
  });

  it('of two registries do not mix', async () => {
    const other = metrics({ process: false });
    other.events.onResult('written');
    expect(await sample('fairlead_events_total')).toBeUndefined();
  });

  it('have those of the process beside them', async () => {
    const { body, contentType } = await metrics().text();
    expect(body).toContain('process_cpu_seconds_total');
    expect(contentType).toContain('text/plain');
  });
});
