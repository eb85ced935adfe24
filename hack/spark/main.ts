/** `make spark-images`: builds the layers of the images that test/spark runs, so that the tests find them. */
import { ALL_IMAGES, ensureImages } from './images.ts';

const started = performance.now();
const log = (line: string): void => {
  console.log(`[${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s] ${line}`);
};
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

for (const { name, layers } of await ensureImages(ALL_IMAGES, { log, signal: interrupted.signal })) {
  const bytes = layers.reduce((sum, layer) => sum + ('file' in layer ? layer.size : layer.length), 0);
  log(`${name}: ${Math.round(bytes / 1e6)} MB in ${layers.length} layers`);
}
