import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServingPair } from './https.ts';

/** A certificate and key that belong together, as they lie in a directory. */
export interface ServingFiles extends ServingPair {
  readonly notAfter: Date;
}

/** NotFound: a file is missing. Unreadable: the system refuses. Malformed: no PEM. KeyMismatch: of two pairs. */
export type FilesFault = 'NotFound' | 'Unreadable' | 'Malformed' | 'KeyMismatch';

export type FilesRead =
  | { readonly kind: 'pair'; readonly pair: ServingFiles }
  | { readonly kind: 'fault'; readonly code: FilesFault };

export interface WatchOptions {
  /** Where the kubelet mounts the Secret: tls.crt and tls.key. */
  readonly directory: string;
  readonly intervalMs: number;
  /** The injected clock; rejects or resolves when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Called with the first pair that is good, and with each one that differs from the last. */
  readonly onPair: (pair: ServingFiles) => void;
  /** Called when the files become unusable, once for each change of the code. The last good pair stays. */
  readonly onFault: (code: FilesFault) => void;
}

/** Reads the pair once. Never rejects. */
export async function readServingFiles(directory: string): Promise<FilesRead> {
  try {
    const [cert, key] = await Promise.all([
      readFile(join(directory, 'tls.crt'), 'utf8'),
      readFile(join(directory, 'tls.key'), 'utf8'),
    ]);
    return check(cert, key);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { kind: 'fault', code: missing ? 'NotFound' : 'Unreadable' };
  }
}

/**
 * Watches the pair until the signal is aborted, by reading it at an interval: the kubelet swaps a symbolic link,
 * which file system events miss, and two files of a few kilobytes cost nothing. A pair that is read in the middle
 * of the swap does not belong together, so it is read again and never handed on. Never rejects.
 */
export async function watchServingFiles(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let last: ServingFiles | undefined;
  let lastFault: FilesFault | undefined;
  while (!signal.aborted) {
    let read = await readServingFiles(options.directory);
    if (read.kind === 'fault' && read.code === 'KeyMismatch')
      read = await readServingFiles(options.directory);
    if (signal.aborted) return;
    if (read.kind === 'pair') {
      lastFault = undefined;
      if (read.pair.cert !== last?.cert || read.pair.key !== last.key) {
        last = read.pair;
        options.onPair(read.pair);
      }
    } else if (read.code !== lastFault) {
      lastFault = read.code;
      options.onFault(read.code);
    }
    await options.sleep(options.intervalMs, signal).catch(() => undefined);
  }
}

function check(cert: string, key: string): FilesRead {
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key))) return { kind: 'fault', code: 'KeyMismatch' };
    return { kind: 'pair', pair: { cert, key, notAfter: certificate.validToDate } };
  } catch {
    // OpenSSL's messages are not for logs: a key is involved.
    return { kind: 'fault', code: 'Malformed' };
  }
}
