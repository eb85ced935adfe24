import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../cluster/exec.ts';
import { withLock } from '../cluster/lock.ts';
import { withProgress } from '../cluster/progress.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { cacheDir, TOOLS_DIR } from '../cluster/tools.ts';

/** A module of its own: Kubernetes' pins decide nothing here, and a change here builds no API server again. */
const MODULE = join(TOOLS_DIR, 's3');
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
const BUILD_MS = 30 * 60_000;

/** The path of versitygw, an S3 server that verifies signatures, built from source when the cache lacks it. */
export async function ensureS3Server(options: BuildOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(MODULE, file)));
  const key = hash.update(`${process.platform} ${process.arch}`).digest('hex').slice(0, 12);
  const target = join(cacheDir(), `s3-${key}`, 'versitygw');
  if (existsSync(target)) return target;
  const lock = { what: 'building versitygw', timeoutMs: BUILD_MS, ...options };
  await withLock(`${dirname(target)}.lock`, lock, async () => {
    if (!existsSync(target)) await build(target, options);
  });
  return target;
}

async function build(target: string, { log, signal }: BuildOptions): Promise<void> {
  const temporary = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  log?.('building versitygw from source, once (2 to 3 minutes on 2 cores)');
  await withProgress('building versitygw', log, async (elapsed) => {
    try {
      const flags = ['-trimpath', '-mod=readonly', '-ldflags', '-s -w', '-o', temporary];
      const env = { ...process.env, CGO_ENABLED: '0' };
      await run('go', ['build', ...flags, PACKAGE], { cwd: MODULE, env, timeoutMs: BUILD_MS, signal });
      renameSync(temporary, target);
    } finally {
      rmSync(temporary, { force: true });
    }
    log?.(`built versitygw in ${elapsed()}`);
  });
}
