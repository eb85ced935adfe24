import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../../hack/fairlead.ts';
import { until } from '../support/cluster.ts';
import { probe } from '../support/metrics.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const BROKEN = new URL('../support/broken-process.ts', import.meta.url).href;

/** A whole controller whose API server never answers. */
let dir: string;
let child: ChildProcess;
let health: string;
let log = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairlead-process-'));
  const server = `https://127.0.0.1:${await freePort()}`;
  const named = { cluster: 'c', user: 'u' };
  const kubeconfig = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'hunter2' } }],
    contexts: [{ name: 'x', context: named }],
  };
  await writeFile(join(dir, 'kubeconfig'), stringify(kubeconfig));
  const address = `127.0.0.1:${await freePort()}`;
  health = `http://${address}`;
  const args = [
    '--disable-sigusr1',
    '--report-exclude-env',
    '--import',
    BROKEN,
    MAIN,
    '--role',
    'controller',
  ];
  args.push('--kubeconfig', join(dir, 'kubeconfig'), '--health-address', address, '--log-level', 'error');
  child = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until('the process to live', async () => (await fetch(`${health}/livez`)).ok, { timeoutMs: 60_000 });
}, 60_000);
afterAll(async () => {
  const exited = once(child, 'exit');
  if (child.kill('SIGKILL')) await exited;
  await rm(dir, { recursive: true, force: true });
});

const answers = async (path: 'livez' | 'readyz', status: number) =>
  until(`/${path} to answer ${status}`, async () => {
    const seen = await probe({ health }, path);
    return seen.status === status && seen.text;
  });

describe('a process whose API server does not answer', () => {
  it('is alive and not ready, and says why', async () => {
    expect(await answers('livez', 200)).toBe('[+]watches ok\n[+]loops ok\nok\n');
    expect(await answers('readyz', 503)).toContain('[-]caches failed: pods\n[+]audit ok');
  });

  it('logs at debug once SIGUSR2 says so, and as before once it says so again', async () => {
    const FAILED = 'a watch failed and is tried again';
    const changed = (to: string) => `"to":"${to}","msg":"the log level was changed"`;
    expect(log).toBe('');
    child.kill('SIGUSR2');
    await until('warnings', async () => Promise.resolve(log.includes(FAILED)));
    expect(log).toContain(changed('debug'));

    child.kill('SIGUSR2');
    await until('the level to change back', async () => Promise.resolve(log.includes(changed('error'))));
    const failures = async () => {
      const page = await (await fetch(`${health}/metrics`)).text();
      const counts = [...page.matchAll(/^fairlead_reflector_errors_total.* (\d+)$/gm)];
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await failures();
    await until('more failures', async () => (await failures()) > before);
    expect(log.slice(log.indexOf(changed('error')))).not.toContain(FAILED);
  });

  it('is not worth keeping when nothing was heard for an hour', async () => {
    child.kill('SIGHUP');
    expect(await answers('livez', 503)).toMatch(/^\[-\]watches failed: \w+\n\[\+\]loops ok\nfailed\n$/);
  });
});
