import { writeSync } from 'node:fs';
import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import { codeOf } from '../kube/errors.ts';

/** How many bytes are surely there; with a code if that is not all of them. */
export interface Written {
  readonly bytes: number;
  readonly code?: string;
  /** They may be gone after a crash, and those of earlier writes that failed: no chain may go on behind them. */
  readonly unsynced?: true;
}

/** Where the lines go. No method but `rotate` rejects. */
export interface Sink {
  /** Resolves when they would outlive a crash of the process; of a file, of the machine, too. */
  write(lines: Buffer): Promise<Written>;
  /** Time for rotate(). */
  readonly isFull: boolean;
  /** The files of the parts, oldest first, whether they are there or not; none of a stream. */
  readonly parts: readonly string[];
  /** How many parts that are closed are kept. */
  readonly keeps: number;
  /** Rejects with what the file system said. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSinkOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** With the one that is written: `audit.log`, `audit.log.1`, ... */
  readonly maxFiles: number;
}

/** What a test lets fail. */
export type Rename = typeof rename;

/**
 * A file, and its older parts beside it. It is opened when there is something to write, and again after a failure or
 * when somebody has moved it away, so that it recovers without a restart.
 */
export class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #rename: Rename;
  #handle: FileHandle | undefined;
  #bytes = 0;
  /** What stands before the end of the file is not certain. */
  #unsynced = false;

  constructor(options: FileSinkOptions, renameWith: Rename = rename) {
    this.#options = options;
    this.#rename = renameWith;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#options.maxBytes;
  }

  get keeps(): number {
    return this.#options.maxFiles - 1;
  }

  get parts(): readonly string[] {
    const closed = Array.from({ length: this.keeps }, (_, i) => this.#part(this.keeps - i));
    return [...closed, this.#closing, this.#options.path];
  }

  async write(lines: Buffer): Promise<Written> {
    let bytes = 0;
    try {
      const handle = await this.#opened();
      while (bytes < lines.length) {
        const { bytesWritten } = await handle.write(lines, bytes);
        bytes += bytesWritten;
        this.#bytes += bytesWritten;
      }
      try {
        await handle.datasync().catch(unlessNoFile);
      } catch (error) {
        // The system may have thrown away what it could not bring to the disk, and says so only once.
        this.#unsynced = true;
        await this.close();
        return { bytes, code: codeOf(error), unsynced: true };
      }
      return { bytes };
    } catch (error) {
      await this.close();
      return { bytes, code: codeOf(error) };
    }
  }

  /** Until the file has left its place nothing else is touched, so that a retry deletes no second part. */
  async rotate(): Promise<void> {
    await this.close();
    // One that an earlier try, or a process that was killed, did not bring to its place.
    await this.#place();
    await this.#rename(this.#options.path, this.#closing).catch(unlessAbsent);
    await this.#place();
    this.#bytes = 0;
  }

  /** `audit.log.0` becomes `audit.log.1`; the others move up to the first number that is free. */
  async #place(): Promise<void> {
    if (!(await exists(this.#closing))) return;
    let free = 1;
    while (free < this.keeps && (await exists(this.#part(free)))) free += 1;
    for (let i = free; i > 1; i -= 1) await this.#rename(this.#part(i - 1), this.#part(i));
    await this.#rename(this.#closing, this.#part(1));
  }

  get #closing(): string {
    return `${this.#options.path}.0`;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  async #opened(): Promise<FileHandle> {
    const { path } = this.#options;
    if (this.#handle) {
      const [ours, present] = await Promise.all([this.#handle.stat(), stat(path).catch(() => undefined)]);
      if (ours.ino === present?.ino && ours.dev === present.dev) return this.#handle;
      await this.close();
    }
    const handle = await open(path, 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      // What a crash or a full disk left of a line must not become a part of ours.
      const [last] = size === 0 ? [] : (await handle.read(Buffer.alloc(1), 0, 1, size - 1)).buffer;
      const isTorn = last !== undefined && (last !== NEWLINE || this.#unsynced);
      if (isTorn) await handle.write('\n');
      this.#bytes = size + (isTorn ? 1 : 0);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#unsynced = false;
    this.#handle = handle;
    return handle;
  }

  #part(number: number): string {
    return number === 0 ? this.#options.path : `${this.#options.path}.${number}`;
  }
}

const NEWLINE = 0x0a;

async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch(unlessAbsent);
  return found !== undefined;
}

function unlessAbsent(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/** A device or a pipe cannot be synced. */
function unlessNoFile(error: unknown): void {
  if (codeOf(error) !== 'EINVAL') throw error;
}

/** A reader that is slow is waited for, as pino does it; one that is stuck is a failure. */
const BUSY_MS = 10;
const BUSY_TRIES = 200;
const waiter = new Int32Array(new SharedArrayBuffer(4));

/**
 * Standard output, which the container's runtime or a collector keeps. Written at once, as logs are: lines of both
 * must not get into each other.
 */
export class StreamSink implements Sink {
  readonly #fd: number;
  readonly #write: typeof writeSync;
  #torn = false;
  readonly isFull = false;
  readonly parts = [];
  readonly keeps = 0;

  constructor(fd = 1, write = writeSync) {
    this.#fd = fd;
    this.#write = write;
  }

  async write(lines: Buffer): Promise<Written> {
    const whole = this.#torn ? Buffer.concat([Buffer.from('\n'), lines]) : lines;
    const extra = whole.length - lines.length;
    let bytes = 0;
    for (let busy = 0; bytes < whole.length;) {
      try {
        bytes += this.#write(this.#fd, whole, bytes);
      } catch (error) {
        const code = codeOf(error);
        busy += 1;
        if (code !== 'EAGAIN' || busy > BUSY_TRIES) {
          if (bytes > 0) this.#torn = whole[bytes - 1] !== NEWLINE;
          return { bytes: Math.max(0, bytes - extra), code };
        }
        // Not a promise: a log line would get into the middle of ours.
        Atomics.wait(waiter, 0, 0, BUSY_MS);
      }
    }
    this.#torn = false;
    return { bytes: lines.length };
  }

  async rotate(): Promise<void> {
    // Its reader's business.
  }

  async close(): Promise<void> {
    // Not ours to close: the logs go on.
  }
}

export interface SinkConfig {
  readonly auditLog: string;
  readonly auditMaxMb: number;
  readonly auditMaxFiles: number;
}

export function sinkOf({ auditLog, auditMaxMb, auditMaxFiles }: SinkConfig): Sink {
  if (auditLog === '-') return new StreamSink();
  return new FileSink({ path: auditLog, maxBytes: auditMaxMb * 1024 * 1024, maxFiles: auditMaxFiles });
}
