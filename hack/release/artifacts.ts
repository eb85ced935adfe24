import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ensureHelm } from '../chart/helm-tool.ts';
import { run } from '../cluster/exec.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { ensureImage } from '../image/build.ts';
import { ROOT } from '../image/inputs.ts';
import { sbom } from '../image/sbom.ts';
import { buildPlugin } from '../plugin.ts';

export interface Artifacts extends BuildOptions {
  readonly version: string;
  readonly revision: string;
  /** false: the image is built elsewhere, where buildah or another builder is. */
  readonly image: boolean;
  readonly notes: string;
  /** Made anew. */
  readonly to: string;
}

/** Builds what a release consists of into one folder, with SHA256SUMS. Rejects with ClusterError. */
export async function buildArtifacts(of: Artifacts): Promise<readonly string[]> {
  const { version, revision, to, notes, log } = of;
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, 'RELEASE_NOTES.md'), notes);
  log?.('the chart');
  const helm = await ensureHelm(of);
  await run(helm, ['package', join(ROOT, 'charts/fairlead'), '--destination', to]);
  log?.('the kubectl plugin');
  await buildPlugin(join(to, 'kubectl-fairlead'));
  rmSync(join(to, 'package.json'));
  log?.('the bill of materials');
  writeFileSync(join(to, `fairlead-${version}.cdx.json`), `${JSON.stringify(await sbom(), null, 2)}\n`);
  if (of.image) {
    log?.('the image');
    const { archive } = await ensureImage({ ...of, name: `fairlead:${version}`, revision });
    copyFileSync(archive, join(to, `fairlead-${version}-image.tar`));
  }
  const names = readdirSync(to).sort();
  const sums = await Promise.all(names.map(async (name) => `${await sha256(join(to, name))}  ${name}\n`));
  writeFileSync(join(to, 'SHA256SUMS'), sums.join(''));
  return [...names, 'SHA256SUMS'];
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
