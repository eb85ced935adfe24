/**
 * `make image`: Fairlead's image as an OCI archive, dist/fairlead-image.tar, and its bill of materials. IMAGE names it
 * (`registry.example.com/fairlead:0.1.0`); `podman load`, `docker load`, `ctr images import` and `skopeo copy` take it.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tryRun } from '../cluster/exec.ts';
import { ensureImage } from './build.ts';
import { ROOT } from './inputs.ts';

const log = (line: string): void => {
  console.log(line);
};
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

const revision = (
  await tryRun('git', ['describe', '--always', '--dirty', '--abbrev=40'], { cwd: ROOT })
)?.trim();
const wanted = process.env['IMAGE'];
const { name, archive } = await ensureImage({
  revision: revision ?? 'unknown',
  ...(wanted !== undefined && wanted !== '' && { name: wanted }),
  log,
  signal: interrupted.signal,
});
mkdirSync(join(ROOT, 'dist'), { recursive: true });
copyFileSync(archive, join(ROOT, 'dist', 'fairlead-image.tar'));
log(`${name}: dist/fairlead-image.tar`);
