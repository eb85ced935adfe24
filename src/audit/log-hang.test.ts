import { beforeEach, describe, expect, it, vi } from 'vitest';
import { entry, Lab } from '../../test/support/audit-lab.ts';
import { settle } from '../../test/support/fake-clock.ts';
import { AuditError } from './errors.ts';
import type { AuditLog } from './log.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
const { signal } = new AbortController();
const end = () => AbortSignal.timeout(1_000);

describe('a disk that hangs', () => {
  /** One write hangs until it is let go. */
  const hang = async (audit: AuditLog) => {
    await audit.intend([entry('A')], signal);
    const { promise, resolve } = Promise.withResolvers<void>();
    lab.sink.gate = promise;
    return resolve;
  };

  it('is a fault after five seconds; who waits and who comes is answered, until the write returns', async () => {
    const audit = lab.make();
    const letGo = await hang(audit);
    const waits = [audit.intend([entry('B')], signal), audit.intend([entry('C')], signal)];
    const refused = Promise.all(
      waits.map(async (one) => expect(one).rejects.toThrow('longer than 5 seconds')),
    );
    await lab.clock.advance(4_999);
    expect(audit.problem()).toBeUndefined();
    await lab.clock.advance(1);
    await refused;
    expect(audit.problem()).toContain('longer than 5 seconds');
    await expect(audit.intend([entry('D')], signal)).rejects.toBeInstanceOf(AuditError);
    await audit.conclude(entry('done'), signal);
    await lab.clock.advance(60_000);
    const changed = vi.fn();
    audit.onChange(changed);
    letGo();
    await settle();
    expect([audit.problem(), changed.mock.calls.length]).toEqual([undefined, 1]);
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'B', 'done', 'recovered']);
    await audit.stop(end());
    expect(lab.report().verdict).toBe('whole');
  });

  it('what was done in a write that hung is there once', async () => {
    const audit = lab.make();
    const letGo = await hang(audit);
    const done = audit.conclude(entry('done'), signal);
    await lab.clock.advance(5_000);
    await done;
    letGo();
    await settle();
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'done', 'recovered']);
  });

  it('what passes that are aborted by then wanted to do is not written', async () => {
    const audit = lab.make();
    const letGo = await hang(audit);
    const pass = new AbortController();
    const first = audit.intend([entry('B')], signal);
    const waits = Array.from({ length: 500 }, async () => audit.intend([entry('C')], pass.signal));
    const ended = Promise.allSettled(waits);
    pass.abort(new Error('too long'));
    await ended;
    letGo();
    await first;
    await audit.intend([entry('D')], signal);
    expect(lab.sink.actions).toEqual(['chain-start', 'A', 'B', 'D']);
  });

  it('does not hold up --audit-best-effort, which counts', async () => {
    const audit = lab.make({ bestEffort: true });
    const letGo = await hang(audit);
    const wait = audit.intend([entry('B')], signal);
    await lab.clock.advance(5_000);
    await wait;
    await audit.intend([entry('C')], signal);
    letGo();
    await settle();
    expect(lab.sink.lines.filter(({ action }) => action === 'left-out')).toMatchObject([{ count: 2 }]);
  });
});
