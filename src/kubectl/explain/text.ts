import { counted } from '../../resolve/resolve.ts';
import { facts, table } from '../cli/table.ts';
import { printable } from '../cli/io.ts';
import type { PodReport, Report } from './report.ts';
import type { Row } from './rows.ts';

/** A report for people: facts, the table of variables, and what else there is to say. */
export function textOf(report: Report): string {
  const sections = [
    facts(headOf(report)),
    report.variables.length > 0 ? variableTable(report.variables) : '',
    section(
      'Problems',
      report.problems.map(
        ({ entry, reason, message }) => `${entry ? `${entry}: ` : ''}${reason}: ${message}`,
      ),
    ),
    integrationTable(report),
    eventTable(report),
    section('Not visible to you', report.notVisible),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function headOf({
  kind,
  namespace,
  name,
  domain,
  pod,
  condition,
  fix,
  docs,
}: Report): (readonly [string, string])[] {
  return [
    [kind, `${namespace}/${name}`],
    [
      'Domain',
      domain === undefined
        ? 'not visible to you'
        : (domain ?? 'none: the namespace has no label fairlead.dev/domain'),
    ],
    ...(pod ? podFacts(pod) : []),
    ...(condition
      ? ([
          [pod ? 'SecretsDelivered' : 'Ready', `${condition.status} ${condition.reason}`],
          ['Message', condition.message],
        ] as const)
      : ([[pod ? 'SecretsDelivered' : 'Ready', noCondition(pod)]] as const)),
    ...(fix ? ([['Fix', fix]] as const) : []),
    ...(docs ? ([['Read', docs]] as const) : []),
  ];
}

function noCondition(pod: PodReport | undefined): string {
  if (!pod) return 'not checked yet';
  if (!pod.asks)
    return 'this pod asks for no secrets (no annotation fairlead.dev/secret-references or fairlead.dev/storage)';
  return pod.delivered ? 'no condition: the pod got its secrets at the first try' : 'no condition yet';
}

function podFacts(pod: PodReport): (readonly [string, string])[] {
  const made = pod.delivered ? 'delivered' : 'not delivered yet';
  const delivery =
    pod.delivery === undefined ? 'none: no container reads a delivery' : `${pod.delivery} (${made})`;
  return [
    ['Phase', pod.phase ?? ''],
    ['Gate', pod.gate],
    ...(pod.asks
      ? ([
          ['Delivery', delivery],
          ['References', pod.references.join(', ') || 'none'],
          ['Storages', pod.storages.join(', ') || 'none'],
          ['Containers', pod.containers.join(', ') || 'none'],
        ] as const)
      : []),
    ...(pod.ownEnv.length > 0
      ? ([
          ['Own env', `${pod.ownEnv.join(', ')}: set by the pod itself, which wins over the delivery`],
        ] as const)
      : []),
  ];
}

const HEADER = [
  'VARIABLE',
  'FROM',
  'SOURCE',
  'KEY',
  'PATH',
  'VERSION',
  'DOMAIN COVERED',
  'YOU MAY USE',
  'STATE',
];

function variableTable(rows: readonly Row[]): string {
  return table(
    HEADER,
    rows.map((row) => [
      row.variables === undefined
        ? row.variable
        : `${row.variable} (${counted({ variables: row.variables, properties: 0 })})`,
      row.reference ?? (row.storage === undefined ? '' : `storage ${row.storage}`),
      `${row.source.type}/${row.source.id}`,
      row.key,
      row.path,
      row.version === undefined ? '' : String(row.version),
      row.domainCovered,
      row.youMayUse,
      row.optional ? `${row.state} (optional)` : row.state,
    ]),
  );
}

function integrationTable({ integrations }: Report): string {
  if (integrations.length === 0) return '';
  const rows = integrations.map(({ id, host, namespace = '', ready, reason, message }) => [
    ...[id, host, namespace, ready, reason, ready === 'True' ? '' : message],
  ]);
  return table(['INTEGRATION', 'HOST', 'NAMESPACE', 'READY', 'REASON', 'MESSAGE'], rows);
}

function eventTable({ events }: Report): string {
  if (events.length === 0) return '';
  const rows = events.map(({ last, type, reason, from, message }) => [last, type, reason, from, message]);
  return table(['LAST SEEN', 'TYPE', 'EVENT', 'FROM', 'MESSAGE'], rows);
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`;
}
