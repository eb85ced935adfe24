import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entry, Lab } from '../../test/support/audit-lab.ts';
import { slowLines } from './files.ts';
import { Parts } from './parts.ts';
import type { AuditLog } from './log.ts';
import { FileSink } from './sink.ts';
import { chain, file, IDS, KEY, rotated, started, wholeChain } from './test-support.ts';
import { verify } from './verify.ts';

let lab: Lab;
let dir: string;
let path: string;
beforeEach(async () => {
  lab = new Lab();
  dir = await mkdtemp(join(tmpdir(), 'fairlead-audit-'));
  path = join(dir, 'audit.log');
});
afterEach(async () => rm(dir, { recursive: true, force: true }));

const { signal } = new AbortController();
const open = (key = KEY) =>
  lab.make({
    sink: new FileSink({ path, maxBytes: 4_000, maxFiles: 3 }),
    readKey: async () => ({ uid: 'uid', bytes: key }),
  });
const read = async (part: string) => (await readFile(path + part, 'utf8')).trimEnd().split('\n');
const rewrite = async (part: string, texts: readonly string[]) =>
  writeFile(path + part, texts.map((text) => `${text}\n`).join(''));

/** Goes on until so many parts more are closed. */
async function rotate(audit: AuditLog, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const before = await readFile(`${path}.1`, 'utf8').catch(() => '');
    await audit.intend([entry('x')], signal);
    if ((await readFile(`${path}.1`, 'utf8').catch(() => '')) !== before) done += 1;
  }
}

async function check(keys = [KEY]) {
  const parts = await Promise.all(['.2', '.1', ''].map(async (part) => file(await read(part), path + part)));
  return verify(parts.flat(), { keys, anchors: lab.anchored.slice(-1) });
}

async function run(rotations: number): Promise<void> {
  const audit = open();
  await rotate(audit, rotations);
  await audit.stop(AbortSignal.timeout(1_000));
}

describe('what rotation deletes is excused', () => {
  it.each([[[7]], [[3, 1, 1]], [[2, 0, 0, 2]], [[1, 1, 1, 1, 1]], [[2, 4]]])(
    'over processes that rotated %j times',
    async (runs) => {
      for (const rotations of runs) {
        await run(rotations);
        await lab.clock.advance(1);
      }
      expect(await check()).toMatchObject({ verdict: 'whole', findings: [] });
    },
  );
});

describe('what somebody deleted is not excused by rotation', () => {
  /** Lines of a younger part brought into the one that goes next, or copied there and deleted. */
  const move = async () => {
    const [older, younger] = [await read('.2'), await read('.1')];
    await rewrite('.2', [...older, ...younger.slice(0, 3)]);
    await rewrite('.1', younger.slice(3));
  };
  const copyLast = async () => {
    const younger = await read('.1');
    await rewrite('.2', [...(await read('.2')), younger[2] ?? '']);
    await rewrite('.1', younger.slice(3));
  };

  it.each<[string, () => Promise<void>, number]>([
    ['lines that were moved, before a start', move, 1],
    ['lines of which the last was copied, before a start', copyLast, 1],
    ['lines that were moved under a process that goes on', move, 0],
    ['lines of which the last was copied, under a process that goes on', copyLast, 0],
  ])('%s', async (_, tamper, restarts) => {
    let audit = open();
    await rotate(audit, 3);
    if (restarts > 0) {
      await audit.stop(AbortSignal.timeout(1_000));
      await tamper();
      audit = open();
    } else await tamper();
    await rotate(audit, 1);
    await audit.stop(AbortSignal.timeout(1_000));
    expect((await check()).verdict).not.toBe('whole');
  });

  it('a chain that is said to go on far ahead in the oldest part', async () => {
    await run(3);
    const after = lab.anchored.at(-1);
    const forged = { ...JSON.parse((await read(''))[0] ?? ''), seq: 999_999 };
    await appendFile(`${path}.2`, `${JSON.stringify(forged)}\n`);
    await rewrite('', []);
    await run(1);
    expect((await read('.1')).join('')).not.toContain('999999,');
    expect(after && (await check()).findings).not.toEqual([]);
  });

  it('lines of another key, of which the signed line says that they are not verified', async () => {
    await run(2);
    const other = Buffer.alloc(32, 9);
    const audit = open(other);
    await rotate(audit, 1);
    await audit.stop(AbortSignal.timeout(1_000));
    expect((await read('.1')).at(-1)).toMatch(/"unverified":\d+/);
    const { verdict, findings } = await check([KEY, other]);
    expect(verdict).not.toBe('whole');
    expect(findings.map(({ message }) => message).join()).toContain('could not verify');
  });
});

describe('the parts of a file', () => {
  const parts = () => new Parts([`${path}.1`, path], 1);

  it('are numbered from what is proven, and begin with 1', async () => {
    const of = async () => {
      const made = parts();
      await made.begin(KEY);
      return made.current;
    };
    expect(await of()).toBe(1);
    await rewrite('.1', chain(IDS[0], [started(undefined, 4), rotated(4)]).texts);
    expect(await of()).toBe(5);
    await rewrite('.1', chain(IDS[0], [started(undefined, 4), rotated(4)], Buffer.alloc(32)).texts);
    expect(await of()).toBe(1);
  });

  it('are of lines that end with a newline and nothing else', async () => {
    const [text = ''] = wholeChain(IDS[0], 1).texts;
    const odd = text.replace('"one"', '"o\u2028n\u2029e\r"');
    await rewrite('', [odd, 'x'.repeat(200_000), text]);
    const seen: string[] = [];
    for await (const line of slowLines(path)) seen.push(line);
    expect(seen).toEqual([odd, 'x'.repeat(200_000), text]);
  });
});
