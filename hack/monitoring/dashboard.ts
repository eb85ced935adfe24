/** config/monitoring/dashboard.json: what Fairlead does, on one page of Grafana. */

interface Panel {
  readonly title: string;
  /** `stat`: the present value in large. */
  readonly type?: 'stat';
  readonly unit?: string;
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  readonly about?: string;
}

const RATE = '[$__rate_interval]';
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket${RATE})))`;

const ROWS: readonly (readonly [title: string, panels: readonly Panel[]])[] = [
  [
    'Now',
    [
      {
        title: 'Pods that wait',
        type: 'stat',
        queries: [['sum(max by (reason) (fairlead_pods_waiting)) or vector(0)', '']],
      },
      {
        title: 'The oldest of them',
        type: 'stat',
        unit: 's',
        queries: [['max(fairlead_pods_waiting_oldest_seconds)', '']],
      },
      {
        title: 'Integrations not Ready',
        type: 'stat',
        queries: [['count(max by (integration) (fairlead_integration_ready) == 0) or vector(0)', '']],
      },
      {
        title: 'Leaders',
        type: 'stat',
        queries: [['max by (name) (fairlead_leader_election_master_status)', '{{name}}']],
      },
      { title: 'Audit can be written', type: 'stat', queries: [['min(fairlead_audit_writable)', '']] },
      {
        title: 'Certificates end in',
        type: 'stat',
        unit: 's',
        queries: [
          [
            'min by (certificate) (fairlead_certificate_expiration_timestamp_seconds) - time()',
            '{{certificate}}',
          ],
        ],
      },
    ],
  ],
  [
    'Pods',
    [
      {
        title: 'Waiting, by reason',
        queries: [['max by (reason) (fairlead_pods_waiting)', '{{reason}}']],
        about: 'docs/reasons.md says what helps.',
      },
      {
        title: 'Deliveries',
        unit: 'ops',
        queries: [
          [`sum by (outcome) (rate(fairlead_delivery_duration_seconds_count${RATE}))`, '{{outcome}}'],
        ],
        about: 'gone: deleted while it waited.',
      },
      {
        title: 'From seen to delivered',
        unit: 's',
        queries: [0.5, 0.99].map(
          (q) =>
            [
              quantile(q, 'fairlead_delivery_duration_seconds', 'outcome'),
              `p${q * 100} {{outcome}}`,
            ] as const,
        ),
      },
      {
        title: 'Webhook: answers',
        unit: 'ops',
        queries: [
          [
            `sum by (webhook, outcome) (rate(fairlead_admission_duration_seconds_count${RATE}))`,
            '{{webhook}} {{outcome}}',
          ],
        ],
      },
      {
        title: 'Webhook: time',
        unit: 's',
        queries: [[quantile(0.99, 'fairlead_admission_duration_seconds', 'webhook'), 'p99 {{webhook}}']],
      },
      {
        title: 'Events',
        unit: 'ops',
        queries: [[`sum by (result) (rate(fairlead_events_total${RATE}))`, '{{result}}']],
      },
    ],
  ],
  [
    'Vault',
    [
      {
        title: 'Integrations',
        queries: [['max by (integration) (fairlead_integration_ready)', '{{integration}}']],
        about: '1 while Ready.',
      },
      {
        title: 'Reads',
        unit: 'ops',
        queries: [
          [
            `sum by (integration, outcome) (rate(fairlead_vault_read_duration_seconds_count${RATE}))`,
            '{{integration}} {{outcome}}',
          ],
        ],
      },
      {
        title: 'Time of a read',
        unit: 's',
        queries: [
          [quantile(0.99, 'fairlead_vault_read_duration_seconds', 'integration'), 'p99 {{integration}}'],
        ],
      },
      {
        title: 'Requests',
        unit: 'ops',
        queries: [
          [`sum by (operation, code) (rate(fairlead_vault_requests_total${RATE}))`, '{{operation}} {{code}}'],
        ],
      },
    ],
  ],
  [
    'Machinery',
    [
      {
        title: 'Passes',
        unit: 'ops',
        queries: [
          [
            `sum by (controller, outcome) (rate(fairlead_reconcile_total${RATE}))`,
            '{{controller}} {{outcome}}',
          ],
        ],
      },
      {
        title: 'Time of a pass',
        unit: 's',
        queries: [[quantile(0.99, 'fairlead_reconcile_time_seconds', 'controller'), 'p99 {{controller}}']],
      },
      {
        title: 'Queues: age',
        unit: 's',
        queries: [['max by (name) (fairlead_workqueue_oldest_seconds)', '{{name}}']],
      },
      { title: 'Queues: depth', queries: [['max by (name) (fairlead_workqueue_depth)', '{{name}}']] },
      {
        title: 'Watches: silence',
        unit: 's',
        queries: [['max by (reflector) (fairlead_reflector_staleness_seconds)', '{{reflector}}']],
      },
      {
        title: 'Requests to the API server',
        unit: 'ops',
        queries: [
          [`sum by (method, code) (rate(fairlead_rest_client_requests_total${RATE}))`, '{{method}} {{code}}'],
        ],
      },
      {
        title: 'API for keys',
        unit: 'ops',
        queries: [
          [
            `sum by (verb, resource, code) (rate(fairlead_api_requests_total${RATE}))`,
            '{{verb}} {{resource}} {{code}}',
          ],
        ],
      },
      {
        title: 'Audit',
        unit: 'ops',
        queries: [
          [`sum by (action, outcome) (rate(fairlead_audit_records_total${RATE}))`, '{{action}} {{outcome}}'],
        ],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [
          [
            'process_resident_memory_bytes * on (instance) group_left (role) fairlead_info',
            '{{role}} {{instance}}',
          ],
        ],
      },
    ],
  ],
];

const WIDTH = 24;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The text of the dashboard. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  let id = 0;
  for (const [title, row] of ROWS) {
    panels.push({
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: WIDTH, x: 0, y: y++ },
      panels: [],
    });
    const isStats = row.every(({ type }) => type === 'stat');
    const [columns, h] = isStats ? [row.length, 4] : [3, 8];
    const w = WIDTH / columns;
    row.forEach((one, i) => {
      const gridPos = { h, w, x: (i % columns) * w, y: y + Math.floor(i / columns) * h };
      panels.push(panel(one, ++id, gridPos));
    });
    y += Math.ceil(row.length / columns) * h;
  }
  const json = {
    uid: 'fairlead',
    title: 'Fairlead',
    description: 'Generated by hack/monitoring/dashboard.ts; do not edit.',
    tags: ['fairlead'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }],
    },
    panels,
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

function panel({ title, type, unit = 'short', queries, about }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: type ?? 'timeseries',
    title,
    ...(about !== undefined && { description: about }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    ...(type === 'stat' && { options: { reduceOptions: { calcs: ['lastNotNull'] } } }),
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCodePoint(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(type === 'stat' && { instant: true }),
    })),
  };
}
