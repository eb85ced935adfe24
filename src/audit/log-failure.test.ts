import { appendFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { entry, Lab } from '../../test/support/audit-lab.ts';
import { AuditError } from './errors.ts';
import type { AuditLogOptions } from './log.ts';
import { FileSink } from './sink.ts';
import { file, KEY } from './test-support.ts';
import { verify } from './verify.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
const { signal } = new AbortController();
const end = () => AbortSignal.timeout(1_000);

const full = { code: 'ENOSPC', after: 0 };

describe('when it cannot be written', () => {
  it('what is about to be done must not be done, and others are told', async () => {
    const audit = lab.make();
    const changed = vi.fn();
    audit.onChange(changed);
    lab.sink.fails = full;
    await expect(audit.intend([entry('A')], signal)).rejects.toBeInstanceOf(AuditError);
    expect(audit.problem()).toBe('it cannot be written (ENOSPC)');
    expect(changed).toHaveBeenCalledTimes(1);
    expect(lab.logged).toEqual(['error']);
  });

  it('it is tried each second, goes on by itself and says so', async () => {
    const audit = lab.make();
    await audit.intend([entry('A')], signal);
    lab.sink.fails = full;
    await expect(audit.intend([entry('B')], signal)).rejects.toThrow('ENOSPC');
    await lab.clock.advance(3_000);
    expect(lab.logged).toEqual(['error']);
    lab.sink.fails = undefined;
    const changed = vi.fn();
    audit.onChange(changed);
    await lab.clock.advance(1_000);
    expect([audit.problem(), changed.mock.calls.length]).toEqual([undefined, 1]);
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'recovered']);
    expect(lab.report().verdict).toBe('whole');
    await lab.clock.advance(10_000);
    expect(lab.sink.lines).toHaveLength(3);
  });

  it('what was done already is kept, and written first', async () => {
    const audit = lab.make();
    await audit.intend([entry('A')], signal);
    lab.sink.fails = full;
    await audit.conclude(entry('done'), signal);
    lab.sink.fails = undefined;
    await audit.intend([entry('B')], signal);
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'done', 'B', 'recovered']);
  });

  it('refusals are counted for each namespace', async () => {
    const audit = lab.make();
    lab.sink.fails = full;
    for (const namespace of ['a', 'b', 'a']) await audit.note(entry('x', { namespace }), signal);
    lab.sink.fails = undefined;
    await lab.clock.advance(1_000);
    expect(lab.sink.lines.filter(({ action }) => action === 'left-out')).toMatchObject([
      { namespace: 'a', count: 2, why: 'unwritable' },
      { namespace: 'b', count: 1, why: 'unwritable' },
    ]);
    expect(lab.sink.lines.at(-1)).toMatchObject({ why: 'recovered', leftOut: 3 });
  });

  it('a write that stops in the middle leaves a chain that is whole', async () => {
    const audit = lab.make();
    await audit.intend([entry('A')], signal);
    for (const after of [100, 600, 1_000]) {
      lab.sink.fails = { code: 'ENOSPC', after };
      await expect(audit.intend([entry('B'), entry('C'), entry('D')], signal)).rejects.toThrow('ENOSPC');
      lab.sink.fails = undefined;
      await audit.intend([entry('E')], signal);
    }
    await audit.stop(end());
    expect(lab.report().verdict).toBe('whole');
    expect(lab.report().unfinished).toHaveLength(3);
  });

  it('a disk that hangs holds neither a pass nor the end', async () => {
    const audit = lab.make();
    lab.sink.gate = new Promise(() => undefined);
    const pass = new AbortController();
    const waits = [audit.intend([entry('A')], pass.signal), audit.conclude(entry('B'), pass.signal)];
    pass.abort(new Error('too long'));
    await expect(waits[0]).rejects.toThrow('too long');
    await waits[1];
    await audit.stop(AbortSignal.abort());
    expect(lab.sink.text).toBe('');
  });

  it('after a sync that failed a new chain begins, behind the last line that is certain', async () => {
    const audit = lab.make();
    await audit.intend([entry('A')], signal);
    lab.sink.fails = { code: 'EIO', after: Infinity, unsynced: true };
    await expect(audit.intend([entry('B')], signal)).rejects.toThrow('EIO');
    lab.sink.fails = undefined;
    await audit.intend([entry('C')], signal);
    await audit.stop(end());
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'B', 'chain-start', 'C', 'recovered', 'stop']);
    expect(lab.sink.lines[3]).toMatchObject({ after: { chain: lab.sink.lines[0]?.['chain'], seq: 2 } });
    expect(lab.report().verdict).toBe('whole');
    lab.sink.text = lab.sink.text.replace(/^.*"entry":"B".*\n/m, '');
    expect(lab.report().verdict).toBe('whole');
  });

  it('with --audit-best-effort everything goes on, and what is not there is counted', async () => {
    const onLeftOut = vi.fn();
    const audit = lab.make({ bestEffort: true, onLeftOut });
    lab.sink.fails = full;
    await audit.intend([entry('A'), entry('B')], signal);
    expect([audit.problem(), audit.fault()]).toEqual([undefined, 'it cannot be written (ENOSPC)']);
    lab.sink.fails = undefined;
    await audit.intend([entry('C')], signal);
    expect(lab.sink.actions).toEqual(['chain-start', 'unwritable', 'C', 'recovered']);
    expect(lab.sink.lines[1]).toMatchObject({ count: 2, namespace: 'team-a' });
    expect(onLeftOut).toHaveBeenCalledTimes(2);
  });

  it.each<[string, Partial<AuditLogOptions>, RegExp]>([
    [
      'its key is missing',
      {
        readKey: async () => {
          throw new AuditError('KeyMissing', 'its key is missing');
        },
      },
      /its key is missing/,
    ],
    [
      'its anchor cannot be read',
      {
        anchor: {
          read: async () => {
            throw Object.assign(new Error('x'), { code: 'Forbidden' });
          },
          write: async () => undefined,
        },
      },
      /its anchor cannot be read \(Forbidden\)/,
    ],
  ])('because %s, nothing is begun', async (_, options, message) => {
    const audit = lab.make(options);
    await expect(audit.intend([entry('A')], signal)).rejects.toThrow(message);
    expect(lab.sink.text).toBe('');
  });
});

describe('whatever fails, and wherever in a line', () => {
  const steps = fc.array(
    fc.record({ records: fc.integer({ min: 1, max: 4 }), failsAfter: fc.option(fc.nat({ max: 2_500 })) }),
    { minLength: 1, maxLength: 12 },
  );

  it('what was promised is in the file, what was done comes to it, and the chain is whole', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (todo) => {
        lab = new Lab();
        const audit = lab.make();
        const promised: string[] = [];
        for (const [i, { records, failsAfter }] of todo.entries()) {
          lab.sink.fails = failsAfter === null ? undefined : { code: 'ENOSPC', after: failsAfter };
          const names = Array.from({ length: records }, (_, n) => `intent-${i}-${n}`);
          await audit
            .intend(
              names.map((name) => entry(name)),
              signal,
            )
            .then(
              () => promised.push(...names),
              (error: unknown) => expect(error).toBeInstanceOf(AuditError),
            );
          await audit.conclude(entry(`done-${i}`), signal);
        }
        lab.sink.fails = undefined;
        await audit.stop(end());
        const written = lab.sink.lines.map((line) => line['entry']);
        const done = todo.map((_, i) => `done-${i}`);
        expect(written).toEqual(expect.arrayContaining([...promised, ...done]));
        expect(lab.report()).toMatchObject({ verdict: 'whole', chains: [{ ended: true }] });
      }),
    );
  });
});

describe('in a real file', () => {
  let dir: string;
  beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'fairlead-audit-'))));
  afterEach(async () => rm(dir, { recursive: true, force: true }));

  it('rotates by size, deletes the oldest part, and what is left is whole', async () => {
    const path = join(dir, 'audit.log');
    const audit = lab.make({ sink: new FileSink({ path, maxBytes: 4_000, maxFiles: 3 }) });
    for (let i = 0; i < 60; i += 1) await audit.intend([entry(`V${i}`)], signal);
    await audit.stop(end());
    const parts = [`${path}.2`, `${path}.1`, path];
    const texts = await Promise.all(parts.map(async (part) => readFile(part, 'utf8')));
    const lines = texts.flatMap((text, i) => file(text.trim().split('\n'), parts[i]));
    const found = verify(lines, { keys: [KEY], anchors: lab.anchored });
    expect(found).toMatchObject({ verdict: 'whole', findings: [], chains: [{ ended: true }] });
    expect(found.chains[0]?.lines[0]).toBeGreaterThan(1);
    const cut = verify(lines.slice(1), { keys: [KEY], anchors: lab.anchored });
    expect(cut.verdict).not.toBe('whole');
  });

  it.runIf(process.platform === 'linux')('stops on a full disk and goes on when there is room', async () => {
    const path = join(dir, 'audit.log');
    await symlink('/dev/full', path);
    const audit = lab.make({ sink: new FileSink({ path, maxBytes: 4_000, maxFiles: 3 }) });
    await expect(audit.intend([entry('A')], signal)).rejects.toThrow('ENOSPC');
    await rm(path);
    const healthy = new Promise<void>((resolve) => {
      audit.onChange(resolve);
    });
    await lab.clock.advance(1_000);
    await healthy;
    await audit.intend([entry('A')], signal);
    await audit.stop(end());
    expect(await readFile(path, 'utf8')).toContain('"entry":"A"');
  });

  it('of a process that was killed in a line, the next one goes on with a chain of its own', async () => {
    const path = join(dir, 'audit.log');
    const open = () => lab.make({ sink: new FileSink({ path, maxBytes: 1_000_000, maxFiles: 2 }) });
    await open().intend([entry('A')], signal);
    await lab.clock.advance(1);
    await appendFile(path, '{"audit":true,"chain":"');
    const next = open();
    await next.intend([entry('A')], signal);
    await next.conclude(entry('done'), signal);
    await next.stop(end());
    const found = verify(file((await readFile(path, 'utf8')).split('\n')), {
      keys: [KEY],
      anchors: lab.anchored,
    });
    expect(found).toMatchObject({
      verdict: 'whole',
      unfinished: ['audit.log:3'],
      chains: [
        { lines: [1, 2], ended: false, anchored: 2 },
        { lines: [1, 4], ended: true },
      ],
    });
  });

  it('that cannot be rotated is as bad as one that cannot be written', async () => {
    lab.sink.isFull = true;
    lab.sink.rotate = async () => {
      throw Object.assign(new Error('x'), { code: 'EACCES' });
    };
    await expect(lab.make().intend([entry('A')], signal)).rejects.toThrow(
      'its file cannot be rotated (EACCES)',
    );
  });
});
