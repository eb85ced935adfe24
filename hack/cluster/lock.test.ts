import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from './lock.ts';

describe('withLock', () => {
  let dir: string;
  let lock: string;
  const options = { what: 'test', timeoutMs: 5_000 };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-lock-'));
    lock = join(dir, 'sub', 'lock');
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('lets one at a time in', async () => {
    let [inside, most] = [0, 0];
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await delay(20);
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(lock, options, work)));
    expect(most).toBe(1);
    expect(existsSync(lock)).toBe(false);
  });

  it('is free again after a failure', async () => {
    await expect(withLock(lock, options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(lock, options, () => Promise.resolve(1))).toBe(1);
  });

  it.each([
    ['whose process is gone', JSON.stringify({ pid: 2 ** 22 + 1, identity: 'x' })],
    ['whose process number belongs to another now', JSON.stringify({ pid: process.pid, identity: 'x' })],
    ['that is not readable', '{'],
  ])('takes over a lock %s', async (_, content) => {
    await withLock(lock, options, () => Promise.resolve());
    writeFileSync(lock, content);
    expect(await withLock(lock, options, () => Promise.resolve('in'))).toBe('in');
  });

  it('tells who has it, and gives up in time', async () => {
    const lines: string[] = [];
    const release = Promise.withResolvers<void>();
    const holder = withLock(lock, options, () => release.promise);
    const waiting = withLock(lock, { ...options, timeoutMs: 50, log: (line) => lines.push(line) }, () =>
      Promise.resolve(),
    );
    await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(lines[0]).toContain(String(process.pid));
    release.resolve();
    await holder;
  });
});
