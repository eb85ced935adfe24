import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { systemClock, type Clock } from './clock.ts';

describe('the system clock', () => {
  it('goes forward', async () => {
    const before = systemClock.now();
    await systemClock.sleep(5);
    expect(systemClock.now()).toBeGreaterThan(before);
  });

  it('knows the date', () => {
    expect(Math.abs(systemClock.wall().getTime() - Date.now())).toBeLessThan(1000);
  });

  it('rejects a sleep with the reason of the abort', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });

  it('rejects a sleep whose signal is aborted already', async () => {
    await expect(systemClock.sleep(60_000, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  it('does not call what was cancelled', async () => {
    let called = false;
    systemClock.setTimeout(() => (called = true), 1)();
    await systemClock.sleep(10);
    expect(called).toBe(false);
  });

  it('calls outside of whatever set it off, and again outside of that', async () => {
    const store = new AsyncLocalStorage<string>();
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    store.run('a pass', () =>
      systemClock.setTimeout(() => {
        const first = store.getStore();
        systemClock.setTimeout(() => resolve([first, store.getStore()]), 1);
      }, 1),
    );
    expect(await promise).toEqual([undefined, undefined]);
  });

  it('takes a month for a month, which Node would take for a millisecond', async () => {
    let called = false;
    const cancel = systemClock.setTimeout(() => (called = true), 40 * 86_400_000);
    await systemClock.sleep(10);
    expect(called).toBe(false);
    cancel();
  });
});

describe('the fake clock', () => {
  it('is a clock', () => {
    const clock: Clock = new FakeClock();
    expect(clock.now()).toBe(0);
  });

  it('runs timers in the order of their times, and those that they set', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push(`b at ${clock.now()}`), 20);
    clock.setTimeout(() => {
      seen.push(`a at ${clock.now()}`);
      clock.setTimeout(() => seen.push(`c at ${clock.now()}`), 15);
    }, 10);
    await clock.advance(30);
    expect(seen).toEqual(['a at 10', 'b at 20', 'c at 25']);
    expect(clock.now()).toBe(30);
  });

  it('moves the date together with the monotonic time', async () => {
    const clock = new FakeClock('2026-01-01T00:00:00Z');
    await clock.advance(1500);
    expect(clock.wall().toISOString()).toBe('2026-01-01T00:00:01.500Z');
  });

  it('leaves no timer behind an aborted sleep', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(100, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });
});
