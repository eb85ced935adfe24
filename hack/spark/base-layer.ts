import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebian } from '../cluster/debian.ts';
import { ClusterError } from '../cluster/errors.ts';
import { run } from '../cluster/exec.ts';
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

/**
 * Debian with Java and Python, from the machine's own package sources: apt finds and checks the packages, they are
 * unpacked, and the few things are made that their installation scripts would make and Spark needs.
 */
export const BASE: LayerRecipe = {
  name: 'base',
  module: import.meta.url,
  inputs: [],
  build: async (root, scratch, options) => {
    await unpackDebian(PACKAGES, root, scratch, options);
    await finish(root, options);
  },
};

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
