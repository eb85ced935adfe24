import { createReadStream } from 'node:fs';
import { ClusterError } from './errors.ts';

export type TarEntry =
  | { readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly directory: true; readonly mode?: number };

const BLOCK = 512;

/** A file of the disk, which is read only when its turn comes: image layers do not fit into memory. */
export interface TarFile {
  readonly path: string;
  readonly file: string;
  readonly size: number;
}

/** As tar(), piece by piece. */
export async function* tarStream(entries: readonly (TarEntry | TarFile)[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const size = 'file' in entry ? entry.size : 'data' in entry ? entry.data.length : 0;
    yield header(entry, size);
    if ('file' in entry) yield* createReadStream(entry.file, { highWaterMark: 1024 * 1024 });
    else if ('data' in entry) yield entry.data;
    yield padding(size);
  }
  yield new Uint8Array(2 * BLOCK);
}

/** A ustar archive whose bytes depend on nothing but the entries: no times, no owners. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    const data = 'data' in entry ? entry.data : new Uint8Array();
    blocks.push(header(entry, data.length), data, padding(data.length));
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(blocks);
}

const padding = (size: number): Uint8Array => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

function header(entry: TarEntry | TarFile, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const path = 'directory' in entry ? `${entry.path}/` : entry.path;
  const link = 'linkTo' in entry ? entry.linkTo : '';
  if (Buffer.byteLength(path) > 100 || Buffer.byteLength(link) > 100)
    throw new ClusterError('UNSUPPORTED', `path too long for this tar writer: ${path}`);
  const type = 'directory' in entry ? '5' : 'linkTo' in entry ? '2' : '0';
  const mode =
    ('mode' in entry ? entry.mode : undefined) ?? ('data' in entry || 'file' in entry ? 0o644 : 0o755);
  block.write(path, 0);
  octal(block, mode, 100, 8);
  octal(block, 0, 108, 8);
  octal(block, 0, 116, 8);
  octal(block, size, 124, 12);
  octal(block, 0, 136, 12);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\x0000', 257, 'latin1');
  // The checksum counts its own field as blanks.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, value: number, offset: number, length: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}
