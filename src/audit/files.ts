import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { codeOf } from '../kube/errors.ts';
import type { Line } from './facts.ts';

/** Older parts first: `audit.log.2`, `audit.log.1`, `audit.log`. Files of other names stay in their order. */
export function oldestFirst(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    // `audit.log.0` is on its way to `audit.log.1`, and older than `audit.log`.
    const [, base = path, number = '-1'] = /^(.*?)(?:\.(\d+))?$/s.exec(path) ?? [];
    return { path, base, number: Number(number) };
  });
  const byBase = Map.groupBy(parts, ({ base }) => base);
  return [...byBase.values()].flatMap((group) =>
    group.sort((a, b) => b.number - a.number).map(({ path }) => path),
  );
}

/** The lines of files one after another, read anew each time, so that files of any size can be gone through. */
export function linesOf(paths: readonly string[]): Iterable<Line> {
  return {
    *[Symbol.iterator]() {
      for (const path of paths) {
        let number = 0;
        for (const text of textLines(path)) yield { file: path, number: ++number, text };
      }
    },
  };
}

const CHUNK_BYTES = 1 << 20;

function* textLines(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const splitter = new Splitter();
    for (;;) {
      const bytes = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      yield* splitter.push(chunk.subarray(0, bytes));
      if (bytes > 0) continue;
      yield* splitter.end();
      return;
    }
  } finally {
    closeSync(fd);
  }
}

/** So much at once that others get their turn in between. */
const SLICE_BYTES = 1 << 16;

/**
 * The lines between two bytes of a file (a negative one counts from its end), without holding up the process; none if
 * there is no such file. Rejects with what the file system said.
 */
export async function* slowLines(path: string, from = 0, to = Infinity): AsyncGenerator<string> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const chunk = Buffer.alloc(SLICE_BYTES);
    const splitter = new Splitter();
    for (let at = from < 0 ? Math.max(0, size + from) : from; at < to;) {
      const { bytesRead } = await handle.read(chunk, 0, SLICE_BYTES, at);
      if (bytesRead === 0) break;
      yield* splitter.push(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
    yield* splitter.end();
  } finally {
    await handle.close();
  }
}

/** None of ours is nearly as long; whoever writes endless lines into the file must not fill the memory. */
const MAX_LINE_BYTES = 1 << 24;

/** Makes lines of bytes. At newlines alone: what else Unicode takes for the end of a line may stand in one of ours. */
class Splitter {
  #rest: Buffer[] = [];
  #bytes = 0;

  *push(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      yield this.#take();
      from = end + 1;
    }
    // A copy: the chunk is written over.
    this.#keep(Buffer.from(chunk.subarray(from)));
  }

  *end(): Generator<string> {
    if (this.#bytes > 0) yield this.#take();
  }

  #keep(bytes: Buffer): void {
    if (this.#bytes >= MAX_LINE_BYTES || bytes.length === 0) return;
    this.#rest.push(bytes);
    this.#bytes += bytes.length;
  }

  #take(): string {
    const text = Buffer.concat(this.#rest).toString();
    this.#rest = [];
    this.#bytes = 0;
    return text;
  }
}

const NEWLINE = 0x0a;
