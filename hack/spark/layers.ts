import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { run } from '../cluster/exec.ts';
import type { LayerFile } from '../cluster/images.ts';
import { withLock } from '../cluster/lock.ts';
import { withProgress } from '../cluster/progress.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { cacheDir } from '../cluster/tools.ts';

/** Where an image has Spark, below its root. */
export const SPARK_HOME = 'opt/spark';
const BUILD_MS = 30 * 60_000;

export interface LayerRecipe {
  readonly name: string;
  /** The module that builds it (its import.meta.url): a changed recipe makes another layer. */
  readonly module: string;
  /** Of the cache. */
  readonly folder?: string;
  /** Whatever else decides what is built. */
  readonly inputs: readonly string[];
  /** Fills `root`, the layer's files as the image will have them; `scratch` is for what is thrown away. */
  build(root: string, scratch: string, options: BuildOptions): Promise<void>;
}

/** The layer from the cache, built there when missing. Two processes that want the same one build it once. */
export async function ensureLayer(recipe: LayerRecipe, options: BuildOptions = {}): Promise<LayerFile> {
  const base = join(cacheDir(), recipe.folder ?? 'spark', `${recipe.name}-${keyOf(recipe)}`);
  const cached = readLayer(base);
  if (cached !== undefined) return cached;
  const what = `building the image layer ${recipe.name}`;
  return withLock(`${base}.lock`, { what, timeoutMs: BUILD_MS, ...options }, async () => {
    const already = readLayer(base);
    if (already !== undefined) return already;
    return build(recipe, base, options);
  });
}

function keyOf({ module, inputs }: LayerRecipe): string {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(module)));
  return hash
    .update(JSON.stringify([inputs, process.arch]))
    .digest('hex')
    .slice(0, 12);
}

/** `<base>.json` is written last: with it, the tar is whole. */
function readLayer(base: string): LayerFile | undefined {
  if (!existsSync(`${base}.json`) || !existsSync(`${base}.tar`)) return undefined;
  const { digest, size } = JSON.parse(readFileSync(`${base}.json`, 'utf8')) as LayerFile;
  return { file: `${base}.tar`, digest, size };
}

async function build(recipe: LayerRecipe, base: string, options: BuildOptions): Promise<LayerFile> {
  const { log } = options;
  const what = `image layer ${recipe.name}`;
  const work = `${base}.${process.pid}`;
  const [root, scratch] = [join(work, 'root'), join(work, 'scratch')];
  rmSync(work, { recursive: true, force: true });
  for (const folder of [root, scratch]) mkdirSync(folder, { recursive: true });
  log?.(`${what}: building`);
  return withProgress(what, log, async (elapsed) => {
    try {
      await recipe.build(root, scratch, options);
      const layer = await pack(root, join(work, 'layer.tar'), options);
      renameSync(layer.file, `${base}.tar`);
      writeFileSync(`${base}.json.new`, JSON.stringify({ digest: layer.digest, size: layer.size }));
      renameSync(`${base}.json.new`, `${base}.json`);
      log?.(`${what}: ${Math.round(layer.size / 1e6)} MB in ${elapsed()}`);
      return { ...layer, file: `${base}.tar` };
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

/** The same files give the same bytes: no times, no owners, a fixed order. */
async function pack(root: string, file: string, { signal }: BuildOptions): Promise<LayerFile> {
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  await run('tar', [...fixed, '-cf', file, '-C', root, '.'], { timeoutMs: BUILD_MS, signal });
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(
    createReadStream(file, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
      }
    },
  );
  return { file, digest: `sha256:${hash.digest('hex')}`, size };
}

/** A file below a layer's root, with its folders. */
export function put(root: string, path: string, text: string, mode = 0o644): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}
