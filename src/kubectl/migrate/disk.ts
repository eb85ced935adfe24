import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../kube/errors.ts';
import { usageError } from '../cli/exit.ts';
import { printable, type Io } from '../cli/io.ts';
import { expand, standardInput } from '../lint/files.ts';
import type { SourceFile } from '../lint/lint.ts';
import { STDIN } from './migrate.ts';

/** Far more than a manifest; what is larger is something else. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Files, the manifests of directories, and `-` for standard input. Symbolic links are refused: the link would be replaced,
 * and the file behind it stay. Rejects with PluginError Usage.
 */
export async function readManifests(
  names: readonly string[],
  io: Pick<Io, 'stdin'>,
): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const name of names) {
    if (name === '-') files.push({ name: STDIN, text: await standardInput(io) });
    else {
      refuseLink(name);
      files.push(...expand(name).map((path) => ({ name: path, text: readManifest(path) })));
    }
  }
  const seen = new Set<string>();
  for (const { name } of files) {
    if (seen.has(name)) throw usageError(`${printable(name)} is named twice`);
    seen.add(name);
  }
  return files;
}

function refuseLink(path: string): void {
  if (statOf(path)?.isSymbolicLink())
    throw usageError(`${printable(path)} is a symbolic link: name the file itself`);
}

function readManifest(path: string): string {
  refuseLink(path);
  const stat = statOf(path);
  if (!stat?.isFile()) throw usageError(`${printable(path)} is no file`);
  if (stat.size > MAX_BYTES) throw usageError(`${printable(path)} is larger than ${MAX_BYTES >> 20} MiB`);
  const bytes = readFileSync(path);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError(`${printable(path)} is not UTF-8`);
  }
}

function statOf(path: string) {
  try {
    return lstatSync(path);
  } catch (error) {
    throw usageError(`${printable(path)} cannot be read (${codeOf(error)})`);
  }
}

/** The text of a file; undefined if there is none. Throws PluginError Usage for anything but a plain file. */
export function textIfThere(path: string): string | undefined {
  if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
  return readManifest(path);
}

export interface Write {
  readonly path: string;
  /** What must still be there, so that nobody's change is lost; undefined: nothing. */
  readonly before: string | undefined;
  readonly after: string;
}

/**
 * All of them or none, as far as a file system can do that: everything is written beside its place first, and then
 * renamed, references before manifests as they come. Throws PluginError Usage.
 */
export function writeAll(writes: readonly Write[]): void {
  const temporary: string[] = [];
  try {
    for (const { path, after } of writes) {
      const beside = join(dirname(path), `.${basename(path)}.fairlead-${process.pid}`);
      const mode = lstatSync(path, { throwIfNoEntry: false })?.mode;
      const file = attempt(path, () => openSync(beside, 'wx', 0o644));
      temporary.push(beside);
      attempt(path, () => {
        if (mode !== undefined) fchmodSync(file, mode & 0o777);
        writeFileSync(file, after);
        fsyncSync(file);
      });
      closeSync(file);
    }
    for (const { path, before } of writes)
      if (textIfThere(path) !== before)
        throw usageError(`${printable(path)} was changed meanwhile; nothing was written`);
    writes.forEach(({ path }, index) => attempt(path, () => renameSync(temporary[index] ?? '', path)));
  } finally {
    for (const path of temporary) rmSync(path, { force: true });
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw usageError(`${printable(path)} cannot be written (${codeOf(error)})`);
  }
}
