import { appendFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { parseLine, type Tail } from './chain.ts';
import { AuditError } from './errors.ts';
import { AuditLog, type AuditLogOptions } from './log.ts';
import { FileSink, type Sink, type Written } from './sink.ts';
import { file, KEY, record } from './test-support.ts';
import { verify } from './verify.ts';

/** A sink in memory that fails when it is told to, after so many bytes. */
class MemorySink implements Sink {
  text = '';
  fails: { readonly code: string; readonly after: number } | undefined;
  writes = 0;
  rotations = 0;
  isFull = false;
  oldest: string | undefined;
  gate: Promise<void> = Promise.resolve();

  async write(lines: Buffer): Promise<Written> {
    this.writes += 1;
    await this.gate;
    const bytes = this.fails ? Math.min(this.fails.after, lines.length) : lines.length;
    if (this.text !== '' && !this.text.endsWith('\n')) this.text += '\n';
    this.text += lines.subarray(0, bytes).toString();
    return this.fails ? { bytes, code: this.fails.code } : { bytes };
  }
  async rotate(): Promise<void> {
    this.rotations += 1;
    this.isFull = false;
  }
  async close(): Promise<void> {}

  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((text) => parseLine(text).kind === 'line')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  }
  get actions(): unknown[] {
    return this.lines.map(({ action, why, entry }) => why ?? entry ?? action);
  }
}

let sink: MemorySink;
let clock: FakeClock;
let anchored: Tail[];
let log: { info: () => void; warn: () => void; error: () => void };
beforeEach(() => {
  sink = new MemorySink();
  clock = new FakeClock();
  anchored = [];
  log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
});

const make = (rest: Partial<AuditLogOptions> = {}) =>
  new AuditLog({
    sink,
    clock,
    log,
    identity: 'one',
    bestEffort: false,
    readKey: async () => ({ uid: 'uid', bytes: KEY }),
    anchor: {
      read: async () => anchored.at(-1),
      write: async (tail) => void anchored.push(tail),
    },
    ...rest,
  });
const { signal } = new AbortController();
const entry = (name: string, rest: Parameters<typeof record>[0] = {}) => record({ entry: name, ...rest });
const report = (anchors: readonly Tail[] = anchored) =>
  verify(file(sink.text.split('\n')), { keys: [KEY], anchors });
const full = { code: 'ENOSPC', after: 0 };

describe('an audit', () => {
  it('begins with who writes it and ends with a checkpoint that counts; the end is anchored', async () => {
    const audit = make();
    audit.start();
    await audit.intend([entry('A'), entry('B')], signal);
    await audit.conclude(entry('C'), signal);
    await audit.stop(AbortSignal.timeout(1_000));
    expect(sink.actions).toEqual(['chain-start', 'A', 'B', 'C', 'stop']);
    expect(sink.lines[0]).toMatchObject({ identity: 'one', key: 'uid', time: '2026-01-01T00:00:00.000Z' });
    expect(sink.lines.at(-1)).toMatchObject({ action: 'checkpoint', records: 3, leftOut: 0 });
    expect(anchored.at(-1)?.seq).toBe(5);
    expect(report().verdict).toBe('whole');
  });

  it('comes after the chain that was anchored last', async () => {
    await make().stop(AbortSignal.timeout(1_000));
    const [before] = anchored;
    await make().stop(AbortSignal.timeout(1_000));
    expect(sink.lines.find(({ chain }) => chain !== before?.chain)).toMatchObject({ after: before });
    expect(report()).toMatchObject({ verdict: 'whole', chains: [{ ended: true }, { ended: true }] });
  });

  it('writes what comes meanwhile in one go', async () => {
    const audit = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    sink.gate = promise;
    const all = Array.from({ length: 100 }, async (_, i) => audit.intend([entry(`V${i}`)], signal));
    await settle();
    resolve();
    await Promise.all(all);
    expect([sink.writes, sink.lines.length]).toEqual([2, 101]);
  });

  it('has a checkpoint every thousand lines', async () => {
    const audit = make();
    for (let i = 0; i < 25; i += 1)
      await audit.intend(
        Array.from({ length: 100 }, () => entry('A')),
        signal,
      );
    expect(sink.lines.filter(({ why }) => why === 'interval').map(({ records }) => records)).toEqual([
      1_000, 2_000,
    ]);
  });

  it('anchors at most every five seconds, and again after a failure', async () => {
    let fails = false;
    const onError = vi.fn();
    const write = async (tail: Tail) => {
      if (fails) throw Object.assign(new Error('x'), { code: 'Unreachable' });
      anchored.push(tail);
    };
    const audit = make({ anchor: { read: async () => undefined, write }, onError });
    for (let i = 0; i < 10; i += 1) {
      await audit.intend([entry('A')], signal);
      await clock.advance(1_000);
    }
    expect(anchored.map(({ seq }) => seq)).toEqual([2, 6, 11]);
    fails = true;
    await audit.intend([entry('B')], signal);
    await clock.advance(6_000);
    expect(onError.mock.calls).toEqual([['anchor', 'Unreachable']]);
    fails = false;
    await clock.advance(6_000);
    expect(anchored.at(-1)?.seq).toBe(12);
  });

  it('takes what looks like a token out of messages', async () => {
    await make().intend([entry('A', { message: 'got hvs.CAESIJ1234567890abcdef' })], signal);
    expect(sink.text).toContain('got [redacted]');
  });

  it('writes no field that it does not know', async () => {
    const more = { ...entry('A'), value: 's3cret', source: { type: 'VAULT', id: 'x', token: 's3cret' } };
    await make().intend([{ ...more, actor: { ...more.actor, password: 's3cret' } as never }], signal);
    expect(sink.text).not.toContain('s3cret');
  });
});

describe('when it cannot be written', () => {
  it('what is about to be done must not be done, and others are told', async () => {
    const audit = make();
    const changed = vi.fn();
    audit.onChange(changed);
    sink.fails = full;
    await expect(audit.intend([entry('A')], signal)).rejects.toBeInstanceOf(AuditError);
    expect(audit.problem()).toBe('it cannot be written (ENOSPC)');
    expect(changed).toHaveBeenCalledTimes(1);
    expect(log.error).toHaveBeenCalledTimes(1);
  });

  it('it is tried each second, goes on by itself and says so', async () => {
    const audit = make();
    await audit.intend([entry('A')], signal);
    sink.fails = full;
    await expect(audit.intend([entry('B')], signal)).rejects.toThrow('ENOSPC');
    await clock.advance(3_000);
    expect(log.error).toHaveBeenCalledTimes(1);
    sink.fails = undefined;
    const changed = vi.fn();
    audit.onChange(changed);
    await clock.advance(1_000);
    expect([audit.problem(), changed.mock.calls.length]).toEqual([undefined, 1]);
    expect(sink.actions).toEqual(['chain-start', 'A', 'recovered']);
    expect(report().verdict).toBe('whole');
    await clock.advance(10_000);
    expect(sink.lines).toHaveLength(3);
  });

  it('what was done already is kept, and written first', async () => {
    const audit = make();
    await audit.intend([entry('A')], signal);
    sink.fails = full;
    await audit.conclude(entry('done'), signal);
    sink.fails = undefined;
    await audit.intend([entry('B')], signal);
    expect(sink.actions).toEqual(['chain-start', 'A', 'done', 'B', 'recovered']);
  });

  it('refusals are counted for each namespace', async () => {
    const audit = make();
    sink.fails = full;
    for (const namespace of ['a', 'b', 'a']) await audit.note(entry('x', { namespace }), signal);
    sink.fails = undefined;
    await clock.advance(1_000);
    expect(sink.lines.filter(({ action }) => action === 'left-out')).toMatchObject([
      { namespace: 'a', count: 2, why: 'unwritable' },
      { namespace: 'b', count: 1, why: 'unwritable' },
    ]);
    expect(sink.lines.at(-1)).toMatchObject({ why: 'recovered', leftOut: 3 });
  });

  it('a write that stops in the middle leaves a chain that is whole', async () => {
    const audit = make();
    await audit.intend([entry('A')], signal);
    for (const after of [100, 600, 1_000]) {
      sink.fails = { code: 'ENOSPC', after };
      await expect(audit.intend([entry('B'), entry('C'), entry('D')], signal)).rejects.toThrow('ENOSPC');
      sink.fails = undefined;
      await audit.intend([entry('E')], signal);
    }
    await audit.stop(AbortSignal.timeout(1_000));
    expect(report().verdict).toBe('whole');
    expect(report().unfinished).toHaveLength(3);
  });

  it('a disk that hangs holds neither a pass nor the end', async () => {
    const audit = make();
    sink.gate = new Promise(() => undefined);
    const pass = new AbortController();
    const waits = [audit.intend([entry('A')], pass.signal), audit.conclude(entry('B'), pass.signal)];
    pass.abort(new Error('too long'));
    await expect(waits[0]).rejects.toThrow('too long');
    await waits[1];
    await audit.stop(AbortSignal.abort());
    expect(sink.text).toBe('');
  });

  it('with --audit-best-effort everything goes on, and what is not there is counted', async () => {
    const onLeftOut = vi.fn();
    const audit = make({ bestEffort: true, onLeftOut });
    sink.fails = full;
    await audit.intend([entry('A'), entry('B')], signal);
    expect([audit.problem(), audit.fault()]).toEqual([undefined, 'it cannot be written (ENOSPC)']);
    sink.fails = undefined;
    await audit.intend([entry('C')], signal);
    expect(sink.actions).toEqual(['chain-start', 'unwritable', 'C', 'recovered']);
    expect(sink.lines[1]).toMatchObject({ count: 2, namespace: 'team-a' });
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
    const audit = make(options);
    await expect(audit.intend([entry('A')], signal)).rejects.toThrow(message);
    expect(sink.text).toBe('');
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
        sink = new MemorySink();
        anchored = [];
        const audit = make();
        const promised: string[] = [];
        for (const [i, { records, failsAfter }] of todo.entries()) {
          sink.fails = failsAfter === null ? undefined : { code: 'ENOSPC', after: failsAfter };
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
        sink.fails = undefined;
        await audit.stop(AbortSignal.timeout(1_000));
        const written = sink.lines.map((line) => line['entry']);
        const done = todo.map((_, i) => `done-${i}`);
        expect(written).toEqual(expect.arrayContaining([...promised, ...done]));
        expect(report()).toMatchObject({ verdict: 'whole', chains: [{ ended: true }] });
      }),
    );
  });
});

describe('refusals of one namespace', () => {
  const flood = async (audit: AuditLog, namespace: string, times: number) => {
    for (let i = 0; i < times; i += 1)
      await audit.note(entry('x', { namespace, outcome: 'refused', reason: 'DomainForbidden' }), signal);
  };

  it('fill the file no faster than their share; the rest is counted once a minute', async () => {
    const audit = make();
    await flood(audit, 'loud', 1_000);
    await flood(audit, 'quiet', 1);
    expect(sink.lines.filter(({ namespace }) => namespace === 'loud')).toHaveLength(120);
    expect(sink.lines.filter(({ namespace }) => namespace === 'quiet')).toHaveLength(1);
    await clock.advance(60_000);
    expect(sink.lines.filter(({ action }) => action === 'left-out')).toMatchObject([
      { namespace: 'loud', why: 'limited', count: 880 },
    ]);
    await clock.advance(60_000);
    await flood(audit, 'loud', 20);
    expect(sink.lines.filter(({ namespace }) => namespace === 'loud')).toHaveLength(120 + 1 + 12);
    await audit.stop(AbortSignal.timeout(1_000));
    expect(sink.lines.at(-2)).toMatchObject({ action: 'left-out', count: 8 });
    expect(sink.lines.at(-1)).toMatchObject({ why: 'stop', records: 133, leftOut: 888 });
  });
});

describe('in a real file', () => {
  let dir: string;
  beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'fairlead-audit-'))));
  afterEach(async () => rm(dir, { recursive: true, force: true }));

  it('rotates by size, deletes the oldest part, and what is left is whole', async () => {
    const path = join(dir, 'audit.log');
    const audit = make({ sink: new FileSink({ path, maxBytes: 4_000, maxFiles: 3 }) });
    for (let i = 0; i < 60; i += 1) await audit.intend([entry(`V${i}`)], signal);
    await audit.stop(AbortSignal.timeout(1_000));
    const parts = [`${path}.2`, `${path}.1`, path];
    const texts = await Promise.all(parts.map(async (part) => readFile(part, 'utf8')));
    const lines = texts.flatMap((text, i) => file(text.trim().split('\n'), parts[i]));
    const found = verify(lines, { keys: [KEY], anchors: anchored });
    expect(found).toMatchObject({ verdict: 'whole', findings: [], chains: [{ ended: true }] });
    expect(found.chains[0]?.lines[0]).toBeGreaterThan(1);
    const cut = verify(lines.slice(1), { keys: [KEY], anchors: anchored });
    expect(cut.verdict).not.toBe('whole');
  });

  it.runIf(process.platform === 'linux')('stops on a full disk and goes on when there is room', async () => {
    const path = join(dir, 'audit.log');
    await symlink('/dev/full', path);
    const audit = make({ sink: new FileSink({ path, maxBytes: 4_000, maxFiles: 3 }) });
    await expect(audit.intend([entry('A')], signal)).rejects.toThrow('ENOSPC');
    await rm(path);
    const healthy = new Promise<void>((resolve) => {
      audit.onChange(resolve);
    });
    await clock.advance(1_000);
    await healthy;
    await audit.intend([entry('A')], signal);
    await audit.stop(AbortSignal.timeout(1_000));
    expect(await readFile(path, 'utf8')).toContain('"entry":"A"');
  });

  it('of a process that was killed in a line, the next one goes on with a chain of its own', async () => {
    const path = join(dir, 'audit.log');
    const open = () => make({ sink: new FileSink({ path, maxBytes: 1_000_000, maxFiles: 2 }) });
    await open().intend([entry('A')], signal);
    await clock.advance(1);
    await appendFile(path, '{"audit":true,"chain":"');
    const next = open();
    await next.intend([entry('A')], signal);
    await next.conclude(entry('done'), signal);
    await next.stop(AbortSignal.timeout(1_000));
    const found = verify(file((await readFile(path, 'utf8')).split('\n')), {
      keys: [KEY],
      anchors: anchored,
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
    sink.isFull = true;
    sink.rotate = async () => {
      throw Object.assign(new Error('x'), { code: 'EACCES' });
    };
    await expect(make().intend([entry('A')], signal)).rejects.toThrow('its file cannot be rotated (EACCES)');
  });
});
