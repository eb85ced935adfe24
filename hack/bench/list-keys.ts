/**
 * A listing of 5,000 keys of a domain's store, whole and in pages. The floor is a bare client that reads the Secret
 * through the API server, parses it and sorts its keys. The server's own time is that of its metric, which ends before
 * the answer is written as JSON; its CPU time has everything.
 */
import { readFile } from 'node:fs/promises';
import { namespace, opaque } from '../demo/objects.ts';
import { waitFor } from '../demo/ui.ts';
import type { Fairlead, RoleProcess } from '../fairlead.ts';
import { bareClient, type BareClient } from './bare-client.ts';
import { cpuSeconds, peakMegabytes } from './measure.ts';
import type { Bench, Prepared } from './prepare.ts';

export interface ListMeasurement {
  readonly scenario: 'list-keys';
  readonly keys: number;
  readonly rounds: number;
  readonly floor_p50_ms: number;
  readonly client_p50_ms: number;
  /** Mean of the role's own metric, and the bucket that its slowest listing is in. */
  readonly server_ms: number;
  readonly server_max_ms: number;
  readonly page: number;
  /** All pages of a listing together. */
  readonly paged_client_p50_ms: number;
  readonly paged_server_ms: number;
  /** Of the role, for each listing that is not paged. */
  readonly cpu_ms: number;
  readonly start_up_ms: number;
  readonly idle_mb: number;
  readonly peak_mb: number;
}

const KEYS = 5_000;
const PAGE = 500;
/** With the pages, no more requests than one user has at once. */
const ROUNDS = 7;
const DOMAIN = 'bench-keys';
const SECRET = `/api/v1/namespaces/fairlead-system/secrets/iomete-secret-store-${DOMAIN}`;
const LIST = `/apis/keys.fairlead.dev/v1alpha1/namespaces/${DOMAIN}/secretkeys`;

export async function listKeys({ cluster, say }: Bench, { fairlead }: Prepared): Promise<ListMeasurement> {
  say(`\nlist-keys: ${KEYS} keys, whole and in pages of ${PAGE}, ${ROUNDS} times`);
  const { role, startUp, idle } = await startAnew(fairlead);
  const api = await bareClient(cluster.kubeconfig);
  await api.call('POST', '/api/v1/namespaces', namespace(DOMAIN, DOMAIN));
  await api.call('POST', SECRET.slice(0, SECRET.lastIndexOf('/')), opaque(storeName(), values()));
  await waitFor('the keys to be seen', async () => (await whole(api)) === KEYS || undefined);

  const floors = await times(async () => {
    const { data } = (await api.call('GET', SECRET)) as { data: object };
    return Object.keys(data).toSorted().length;
  });
  const [before, cpuBefore] = [await served(role), await cpuSeconds([role.pid])];
  const clients = await times(async () => whole(api));
  const [after, cpuAfter] = [await served(role), await cpuSeconds([role.pid])];
  const paged = await times(async () => inPages(api));
  const end = await served(role);
  await api.close();
  return {
    scenario: 'list-keys',
    keys: KEYS,
    rounds: ROUNDS,
    floor_p50_ms: median(floors),
    client_p50_ms: median(clients),
    server_ms: round((after.ms - before.ms) / ROUNDS),
    server_max_ms: slowest(before, after),
    page: PAGE,
    paged_client_p50_ms: median(paged),
    paged_server_ms: round((end.ms - after.ms) / ROUNDS),
    cpu_ms: round(((cpuAfter - cpuBefore) * 1000) / ROUNDS),
    start_up_ms: Math.round(startUp),
    idle_mb: Math.round(idle),
    peak_mb: Math.round(await peakMegabytes([role.pid])),
  };
}

/** How long the role takes until it is ready, and the memory that it has then. */
async function startAnew(fairlead: Fairlead) {
  await fairlead.process('keys').stop();
  const started = performance.now();
  const role = await fairlead.startRole('keys');
  const startUp = performance.now() - started;
  const idle =
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${role.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  await fairlead.keysApiAvailable();
  return { role, startUp, idle };
}

const storeName = () => SECRET.slice(SECRET.lastIndexOf('/') + 1);

/** Names of 25 characters, in no order. */
function values(): Record<string, string> {
  const name = (i: number) => `team_${String((i * 7919) % KEYS).padStart(4, '0')}_database_passwd`;
  return Object.fromEntries(Array.from({ length: KEYS }, (_, i) => [name(i), `value-${i}`]));
}

interface List {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly unknown[];
}

async function whole(api: BareClient): Promise<number> {
  const { items } = (await api.call('GET', `${LIST}?fieldSelector=source.id=${DOMAIN}`)) as List;
  return items.length;
}

async function inPages(api: BareClient): Promise<number> {
  let count = 0;
  let token: string | undefined = '';
  while (token !== undefined) {
    const query = `limit=${PAGE}&continue=${token}&fieldSelector=source.id=${DOMAIN}`;
    const { metadata, items } = (await api.call('GET', `${LIST}?${query}`)) as List;
    count += items.length;
    token = metadata.continue || undefined;
  }
  return count;
}

/** Of each of the rounds; every one must find all keys. */
async function times(count: () => Promise<number>): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const started = performance.now();
    const keys = await count();
    found.push(performance.now() - started);
    if (keys !== KEYS) throw new Error(`${keys} keys instead of ${KEYS}`);
  }
  return found;
}

interface Served {
  readonly ms: number;
  /** How many took at most so many milliseconds. */
  readonly buckets: readonly (readonly [ms: number, count: number])[];
}

async function served({ health }: RoleProcess): Promise<Served> {
  const text = await (await fetch(`${health}/metrics`)).text();
  const lines = text
    .split('\n')
    .filter((line) => line.includes('verb="GET"') && line.includes('resource="secretkeys"'));
  const of = (name: string) =>
    lines.filter((line) => line.startsWith(`fairlead_api_request_duration_seconds_${name}{`));
  const value = (line: string) => Number(line.slice(line.lastIndexOf(' ') + 1));
  return {
    ms: of('sum').reduce((sum, line) => sum + value(line) * 1000, 0),
    buckets: of('bucket').map((line) => [
      Number(/le="([\d.]+)"/.exec(line)?.[1] ?? Infinity) * 1000,
      value(line),
    ]),
  };
}

/** The bound of the bucket that the slowest request between the two is in. */
function slowest(before: Served, after: Served): number {
  const counts = after.buckets.map(([ms, count], i) => [ms, count - (before.buckets[i]?.[1] ?? 0)] as const);
  const all = Math.max(...counts.map(([, count]) => count));
  return Math.min(...counts.filter(([, count]) => count === all).map(([ms]) => ms));
}

function median(values: readonly number[]): number {
  return round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

const round = (value: number) => Math.round(value * 10) / 10;
