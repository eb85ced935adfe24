import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../cluster/exec.ts';
import { ociLayout } from '../cluster/images.ts';
import { withLock } from '../cluster/lock.ts';
import { tarStream } from '../cluster/tar.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { cacheDir } from '../cluster/tools.ts';
import { baseImage } from './base.ts';
import { buildahIn } from './buildah.ts';
import { keyOf, ROOT } from './inputs.ts';
import { npmAccess } from './npm-access.ts';

const BUILD_MS = 30 * 60_000;
/** So many older ones stay in the cache. */
const KEPT = 3;

export interface ImageOptions extends BuildOptions {
  /** The commit that it is built of, for a label. */
  readonly revision: string;
  /** `repository:tag`, as the archive names it. */
  readonly name?: string;
}

export interface BuiltImage {
  readonly name: string;
  readonly version: string;
  /** An OCI layout in a tar file. */
  readonly archive: string;
}

/**
 * Fairlead's image by the Dockerfile, from the cache or built there by buildah: the same files give the same archive.
 * Rejects with ClusterError; TOOL_MISSING where buildah is not to be had.
 */
export async function ensureImage(options: ImageOptions): Promise<BuiltImage> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { revision, name = `fairlead.local/fairlead:${version}` } = options;
  const base = await baseImage(options);
  const archive = join(
    cacheDir(),
    'image',
    `fairlead-${keyOf([revision, name, JSON.stringify(base.layers)])}.tar`,
  );
  const built = { name, version, archive };
  if (existsSync(archive)) return built;
  const lock = { what: `building ${name}`, timeoutMs: BUILD_MS, ...options };
  await withLock(`${archive}.lock`, lock, async () => {
    if (existsSync(archive)) return;
    const started = performance.now();
    options.log?.(`building ${name}`);
    const scratch = `${archive}.${process.pid}`;
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    try {
      const baseArchive = join(scratch, 'base.tar');
      await pipeline(tarStream(ociLayout([base]).entries), createWriteStream(baseArchive));
      const layout = await build(built, revision, baseArchive, scratch, options);
      await pack(layout, join(scratch, 'image.tar'), name, options);
      renameSync(join(scratch, 'image.tar'), archive);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    dropOld(dirname(archive));
    const seconds = Math.round((performance.now() - started) / 1000);
    options.log?.(`${name}: ${Math.round(statSync(archive).size / 1e6)} MB in ${seconds} s`);
  });
  return built;
}

/** The folder with the image's OCI layout. */
async function build(
  { name, version }: BuiltImage,
  revision: string,
  baseArchive: string,
  scratch: string,
  options: BuildOptions,
): Promise<string> {
  const buildah = await buildahIn(scratch, options);
  const base = (await buildah('pull', '--quiet', `oci-archive:${baseArchive}`)).trim();
  rmSync(baseArchive);
  const { npmrc, ca } = await npmAccess(scratch);
  const secrets = [`id=npmrc,src=${npmrc}`, ...(ca === undefined ? [] : [`id=ca,src=${ca}`])];
  const values = { NODE_IMAGE: base, VERSION: version, REVISION: revision };
  await buildah(
    'build',
    '--quiet',
    '--pull-never',
    '--network=host',
    // The same bytes each time.
    '--timestamp=0',
    '--layers=false',
    ...Object.entries(values).map(([key, value]) => `--build-arg=${key}=${value}`),
    ...secrets.map((secret) => `--secret=${secret}`),
    `--tag=${name}`,
    ROOT,
  );
  const layout = join(scratch, 'layout');
  await buildah('push', '--quiet', '--disable-compression', name, `oci:${layout}`);
  return layout;
}

/** One tar of it, with the name where containerd looks for it, too. */
async function pack(layout: string, file: string, name: string, { signal }: BuildOptions): Promise<void> {
  const index = join(layout, 'index.json');
  const { manifests, ...rest } = JSON.parse(readFileSync(index, 'utf8')) as { manifests: object[] };
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  };
  writeFileSync(
    index,
    JSON.stringify({ ...rest, manifests: manifests.map((one) => ({ ...one, annotations })) }),
  );
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  const args = [...fixed, '-cf', file, '-C', layout, 'oci-layout', 'index.json', 'blobs'];
  await run('tar', args, { timeoutMs: BUILD_MS, signal });
}

function dropOld(folder: string): void {
  const archives = readdirSync(folder)
    .filter((file) => /^fairlead-[0-9a-f]{12}\.tar$/.test(file))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const file of archives.slice(KEPT)) rmSync(file, { force: true });
}
