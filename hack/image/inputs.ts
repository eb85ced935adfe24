import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What decides what is in the image: all that .dockerignore lets through, and what says how it is built. */
const INPUTS = [
  'Dockerfile',
  '.dockerignore',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'src',
  'config/policies',
  'config/strict',
  'hack/no-axios',
  ...['base', 'build', 'buildah', 'inputs', 'npm-access'].map((name) => `hack/image/${name}.ts`),
];

/** A name for the image of these files and these other inputs: the same content has the same name. */
export function keyOf(others: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([process.arch, ...others]));
  for (const file of INPUTS.flatMap((name) => filesOf(join(ROOT, name))))
    if (!isTest(file))
      hash
        .update(`${relative(ROOT, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
  return hash.digest('hex').slice(0, 12);
}

function filesOf(path: string): string[] {
  try {
    const entries = readdirSync(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw error;
  }
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\/test-support\.ts$/.test(file);
}
