import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { attach } from '../../hack/cluster/index.ts';
import type { Image } from '../../hack/cluster/images.ts';
import { ALL_IMAGES, ensureImages } from '../../hack/spark/images.ts';
import { ensureS3Server } from '../../hack/spark/s3-tool.ts';
import { provideCluster, teardown } from '../support/global-setup.ts';

export { teardown };

/** The cluster of the other projects, and on its node the images, which are built first where the cache lacks them. */
export async function setup(project: TestProject): Promise<void> {
  const started = performance.now();
  const log = (line: string): void => {
    console.log(`[${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s] ${line}`);
  };
  const images = await ensureImages(ALL_IMAGES, { log });
  await ensureS3Server({ log });
  const dir = await provideCluster(project);
  // A cluster that is lent may have them already.
  const [stamp, wanted] = [join(dir, 'spark-images.json'), fingerprint(images)];
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  log(`importing ${images.map(({ name }) => name).join(', ')} into the node`);
  await (await attach(dir)).loadImageLayers(images);
  writeFileSync(stamp, wanted);
  log('the images are on the node');
}

function fingerprint(images: readonly Image[]): string {
  const of = (layer: Image['layers'][number]) =>
    'file' in layer ? layer.digest : createHash('sha256').update(layer).digest('hex');
  return JSON.stringify(images.map(({ name, config, layers }) => [name, config, layers.map(of)]));
}
