import { closeSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSink, sinkOf, StreamSink } from './sink.ts';

const LINUX = process.platform === 'linux';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairlead-audit-'));
  path = join(dir, 'audit.log');
});
afterEach(async () => {
  await Promise.all(open.map(async (one) => one.close()));
  await rm(dir, { recursive: true, force: true });
});

const open: FileSink[] = [];
const sink = (maxBytes = 1_000_000, maxFiles = 3) => {
  const made = new FileSink({ path, maxBytes, maxFiles });
  open.push(made);
  return made;
};
const lines = (text: string) => Buffer.from(text);
const read = async (name = 'audit.log') => readFile(join(dir, name), 'utf8');

describe('a file', () => {
  it('holds what was written, for its owner alone', async () => {
    const to = sink();
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 4 });
    expect(await to.write(lines('two\n'))).toEqual({ bytes: 4 });
    expect(await read()).toBe('one\ntwo\n');
  });

  it('is written on after a restart', async () => {
    await writeFile(path, 'old\n');
    await sink().write(lines('new\n'));
    expect(await read()).toBe('old\nnew\n');
  });

  it('that ends in half a line gets a new line first', async () => {
    await writeFile(path, 'old\nha');
    await sink().write(lines('new\n'));
    expect(await read()).toBe('old\nha\nnew\n');
  });

  it('that somebody moved or deleted is opened again', async () => {
    const to = sink();
    await to.write(lines('one\n'));
    await rename(path, `${path}.moved`);
    await to.write(lines('two\n'));
    expect([await read(), await read('audit.log.moved')]).toEqual(['two\n', 'one\n']);
    await rm(path);
    await to.write(lines('three\n'));
    expect(await read()).toBe('three\n');
  });

  it('is rotated by size, and only so many are kept', async () => {
    const to = sink(4);
    for (const text of ['one\n', 'two\n', 'three\n', 'four\n']) {
      if (to.isFull) await to.rotate();
      await to.write(lines(text));
    }
    expect((await readdir(dir)).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2']);
    expect([await read('audit.log.2'), await read('audit.log.1'), await read()]).toEqual([
      'two\n',
      'three\n',
      'four\n',
    ]);
    expect([to.parts, to.keeps]).toEqual([[`${path}.2`, `${path}.1`, `${path}.0`, path], 2]);
  });

  it.each<[string, (from: string) => boolean]>([
    ['the file itself', (from) => from === path],
    ['an older part', (from) => from === `${path}.1`],
  ])('that cannot be rotated loses no part, however often it is tried: %s', async (_, isStuck) => {
    let stuck = true;
    const to = new FileSink({ path, maxBytes: 4, maxFiles: 4 }, async (from, target) => {
      if (stuck && isStuck(String(from))) throw Object.assign(new Error('x'), { code: 'EPERM' });
      await rename(from, target);
    });
    open.push(to);
    for (const number of [1, 2, 3])
      await writeFile(
        `${path}.${number}`,
        `${number}
`,
      );
    await to.write(lines('live\n'));
    for (let i = 0; i < 5; i += 1) await expect(to.rotate()).rejects.toThrow('x');
    const texts = async () => Promise.all((await readdir(dir)).sort().map(read));
    const left = (await texts()).sort();
    expect(left.filter((text) => text !== '3\n')).toEqual(['1\n', '2\n', 'live\n']);
    expect(to.isFull).toBe(true);
    stuck = false;
    await to.rotate();
    expect(await texts()).toEqual(['live\n', '1\n', '2\n']);
  });

  it('that cannot leave its place leaves all others where they are', async () => {
    const to = new FileSink({ path, maxBytes: 4, maxFiles: 3 }, async () => {
      throw Object.assign(new Error('x'), { code: 'EPERM' });
    });
    open.push(to);
    for (const number of [1, 2]) await writeFile(`${path}.${number}`, `${number}\n`);
    await to.write(lines('live\n'));
    await expect(to.rotate()).rejects.toThrow('x');
    expect((await readdir(dir)).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2']);
    expect(await read('audit.log.2')).toBe('2\n');
  });

  it('moves its parts only up to the first number that is free', async () => {
    for (const number of [1, 3]) await writeFile(`${path}.${number}`, `${number}\n`);
    const to = sink(4, 4);
    await to.write(lines('live\n'));
    await to.rotate();
    expect(await Promise.all([1, 2, 3].map(async (number) => read(`audit.log.${number}`)))).toEqual([
      'live\n',
      '1\n',
      '3\n',
    ]);
  });

  it('counts what was there before', async () => {
    await writeFile(path, 'x'.repeat(10));
    const to = sink(10);
    await to.write(lines('y\n'));
    expect(to.isFull).toBe(true);
  });
});

describe('a write that fails is told by its code, and tried anew', () => {
  it.runIf(LINUX)('on a full disk', async () => {
    await symlink('/dev/full', path);
    const to = sink();
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 0, code: 'ENOSPC' });
    await rm(path);
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 4 });
    expect(await read()).toBe('one\n');
  });

  it('in a directory that is not there', async () => {
    path = join(dir, 'later', 'audit.log');
    const to = sink();
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 0, code: 'ENOENT' });
    await mkdir(join(dir, 'later'));
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 4 });
  });

  it('where a directory has its name', async () => {
    await mkdir(path);
    expect(await sink().write(lines('one\n'))).toEqual({ bytes: 0, code: 'EISDIR' });
  });

  it('without permission, until there is', async () => {
    await chmod(dir, 0o500);
    const to = sink();
    // Root may do everything, so not as root.
    const asRoot = process.geteuid?.() === 0;
    if (asRoot) process.seteuid?.(65_534);
    try {
      expect(await to.write(lines('one\n'))).toEqual({ bytes: 0, code: 'EACCES' });
    } finally {
      if (asRoot) process.seteuid?.(0);
    }
    await chmod(dir, 0o700);
    expect(await to.write(lines('one\n'))).toEqual({ bytes: 4 });
  });

  it.runIf(LINUX)('on a file descriptor that somebody closed', async () => {
    const to = sink();
    await to.write(lines('one\n'));
    const numbers = await readdir('/proc/self/fd');
    const targets = numbers.map((fd) => [fd, targetOf(fd)] as const);
    closeSync(Number(targets.find(([, target]) => target === path)?.[0]));
    expect(await to.write(lines('two\n'))).toEqual({ bytes: 0, code: 'EBADF' });
    expect(await to.write(lines('three\n'))).toEqual({ bytes: 6 });
    expect(await read()).toBe('one\nthree\n');
  });
});

describe('standard output', () => {
  /** Takes so many bytes a time, or fails. */
  const stream = (...steps: (number | string)[]) => {
    const written: Buffer[] = [];
    const write = (_: number, bytes: Buffer, from: number): number => {
      const step = steps.shift() ?? Infinity;
      if (typeof step === 'string') throw Object.assign(new Error('x'), { code: step });
      written.push(Buffer.from(bytes.subarray(from, from + step)));
      return Math.min(step, bytes.length - from);
    };
    const text = () => Buffer.concat(written).toString();
    return { to: new StreamSink(1, write as ConstructorParameters<typeof StreamSink>[1]), text };
  };

  it('is written to the end, piece by piece', async () => {
    const { to, text } = stream(2, 'EAGAIN', 3);
    expect(await to.write(lines('one\ntwo\n'))).toEqual({ bytes: 8 });
    expect(text()).toBe('one\ntwo\n');
    expect(to.isFull).toBe(false);
  });

  it('that fails in a line goes on with a new one', async () => {
    const { to, text } = stream(6, 'EPIPE', 1, 'EPIPE');
    expect(await to.write(lines('one\ntwo\n'))).toEqual({ bytes: 6, code: 'EPIPE' });
    expect(await to.write(lines('two\n'))).toEqual({ bytes: 0, code: 'EPIPE' });
    expect(await to.write(lines('two\n'))).toEqual({ bytes: 4 });
    expect(text()).toBe('one\ntw\ntwo\n');
  });

  it('is what - means', () => {
    const config = { auditMaxMb: 1, auditMaxFiles: 2 };
    expect(sinkOf({ auditLog: '-', ...config })).toBeInstanceOf(StreamSink);
    expect(sinkOf({ auditLog: 'x', ...config })).toBeInstanceOf(FileSink);
  });
});

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
