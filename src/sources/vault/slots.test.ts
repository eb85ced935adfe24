import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

/** A task that ends when the test says so. */
function task() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const made = {
    hasStarted: false,
    resolve,
    reject,
    run: async () => {
      made.hasStarted = true;
      return promise;
    },
  };
  return made;
}

const settle = async () => new Promise<void>((resolve) => setImmediate(resolve));

describe('slots', () => {
  it('let so many through at a time, and the others in order when one is done', async () => {
    const slots = new Slots(2);
    const tasks = [1, 2, 3, 4].map(task);
    const results = tasks.map(async ({ run }) => slots.run(run, never));
    await settle();
    expect(tasks.map(({ hasStarted }) => hasStarted)).toEqual([true, true, false, false]);
    tasks[1]?.resolve('b');
    await settle();
    expect(tasks.map(({ hasStarted }) => hasStarted)).toEqual([true, true, true, false]);
    for (const one of tasks) one.resolve('x');
    expect(await Promise.all(results)).toEqual(['x', 'b', 'x', 'x']);
  });

  it('are free again after a failure', async () => {
    const slots = new Slots(1);
    const error = new Error('bug');
    await expect(slots.run(async () => Promise.reject(error), never)).rejects.toBe(error);
    expect(await slots.run(async () => Promise.resolve('ok'), never)).toBe('ok');
  });

  it('do not keep whoever gives up waiting', async () => {
    const slots = new Slots(1);
    const [first, given, last] = [task(), task(), task()];
    const running = slots.run(first.run, never);
    const controller = new AbortController();
    const waiting = slots.run(given.run, controller.signal);
    const behind = slots.run(last.run, never);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    for (const one of [first, last]) one.resolve('x');
    expect(await Promise.all([running, behind])).toEqual(['x', 'x']);
    expect(given.hasStarted).toBe(false);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'are not lost if somebody gives up about when the turn comes (%d)',
    async (ticks) => {
      const slots = new Slots(1);
      const first = task();
      const running = slots.run(first.run, never);
      const controller = new AbortController();
      const waiting = slots.run(async () => Promise.resolve('ran'), controller.signal).catch(() => 'gave up');
      const last = slots.run(async () => Promise.resolve('ok'), never);
      // One of these meets the moment between the two.
      if (ticks % 2 === 0) first.resolve('x');
      else controller.abort(new Error('enough'));
      for (let tick = 0; tick < Math.floor(ticks / 2); tick += 1) await Promise.resolve();
      first.resolve('x');
      controller.abort(new Error('enough'));
      await running;
      expect(['ran', 'gave up']).toContain(await waiting);
      expect(await last).toBe('ok');
    },
  );

  it('are not for whoever gave up before', async () => {
    const slots = new Slots(1);
    const late = task();
    await expect(slots.run(late.run, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(late.hasStarted).toBe(false);
  });
});
