import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';
import { python } from '../cluster/python-tool.ts';
import type { LayerRecipe } from './layers.ts';

const REQUIREMENTS = new URL('notebook-requirements.txt', import.meta.url);
const STEP_MS = 20 * 60_000;
/** Debian 12's Python, whatever the machine's own is. */
const PYTHON = '3.11';
const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** Debian 12 has glibc 2.36: wheels for any older one will do. */
const PLATFORMS = ['2014', ...[17, 24, 26, 27, 28, 31, 34].map((minor) => `_2_${minor}`)];

/** JupyterLab, what JupyterHub starts in a pod, the hub itself, and what PySpark wants beside Spark. */
export const NOTEBOOK: LayerRecipe = {
  name: 'notebook',
  module: import.meta.url,
  inputs: [readFileSync(REQUIREMENTS, 'utf8')],
  build: async (root, scratch, { signal }) => {
    const target = join(scratch, 'packages');
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--no-cache-dir'];
    const platform = PLATFORMS.flatMap((name) => ['--platform', `manylinux${name}_${MACHINE}`]);
    const kind = ['--only-binary=:all:', '--implementation=cp', `--python-version=${PYTHON}`, ...platform];
    const what = ['--no-compile', '--require-hashes', '-r', REQUIREMENTS.pathname, '--target', target];
    await run(python('Jupyter'), ['-m', 'pip', 'install', ...flags, ...kind, ...what], {
      timeoutMs: STEP_MS,
      signal,
    });
    const local = join(root, 'usr/local');
    mkdirSync(join(local, `lib/python${PYTHON}`), { recursive: true });
    for (const name of ['bin', 'etc', 'share'])
      if (existsSync(join(target, name))) renameSync(join(target, name), join(local, name));
    renameSync(target, join(local, `lib/python${PYTHON}/dist-packages`));
    useImagesPython(join(local, 'bin'));
  },
};

/** pip writes the Python that it runs with into the first line of each command. */
function useImagesPython(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    if (text.startsWith('#!'))
      writeFileSync(file, text.replace(/^#!.*/, '#!/usr/bin/python3'), { mode: 0o755 });
  }
}
