/**
 * A base image in the place of `node:24-bookworm-slim`, made on this machine where no registry of images is to be
 * had: Debian packages, the Node that the tests run on, and npm from the registry of packages.
 */
import { createRequire } from 'node:module';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unpackDebian } from '../cluster/debian.ts';
import { ClusterError } from '../cluster/errors.ts';
import { run } from '../cluster/exec.ts';
import type { Image } from '../cluster/images.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import type { LayerRecipe } from '../spark/layers.ts';
import { ensureLayer, put } from '../spark/layers.ts';

const PACKAGES = [
  'base-files',
  // For ldd.
  'bash',
  'coreutils',
  'dash',
  'findutils',
  'grep',
  'libc-bin',
  'libgcc-s1',
  'libstdc++6',
  'sed',
];
const NPM = {
  version: '11.19.1',
  integrity:
    'sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==',
};

export async function baseImage(options: BuildOptions): Promise<Image> {
  return {
    name: 'fairlead.local/node:24',
    layers: [await ensureLayer(NODE_BASE, options)],
    config: { Env: ['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
  };
}

const NODE_BASE: LayerRecipe = {
  name: 'node-base',
  module: import.meta.url,
  folder: 'image',
  inputs: [nodeVersion()],
  build: async (root, scratch, options) => {
    await unpackDebian(PACKAGES, root, scratch, options);
    if (!existsSync(join(root, 'usr/bin/sh'))) symlinkSync('dash', join(root, 'usr/bin/sh'));
    put(root, 'etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
    put(root, 'etc/group', 'root:x:0:\n');
    for (const folder of ['usr/local/bin', 'root', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(join(nodeDir(), 'bin/node'), join(root, 'usr/local/bin/node'));
    await unpackNpm(join(root, 'usr/local/lib/node_modules/npm'), scratch, options);
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
    await run('ldconfig', ['-r', root], { signal: options.signal });
  },
};

/** Of the package `node`, which brings the tests' Node: a program that other machines of this kind run, too. */
function nodeDir(): string {
  return dirname(createRequire(import.meta.url).resolve('node/package.json'));
}

function nodeVersion(): string {
  return (JSON.parse(readFileSync(join(nodeDir(), 'package.json'), 'utf8')) as { version: string }).version;
}

async function unpackNpm(target: string, scratch: string, { signal }: BuildOptions): Promise<void> {
  const args = ['pack', `npm@${NPM.version}`, '--json', '--pack-destination', scratch];
  const printed = await run('npm', args, { cwd: scratch, timeoutMs: 120_000, signal });
  const [packed] = JSON.parse(printed) as { filename: string; integrity: string }[];
  if (packed?.integrity !== NPM.integrity)
    throw new ClusterError('BAD_STATE', `npm ${NPM.version} is not the one that is pinned`);
  mkdirSync(target, { recursive: true });
  await run('tar', ['-xzf', join(scratch, packed.filename), '-C', target, '--strip-components=1'], {
    signal,
  });
}
