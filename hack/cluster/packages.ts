import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { run, tryRun, which } from './exec.ts';
import { withLock } from './lock.ts';
import type { BuildOptions } from './tools.ts';
import { cacheDir } from './tools.ts';

const INSTALL_MS = 10 * 60_000;

/**
 * Installs what `missing` says, asked again once nobody else installs. Only root of a Debian-like system can; rejects
 * with TOOL_MISSING and what to install, or with ABORTED.
 */
export async function installPackages(
  missing: () => readonly string[],
  options: BuildOptions = {},
): Promise<void> {
  if (missing().length === 0) return;
  const lock = { what: 'installing packages', timeoutMs: INSTALL_MS, ...options };
  await withLock(join(cacheDir(), 'packages.lock'), lock, () => install(missing(), options));
}

async function install(packages: readonly string[], options: BuildOptions): Promise<void> {
  if (packages.length === 0) return;
  const apt = which('apt-get');
  if (apt === undefined || process.getuid?.() !== 0)
    throw new ClusterError(
      'TOOL_MISSING',
      `install ${packages.join(', ')} (or what your system calls them) first`,
    );
  options.log?.(`installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const settings = { timeoutMs: INSTALL_MS, env, signal: options.signal };
  // Others use apt, too: wait for them rather than fail.
  const args = ['-o', 'DPkg::Lock::Timeout=300', 'install', '--yes', '--no-install-recommends', ...packages];
  // Package lists may be absent or outdated, which only shows when something is not found.
  if ((await tryRun(apt, args, settings)) !== undefined) return;
  try {
    await run(apt, ['update'], settings);
    await run(apt, args, settings);
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'ABORTED') throw error;
    throw new ClusterError(
      'TOOL_MISSING',
      `apt-get could not install ${packages.join(', ')}: ${String(error)}`,
      error,
    );
  }
}
