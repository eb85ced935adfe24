import { usageError } from '../cli/exit.ts';

/** What the API for keys takes of one value. */
export const MAX_VALUE_BYTES = 131_072;

/**
 * The value that was piped in. One line end at its end is left out unless `keepNewline`, since `echo` and editors add
 * it and no password has one; all other bytes stay. Throws PluginError Usage, which quotes nothing.
 */
export function valueOf(bytes: Uint8Array, keepNewline: boolean): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError('the value is not UTF-8 text: encode it, for example with base64');
  }
  const value = keepNewline ? text : text.replace(/\r?\n$/, '');
  if (value === '') throw usageError('the value is empty: nothing was on standard input');
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) throw usageError('the value is longer than 128 KiB');
  return value;
}

/** All of standard input, but no more than can be a value. */
export async function readAll(stdin: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    // Room for the line end that is cut off.
    if (size > MAX_VALUE_BYTES + 2) break;
  }
  return Buffer.concat(chunks);
}
