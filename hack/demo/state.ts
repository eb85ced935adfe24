/** What a demo leaves running, and how it is ended: only processes that it started itself. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { close, providerFromEnvironment, type Provider } from '../cluster/providers.ts';

export const DIR = new URL('../../.demo/', import.meta.url).pathname;
export const CLUSTER_DIR = join(DIR, 'cluster');
const PIDS = join(DIR, 'fairlead.pids');
const PROVIDER = join(DIR, 'provider');

interface Pid {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, so that a later process with the same number is left alone. */
  readonly startTime: string;
}

export async function rememberProcesses(pids: readonly number[]): Promise<void> {
  await mkdir(DIR, { recursive: true, mode: 0o700 });
  const known = await Promise.all(pids.map(async (pid) => ({ pid, startTime: await startTime(pid) })));
  await writeFile(PIDS, JSON.stringify(known), { mode: 0o600 });
}

/** So that demo-down ends what the demo started, whatever CLUSTER says by then. */
export async function rememberProvider(provider: Provider): Promise<void> {
  await mkdir(DIR, { recursive: true, mode: 0o700 });
  await writeFile(PROVIDER, provider, { mode: 0o600 });
}

async function provider(): Promise<Provider> {
  return providerFromEnvironment(existsSync(PROVIDER) ? await readFile(PROVIDER, 'utf8') : undefined);
}

/** Ends Fairlead's processes, then the cluster, if this demo started one. */
export async function stopDemo(log: (line: string) => void): Promise<void> {
  const known = existsSync(PIDS) ? (JSON.parse(await readFile(PIDS, 'utf8')) as Pid[]) : [];
  for (const { pid, startTime: started } of known) {
    if ((await startTime(pid)) !== started) continue;
    process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + 10_000;
    while ((await startTime(pid)) === started) {
      if (performance.now() > deadline) process.kill(pid, 'SIGKILL');
      await delay(50);
    }
  }
  if (existsSync(CLUSTER_DIR)) await close(await provider(), CLUSTER_DIR, log);
}

/** Undefined start times are equal only where there is no /proc: then the pid alone has to do. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
