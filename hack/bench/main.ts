/**
 * `make bench`: how long Fairlead takes to let 1,000 pods go that are created at once, beside a floor measured in
 * the same run: a bare client that does the same Vault reads, Secret creations and gate patches, 32 at once.
 * Then how soon a pod that waits goes on, how long a listing of 5,000 keys takes, and what the image costs. Prints what it does, and ends with one JSON line for each scenario.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down, up } from '../cluster/index.ts';
import { tap } from '../tap.ts';
import { vaultAdmin } from '../vault-admin.ts';
import { floor } from './floor.ts';
import { imageCosts, type ImageMeasurement } from './image.ts';
import { prepare, scopeTokens, type Bench } from './prepare.ts';
import { listKeys, type ListMeasurement } from './list-keys.ts';
import { measure, type Measurement } from './measure.ts';
import { wake, type WakeMeasurement } from './wake.ts';

const PODS = Number(process.env['PODS'] ?? 1000);
const say = (line: string) => console.log(line);

const dir = await mkdtemp(join(tmpdir(), 'fairlead-bench-'));
const results: Measurement[] = [];
let woken: WakeMeasurement | undefined;
let listed: ListMeasurement | undefined;
let image: ImageMeasurement | undefined;
try {
  const cluster = await up({ dir: join(dir, 'cluster'), node: false, log: say });
  if (!cluster.bao) throw new Error('the cluster came without OpenBao');
  const proxy = await tap(cluster.bao.address);
  const bench: Bench = { cluster, dir, pods: PODS, vault: vaultAdmin(cluster.bao), proxy, say };
  const prepared = await prepare(bench);
  say(`\nfloor: a bare client, 32 at once, each of ${PODS} pods: one Vault read, one Secret, one gate patch`);
  const floors = await floor(bench);
  for (const scenario of ['own-path', 'shared-path', 'scoped-tokens'] as const) {
    if (scenario === 'scoped-tokens') await scopeTokens(bench);
    say(`\n${scenario}: ${PODS} annotated pods at once`);
    results.push(await measure(bench, prepared, scenario, floors[scenario]));
  }
  woken = await wake(bench);
  listed = await listKeys(bench, prepared);
  image = await imageCosts(bench);
  await prepared.fairlead.stop();
  await proxy.close();
} finally {
  await down(join(dir, 'cluster'), () => {});
  await rm(dir, { recursive: true, force: true });
}
for (const result of results) {
  say(
    `\n${result.scenario}: ${result.fairlead_s} s, floor ${result.floor_s} s, ratio ${result.ratio}; ` +
      `pod to lifted gate p50 ${result.p50_ms} ms, p99 ${result.p99_ms} ms; ` +
      `CPU ${result.cpu_s} s, peak ${result.rss_mb} MB, ${result.vault_requests} Vault requests`,
  );
}
if (woken)
  say(`\nwake-up: p50 ${woken.p50_ms} ms, p99 ${woken.p99_ms} ms, floor p50 ${woken.floor_p50_ms} ms`);
if (listed)
  say(
    `\n${listed.keys} keys: server ${listed.server_ms} ms (at most ${listed.server_max_ms} ms), ` +
      `client ${listed.client_p50_ms} ms, floor ${listed.floor_p50_ms} ms; in pages of ${listed.page} ` +
      `server ${listed.paged_server_ms} ms in all, client ${listed.paged_client_p50_ms} ms; ` +
      `CPU ${listed.cpu_ms} ms a listing; keys role: ready after ${listed.start_up_ms} ms, ` +
      `idle ${listed.idle_mb} MB, peak ${listed.peak_mb} MB`,
  );
if (image) {
  say(`\nimage: ${image.packed_mb} MB packed, ${image.unpacked_mb} MB unpacked`);
  for (const [role, { ready_ms, cpu_ms, resident_mb, private_mb }] of Object.entries(image.roles))
    say(
      `${role}: ready after ${ready_ms} ms (CPU ${cpu_ms} ms), idle ${resident_mb} MB, of its own ${private_mb} MB`,
    );
}
for (const result of [...results, woken, listed, image].filter(Boolean)) say(JSON.stringify(result));
process.exit();
