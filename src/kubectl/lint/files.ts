import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../kube/errors.ts';
import { usageError } from '../cli/exit.ts';
import { printable, type Io } from '../cli/io.ts';
import type { SourceFile } from './lint.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MANIFEST = /\.(ya?ml|json)$/;

/** Files, the manifests of directories (also below), and `-` for standard input. Rejects with PluginError Usage. */
export async function readFiles(names: readonly string[], io: Pick<Io, 'stdin'>): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const name of names) {
    if (name === '-') files.push({ name: '<stdin>', text: await standardInput(io) });
    else files.push(...expand(name).map((path) => ({ name: path, text: read(path) })));
  }
  return files;
}

/** A file itself, or the manifests of a directory and of those below. Throws PluginError Usage. */
export function expand(path: string): string[] {
  if (!attempt(path, () => statSync(path)).isDirectory()) return [path];
  const inside = attempt(path, () => readdirSync(path, { withFileTypes: true }));
  return inside
    .filter((entry) => !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return expand(child);
      return MANIFEST.test(entry.name) ? [child] : [];
    });
}

function read(path: string): string {
  return attempt(path, () => {
    if (statSync(path).size > MAX_BYTES) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    return readFileSync(path, 'utf8');
  });
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw usageError(`${printable(path)} cannot be read (${codeOf(error)})`);
  }
}

export async function standardInput({ stdin }: Pick<Io, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}
