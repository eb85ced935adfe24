import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { VaultError } from './errors.ts';
import type { Answer } from './faults.ts';
import { counted, untilAborted, type RequestEvent } from './requests.ts';

describe('a request', () => {
  async function ask(request: (clock: ManualClock) => Promise<Answer>) {
    const clock = new ManualClock();
    const events: RequestEvent[] = [];
    const attempt = { requests: 2 };
    const onRequest = (event: RequestEvent) => void events.push(event);
    const result = await counted('read', attempt, { clock, onRequest }, () => request(clock)).catch(
      (error: unknown) => error,
    );
    return { result, events, requests: attempt.requests };
  }

  const answer: Answer = { status: 403, body: null };
  const failing = (error: unknown) => () => Promise.reject(error);
  const rows: Record<
    string,
    [request: (clock: ManualClock) => Promise<Answer>, event: Partial<RequestEvent>]
  > = {
    'is reported with its status': [() => Promise.resolve(answer), { status: 403, ms: 0 }],
    'is reported with its duration': [
      (clock) => {
        clock.advance(250);
        return Promise.resolve(answer);
      },
      { status: 403, ms: 250 },
    ],
    'is reported with the reason if there is no answer': [
      failing(new VaultError({ reason: 'Unreachable', scope: 'connection', what: 'down' })),
      { code: 'Unreachable', ms: 0 },
    ],
    'is reported with the code of another error': [
      failing(Object.assign(new Error('planted'), { code: 'ECONNRESET' })),
      { code: 'ECONNRESET', ms: 0 },
    ],
  };
  it.each(Object.entries(rows))('%s', async (_, [request, event]) => {
    const { events, requests } = await ask(request);
    expect(events).toEqual([{ operation: 'read', ...event }]);
    expect(requests).toBe(3);
  });

  it('gives what it gave', async () => {
    expect((await ask(() => Promise.resolve(answer))).result).toBe(answer);
    const error = new Error('bug');
    expect((await ask(failing(error))).result).toBe(error);
  });
});

describe('waiting for a promise', () => {
  it('gives its value', async () => {
    expect(await untilAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
  });

  it('gives its error', async () => {
    const error = new Error('bug');
    await expect(untilAborted(Promise.reject(error), new AbortController().signal)).rejects.toBe(error);
  });

  it.each(['before', 'after'])('ends with the reason of a signal that comes %s', async (when) => {
    const controller = new AbortController();
    const reason = new Error('stop');
    if (when === 'before') controller.abort(reason);
    const waiting = untilAborted(new Promise(() => {}), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('leaves no listener behind', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
    await untilAborted(Promise.resolve(1), signal);
    expect(listeners.size).toBe(0);
  });
});
