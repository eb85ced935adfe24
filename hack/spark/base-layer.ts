import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from '../cluster/errors.ts';
import { run, tryRun, which } from '../cluster/exec.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import type { LayerRecipe } from './layers.ts';
import { put } from './layers.ts';

const PACKAGES = [
  'base-files',
  'base-passwd',
  'bash',
  'coreutils',
  'findutils',
  'grep',
  'hostname',
  'libc-bin',
  'openjdk-17-jre-headless',
  'procps',
  'python3',
  'sed',
  'tini',
];
const STEP_MS = 15 * 60_000;
const NOT_NEEDED = ['doc', 'info', 'lintian', 'locale', 'man'].map((name) => `./usr/share/${name}/*`);

/**
 * Debian with Java and Python, from the machine's own package sources: apt finds and checks the packages, they are
 * unpacked, and the few things are made that their installation scripts would make and Spark needs.
 */
export const BASE: LayerRecipe = {
  name: 'base',
  module: import.meta.url,
  inputs: [],
  build: async (root, scratch, options) => {
    if (which('apt-get') === undefined)
      throw new ClusterError('TOOL_MISSING', 'the images are made of Debian packages: apt-get is not there');
    const archives = await download(scratch, options);
    // Since Debian 12 these are one with /usr, but packages still name them.
    for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
      mkdirSync(join(root, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(root, name));
    }
    await unpack(archives, root, options);
    await finish(root, options);
  },
};

/** With an empty list of installed packages, apt fetches everything that these need, down to the C library. */
async function download(scratch: string, { signal }: BuildOptions): Promise<string> {
  const archives = join(scratch, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  writeFileSync(join(scratch, 'status'), '');
  const settings = [
    `Dir::State::status=${join(scratch, 'status')}`,
    `Dir::Cache::archives=${archives}`,
    'APT::Sandbox::User=root',
    'DPkg::Lock::Timeout=300',
  ].flatMap((setting) => ['-o', setting]);
  const args = [...settings, 'install', '--yes', '--download-only', '--no-install-recommends', ...PACKAGES];
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

async function finish(root: string, { signal }: BuildOptions): Promise<void> {
  const master = (name: string) =>
    readFileSync(join(root, 'usr/share/base-passwd', `${name}.master`), 'utf8');
  // Java and Hadoop ask who they are: a user without a name is an error to them.
  const users = [
    'spark:x:185:0:Spark:/opt/spark/work-dir:/bin/bash',
    'jovyan:x:1000:100:Notebook:/home/jovyan:/bin/bash',
  ];
  put(root, 'etc/passwd', `${master('passwd')}${users.join('\n')}\n`);
  put(root, 'etc/group', master('group'));
  put(root, 'etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  mkdirSync(join(root, 'home/jovyan'), { recursive: true });
  for (const folder of ['tmp', 'var/tmp', 'home/jovyan']) chmodSync(join(root, folder), 0o1777);
  const [java] = readdirSync(join(root, 'usr/lib/jvm')).filter((name) => name.startsWith('java-17-openjdk-'));
  if (java === undefined) throw new ClusterError('BAD_STATE', 'the packages brought no Java');
  // A path without the architecture in it.
  symlinkSync(java, join(root, 'usr/lib/jvm/java'));
  await run('ldconfig', ['-r', root], { signal });
  await trustStore(root, signal);
}

/** Java refuses to begin with TLS while it trusts nobody at all, even where a program brings its own authority. */
async function trustStore(root: string, signal: AbortSignal | undefined): Promise<void> {
  mkdirSync(join(root, 'etc/ssl/certs/java'), { recursive: true });
  const script = `set -eu
find /usr/share/ca-certificates -name '*.crt' -exec cat {} + > /etc/ssl/certs/ca-certificates.crt
find /usr/share/ca-certificates -name '*.crt' | sed 's/^/+/' |
  LC_ALL=C.UTF-8 /usr/lib/jvm/java/bin/java -jar /usr/share/ca-certificates-java/ca-certificates-java.jar >/dev/null`;
  // Java finds its libraries by /proc/self/exe. The mount is gone with the mount namespace.
  const inside = `mkdir -p "$1/proc" && mount --bind /proc "$1/proc" && exec chroot "$1" /bin/bash -c "$2"`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', inside, 'inside', root, script];
  await run('unshare', args, { timeoutMs: STEP_MS, signal });
}
