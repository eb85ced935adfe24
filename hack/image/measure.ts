/**
 * What a role takes that has nothing to do. By itself it runs inside a container of the image, as a text that is handed to
 * node (so it needs nothing beside Node): it starts the container's role once more, beside the one that runs, on other
 * ports, and prints what that takes. One line of JSON.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface RoleCost {
  /** From the start of the process on. */
  readonly ready_ms: number;
  readonly cpu_ms: number;
  readonly resident_mb: number;
  readonly private_mb: number;
}

const READY_MS = 60_000;
/** What is measured is rest: nothing happens meanwhile that one could wait for. */
const REST_MS = 3_000;

/** Of a process of this machine that was started just now, until it answers there; then ends it. */
export async function costsOf(child: ChildProcess, readyz: string): Promise<RoleCost> {
  const started = performance.now();
  const exited = once(child, 'exit');
  try {
    const ready_ms = await untilReady(child, readyz, started);
    const cpu_ms = cpuMs(child);
    await delay(REST_MS);
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    const mb = (field: string) =>
      Math.round(Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1]) / 1000);
    return { ready_ms, cpu_ms, resident_mb: mb('VmRSS'), private_mb: mb('RssAnon') };
  } finally {
    child.kill();
    await exited;
  }
}

async function untilReady(child: ChildProcess, readyz: string, started: number): Promise<number> {
  for (;;) {
    const answer = await fetch(readyz).catch(() => undefined);
    const spent = performance.now() - started;
    if (answer?.ok) return Math.round(spent);
    if (child.exitCode !== null || spent > READY_MS)
      throw new Error(`not ready, exit code ${child.exitCode}`);
    await delay(5);
  }
}

/** What the start took of the processors, which a busy machine does not lengthen: 100 ticks are a second. */
function cpuMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

if (import.meta.main) {
  const health = '127.0.0.1:18081';
  const command = readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(1, -1);
  const own = command.filter((arg) => !/^--(health|webhook|keys)-address=/.test(arg));
  const ports = [
    '--webhook-address=127.0.0.1:19443',
    '--keys-address=127.0.0.1:19444',
    `--health-address=${health}`,
  ];
  const child = spawn(process.execPath, [...own, ...ports], { stdio: 'ignore' });
  console.log(JSON.stringify(await costsOf(child, `http://${health}/readyz`)));
}
