/**
 * Bundles src/kubectl into one file that needs nothing but Node 20 or newer: dist/kubectl-fairlead. Put it into a
 * directory of PATH, and `kubectl fairlead` finds it. `--out FILE` writes it elsewhere.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '..');

/** Resolves to the path of the plugin. */
export async function buildPlugin(out: string): Promise<string> {
  const bundle = await rolldown({
    input: join(ROOT, 'src/kubectl/main.ts'),
    platform: 'node',
    transform: { target: 'node20' },
    treeshake: true,
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    codeSplitting: false,
    comments: { legal: true },
  });
  await bundle.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error('the plugin is more than one file');
  await mkdir(dirname(out), { recursive: true });
  // The repository says that its files are modules; this one is none.
  await writeFile(join(dirname(out), 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(out, `#!/usr/bin/env node\n${chunk.code}`);
  await chmod(out, 0o755);
  return out;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  const out = resolve(values.out ?? join(ROOT, 'dist/kubectl-fairlead'));
  console.log(await buildPlugin(out));
}
