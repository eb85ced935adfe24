import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { run, tryRun, which } from './exec.ts';
import type { BuildOptions } from './tools.ts';

const STEP_MS = 15 * 60_000;
const NOT_NEEDED = ['doc', 'info', 'lintian', 'locale', 'man'].map((name) => `./usr/share/${name}/*`);

/**
 * Unpacks Debian packages, with all that they need, into `root`: from the machine's own package sources, found and
 * checked by apt. None of their scripts runs. `scratch` holds the archives. Rejects with ClusterError.
 */
export async function unpackDebian(
  packages: readonly string[],
  root: string,
  scratch: string,
  options: BuildOptions,
): Promise<void> {
  if (which('apt-get') === undefined)
    throw new ClusterError('TOOL_MISSING', 'the images are made of Debian packages: apt-get is not there');
  const archives = await download(packages, scratch, options);
  // Since Debian 12 these are one with /usr, but packages still name them.
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  await unpack(archives, root, options);
}

/** With an empty list of installed packages, apt fetches everything that these need, down to the C library. */
async function download(
  packages: readonly string[],
  scratch: string,
  { signal }: BuildOptions,
): Promise<string> {
  const archives = join(scratch, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  writeFileSync(join(scratch, 'status'), '');
  const settings = [
    `Dir::State::status=${join(scratch, 'status')}`,
    `Dir::Cache::archives=${archives}`,
    'APT::Sandbox::User=root',
    'DPkg::Lock::Timeout=300',
  ].flatMap((setting) => ['-o', setting]);
  const args = [...settings, 'install', '--yes', '--download-only', '--no-install-recommends', ...packages];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const how = { timeoutMs: STEP_MS, env, signal };
  // Package lists may be absent or outdated, which only shows when something is not found.
  if ((await tryRun('apt-get', args, how)) === undefined) {
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], how);
    await run('apt-get', args, how);
  }
  return archives;
}

async function unpack(archives: string, root: string, { signal }: BuildOptions): Promise<void> {
  const excludes = NOT_NEEDED.map((pattern) => `--exclude=${pattern}`);
  const script = `set -euo pipefail
for package in "$1"/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$2" --keep-directory-symlink "\${@:3}"
done`;
  await run('bash', ['-c', script, 'unpack', archives, root, ...excludes], { timeoutMs: STEP_MS, signal });
}
