import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, which } from '../cluster/exec.ts';
import { installPackages } from '../cluster/packages.ts';
import type { BuildOptions } from '../cluster/tools.ts';

const STEP_MS = 15 * 60_000;

/** Runs buildah; its images and containers are in a folder of their own, which can just be deleted. */
export interface Buildah {
  (command: string, ...args: string[]): Promise<string>;
}

/** buildah, installed where that is possible. It needs root here: no user namespaces, no daemon. */
export async function buildahIn(scratch: string, options: BuildOptions): Promise<Buildah> {
  await installPackages(() => (which('buildah') === undefined ? ['buildah'] : []), options);
  const policy = join(scratch, 'policy.json');
  mkdirSync(scratch, { recursive: true });
  // Images come from a file of ours only.
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  // A copy for each layer is slow beside overlayfs, but works on every file system; there are few.
  const storage = [
    '--storage-driver=vfs',
    `--root=${join(scratch, 'storage')}`,
    `--runroot=${join(scratch, 'run')}`,
  ];
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', TMPDIR: scratch };
  return async (command, ...args) =>
    run(which('buildah') ?? 'buildah', [...storage, command, `--signature-policy=${policy}`, ...args], {
      timeoutMs: STEP_MS,
      env,
      signal: options.signal,
    });
}
