import { beforeEach, describe, expect, it, vi } from 'vitest';
import { entry, Lab } from '../../test/support/audit-lab.ts';
import { settle } from '../../test/support/fake-clock.ts';
import type { Tail } from './chain.ts';
import type { AuditLog } from './log.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
const { signal } = new AbortController();
const end = () => AbortSignal.timeout(1_000);

describe('an audit', () => {
  it('begins with who writes it and ends with a checkpoint that counts; the end is lab.anchored', async () => {
    const audit = lab.make();
    audit.start();
    await audit.intend([entry('A'), entry('B')], signal);
    await audit.conclude(entry('C'), signal);
    await audit.stop(end());
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'B', 'C', 'stop']);
    expect(lab.sink.lines[0]).toMatchObject({
      identity: 'one',
      key: 'uid',
      time: '2026-01-01T00:00:00.000Z',
    });
    expect(lab.sink.lines.at(-1)).toMatchObject({ action: 'checkpoint', records: 3, leftOut: 0 });
    expect(lab.anchored.at(-1)?.seq).toBe(5);
    expect(lab.report().verdict).toBe('whole');
  });

  it('comes after the chain that was lab.anchored last', async () => {
    await lab.make().stop(end());
    const [before] = lab.anchored;
    await lab.make().stop(end());
    expect(lab.sink.lines.find(({ chain }) => chain !== before?.chain)).toMatchObject({ after: before });
    expect(lab.report()).toMatchObject({ verdict: 'whole', chains: [{ ended: true }, { ended: true }] });
  });

  it('writes what comes meanwhile in one go', async () => {
    const audit = lab.make();
    const { promise, resolve } = Promise.withResolvers<void>();
    lab.sink.gate = promise;
    const all = Array.from({ length: 100 }, async (_, i) => audit.intend([entry(`V${i}`)], signal));
    await settle();
    resolve();
    await Promise.all(all);
    expect([lab.sink.writes, lab.sink.lines.length]).toEqual([2, 101]);
  });

  it('has a checkpoint every thousand lines', async () => {
    const audit = lab.make();
    for (let i = 0; i < 25; i += 1)
      await audit.intend(
        Array.from({ length: 100 }, () => entry('A')),
        signal,
      );
    expect(lab.sink.lines.filter(({ why }) => why === 'interval').map(({ records }) => records)).toEqual([
      1_000, 2_000,
    ]);
  });

  it('anchors at most every five seconds, and again after a failure', async () => {
    let fails = false;
    const onError = vi.fn();
    const write = async (tail: Tail) => {
      if (fails) throw Object.assign(new Error('x'), { code: 'Unreachable' });
      lab.anchored.push(tail);
    };
    const audit = lab.make({ anchor: { read: async () => undefined, write }, onError });
    for (let i = 0; i < 10; i += 1) {
      await audit.intend([entry('A')], signal);
      await lab.clock.advance(1_000);
    }
    expect(lab.anchored.map(({ seq }) => seq)).toEqual([2, 6, 11]);
    fails = true;
    await audit.intend([entry('B')], signal);
    await lab.clock.advance(6_000);
    expect(onError.mock.calls).toEqual([['anchor', 'Unreachable']]);
    fails = false;
    await lab.clock.advance(6_000);
    expect(lab.anchored.at(-1)?.seq).toBe(12);
  });

  it('takes what looks like a token out of messages', async () => {
    await lab.make().intend([entry('A', { message: 'got hvs.CAESIJ1234567890abcdef' })], signal);
    expect(lab.sink.text).toContain('got [redacted]');
  });

  it('writes no field that it does not know', async () => {
    const more = { ...entry('A'), value: 's3cret', source: { type: 'VAULT', id: 'x', token: 's3cret' } };
    await lab.make().intend([{ ...more, actor: { ...more.actor, password: 's3cret' } as never }], signal);
    expect(lab.sink.text).not.toContain('s3cret');
  });
});

describe('refusals of one namespace', () => {
  const flood = async (audit: AuditLog, namespace: string, times: number) => {
    for (let i = 0; i < times; i += 1)
      await audit.note(entry('x', { namespace, outcome: 'refused', reason: 'DomainForbidden' }), signal);
  };

  it('fill the file no faster than their share; the rest is counted once a minute', async () => {
    const audit = lab.make();
    await flood(audit, 'loud', 1_000);
    await flood(audit, 'quiet', 1);
    expect(lab.sink.lines.filter(({ namespace }) => namespace === 'loud')).toHaveLength(120);
    expect(lab.sink.lines.filter(({ namespace }) => namespace === 'quiet')).toHaveLength(1);
    await lab.clock.advance(60_000);
    expect(lab.sink.lines.filter(({ action }) => action === 'left-out')).toMatchObject([
      { namespace: 'loud', why: 'limited', count: 880 },
    ]);
    await lab.clock.advance(60_000);
    await flood(audit, 'loud', 20);
    expect(lab.sink.lines.filter(({ namespace }) => namespace === 'loud')).toHaveLength(120 + 1 + 12);
    await audit.stop(end());
    expect(lab.sink.lines.at(-2)).toMatchObject({ action: 'left-out', count: 8 });
    expect(lab.sink.lines.at(-1)).toMatchObject({ why: 'stop', records: 133, leftOut: 888 });
  });
});
