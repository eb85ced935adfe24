import { describe, expect, it } from 'vitest';
import { VaultError } from '../errors.ts';
import { failed, passed, skipped, StepEnd, Steps } from './steps.ts';

function made() {
  const client = new AbortController();
  const deadline = new AbortController();
  const explain = ({ what }: { what: string }) => `explained: ${what}`;
  return {
    client,
    deadline,
    steps: new Steps({ signal: client.signal, deadline: deadline.signal, explain }),
  };
}
const fault = { reason: 'Sealed', scope: 'server', what: 'sealed' } as const;
const gist = (steps: Steps) =>
  steps
    .all()
    .map(({ outcome }) => outcome[0])
    .join('');

describe('steps', () => {
  it('go on after one that passed or was skipped', async () => {
    const { steps } = made();
    await steps.take('resolve name', () => passed('a'));
    await steps.take('TCP', () => skipped('b'));
    await steps.take('TLS', async () => Promise.resolve(passed('c')));
    expect(gist(steps)).toBe('PSPSSSSSS');
  });

  it('are over after one that failed: nothing more is done', async () => {
    const { steps } = made();
    await steps.take('resolve name', () => failed('Unreachable', 'a'));
    await steps.take('TCP', () => {
      throw new RangeError('must not be taken');
    });
    expect(gist(steps)).toBe('FSSSSSSSS');
    expect(steps.all()[1]?.message).toBe('not tried, since resolve name failed');
  });

  it('fail with the words for a fault', async () => {
    const { steps } = made();
    await steps.take('login', async () => Promise.reject(new VaultError(fault)));
    expect(steps.failed).toMatchObject({ name: 'login', reason: 'Sealed', message: 'explained: sealed' });
  });

  it('may end in the middle', async () => {
    const { steps } = made();
    await steps.take('login', () => {
      throw new StepEnd(skipped('x'));
    });
    expect(steps.all()[3]).toMatchObject({ outcome: 'Skipped', message: 'x' });
  });

  it('fail when the time is over, in the middle of one or before it', async () => {
    for (const before of [true, false]) {
      const { steps, deadline } = made();
      if (before) deadline.abort(new Error('late'));
      await steps.take('TCP', async () => {
        deadline.abort(new Error('late'));
        return Promise.reject(deadline.signal.reason as Error);
      });
      expect(steps.failed).toMatchObject({ name: 'TCP', reason: 'Unreachable' });
      expect(steps.failed?.message).toMatch(/took too long/);
    }
  });

  it('throw when the client went away, and what is a mistake of ours', async () => {
    const { steps, client } = made();
    await expect(steps.take('TCP', async () => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug');
    client.abort(new Error('gone'));
    await expect(steps.take('TLS', () => passed('x'))).rejects.toThrow('gone');
  });
});
