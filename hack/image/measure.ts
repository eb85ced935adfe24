/**
 * Runs inside a container of the image: starts the container's role once more, beside the one that runs, on other ports,
 * and prints how soon it was ready, and what memory it holds when it has nothing to do. One line of JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 60_000;
/** What is measured is rest: nothing happens meanwhile that one could wait for. */
const REST_MS = 3_000;

const health = '127.0.0.1:18081';
const command = readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(1, -1);
const own = command.filter((arg) => !/^--(health|webhook|keys)-address=/.test(arg));
const ports = [
  '--webhook-address=127.0.0.1:19443',
  '--keys-address=127.0.0.1:19444',
  `--health-address=${health}`,
];

const started = performance.now();
const child = spawn(process.execPath, [...own, ...ports], { stdio: 'ignore' });
const exited = once(child, 'exit');
try {
  const ready_ms = await untilReady();
  const cpu_ms = cpuMs();
  await delay(REST_MS);
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const mb = (field: string) =>
    Math.round(Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1]) / 1000);
  console.log(JSON.stringify({ ready_ms, cpu_ms, resident_mb: mb('VmRSS'), private_mb: mb('RssAnon') }));
} finally {
  child.kill();
  await exited;
}

/** What the start took of the processors, which a busy machine does not lengthen: 100 ticks are a second. */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function untilReady(): Promise<number> {
  for (;;) {
    const answer = await fetch(`http://${health}/readyz`).catch(() => undefined);
    const spent = performance.now() - started;
    if (answer?.ok) return Math.round(spent);
    if (child.exitCode !== null || spent > READY_MS)
      throw new Error(`not ready, exit code ${child.exitCode}`);
    await delay(5);
  }
}
