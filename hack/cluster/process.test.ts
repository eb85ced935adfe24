import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseStat, processIdentity } from './identity.ts';
import type { ComponentSpec } from './process.ts';
import { knownComponents, logTail, pidOf, start, stop } from './process.ts';

describe('components', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'fairlead-process-')));
  });
  afterEach(async () => {
    for (const name of knownComponents(dir)) await stop(dir, name, { signal: 'SIGKILL', timeoutMs: 5_000 });
    rmSync(dir, { recursive: true, force: true });
  });

  const shell = (script: string, more: Partial<ComponentSpec> = {}): ComponentSpec => ({
    name: 'thing',
    command: 'sh',
    args: ['-c', script],
    ready: () => logTail(dir, 'thing').includes('up'),
    readyTimeoutMs: 5_000,
    ...more,
  });
  const pidFile = (): string => join(dir, 'run', 'thing.pid');

  it('starts it once, and finds it again by its pid file', async () => {
    await start(dir, shell('echo up; exec sleep 60'));
    const pid = pidOf(dir, 'thing');
    await start(dir, shell('echo up; exec sleep 60'));
    expect(pid).toBeGreaterThan(1);
    expect(pidOf(dir, 'thing')).toBe(pid);
  });

  it('stops it, and is content when it is stopped already', async () => {
    await start(dir, shell('echo up; exec sleep 60'));
    await stop(dir, 'thing', { signal: 'SIGTERM', timeoutMs: 5_000 });
    await stop(dir, 'thing', { signal: 'SIGTERM', timeoutMs: 5_000 });
    expect(pidOf(dir, 'thing')).toBeUndefined();
    expect(knownComponents(dir)).toEqual([]);
  });

  it('kills one that ignores SIGTERM, where that is asked for', async () => {
    const deaf = shell("trap '' TERM; echo up; while :; do sleep 0.05; done");
    await start(dir, deaf);
    await stop(dir, 'thing', { signal: 'SIGTERM', timeoutMs: 200, thenKill: true });
    expect(pidOf(dir, 'thing')).toBeUndefined();
  });

  it('leaves a process alone that only has the number of ours', async () => {
    await start(dir, shell('echo up; exec sleep 60'));
    const ours = readFileSync(pidFile(), 'utf8');
    writeFileSync(pidFile(), JSON.stringify({ pid: process.pid, identity: 'somebody else' }));
    expect(pidOf(dir, 'thing')).toBeUndefined();
    await stop(dir, 'thing', { signal: 'SIGKILL', timeoutMs: 1_000 });
    writeFileSync(pidFile(), ours);
    expect(pidOf(dir, 'thing')).toBeDefined();
  });

  it('names one that ends while it starts, with the end of its log', async () => {
    const broken = shell('echo first; echo "bind: address already in use" >&2; exit 3', {
      ready: () => false,
    });
    await expect(start(dir, broken)).rejects.toMatchObject({
      code: 'COMPONENT_EXITED',
      message: expect.stringMatching(/^thing ended unexpectedly[^]*address already in use/) as string,
    });
  });

  it('gives up on one that never gets ready, with the end of its log', async () => {
    const slow = shell('echo "waiting for godot"; exec sleep 60', {
      ready: () => false,
      readyTimeoutMs: 100,
    });
    await expect(start(dir, slow)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/^thing is not ready[^]*waiting for godot/) as string,
    });
  });

  it('says so when the program does not exist', async () => {
    await expect(start(dir, shell('', { command: join(dir, 'absent') }))).rejects.toMatchObject({
      code: 'TOOL_MISSING',
    });
  });

  it('does not start anything once it is told to stop', async () => {
    await expect(start(dir, shell('echo up'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(knownComponents(dir)).toEqual([]);
  });

  it("keeps the caller's Vault settings and kubeconfig out of it", async () => {
    process.env['VAULT_ADDR'] = 'https://elsewhere';
    try {
      await start(dir, shell('echo "addr=$VAULT_ADDR."; echo up; exec sleep 60'));
    } finally {
      delete process.env['VAULT_ADDR'];
    }
    expect(logTail(dir, 'thing')).toContain('addr=.');
  });
});

describe('process identity', () => {
  it('reads past a command with blanks and brackets in its name', () => {
    const rest = Array.from({ length: 18 }, (_, index) => String(index)).join(' ');
    expect(parseStat(`42 (a ) S (b) R 7 ${rest}`)).toEqual({ parent: 7, started: '17', zombie: false });
  });

  it('is stable for a process that lives and absent for one that does not', () => {
    expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
    expect(processIdentity(process.pid)).toBeDefined();
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
    expect(processIdentity(0)).toBeUndefined();
  });
});
