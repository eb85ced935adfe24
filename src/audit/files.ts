import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { codeOf } from '../kube/errors.ts';
import { parseLine, type Tail } from './chain.ts';
import type { Line } from './facts.ts';

/** The last line of each chain in a file; none if there is no such file. Rejects with what the file system said. */
export async function endsOf(path: string): Promise<readonly Tail[]> {
  const ends = new Map<string, Tail>();
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: 0 })) {
      const parsed = parseLine(text);
      if (parsed.kind === 'line') ends.set(parsed.tail.chain, parsed.tail);
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return [...ends.values()];
}

/** Older parts first: `audit.log.2`, `audit.log.1`, `audit.log`. Files of other names stay in their order. */
export function oldestFirst(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    const [, base = path, number = '0'] = /^(.*?)(?:\.(\d+))?$/s.exec(path) ?? [];
    return { path, base, number: Number(number) };
  });
  const byBase = Map.groupBy(parts, ({ base }) => base);
  return [...byBase.values()].flatMap((group) =>
    group.sort((a, b) => b.number - a.number).map(({ path }) => path),
  );
}

const CHUNK_BYTES = 1 << 20;

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

function* textLines(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    for (;;) {
      const bytes = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      const known = Buffer.concat([rest, chunk.subarray(0, bytes)]);
      let from = 0;
      for (let end = known.indexOf(0x0a, from); end !== -1; end = known.indexOf(0x0a, from)) {
        yield known.toString('utf8', from, end);
        from = end + 1;
      }
      rest = known.subarray(from);
      if (bytes > 0) continue;
      if (rest.length > 0) yield rest.toString();
      return;
    }
  } finally {
    closeSync(fd);
  }
}
