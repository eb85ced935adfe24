import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { Circuit, PROBE_MS } from './circuit.ts';
import type { Fault } from './errors.ts';

const down: Fault = { reason: 'Unreachable', scope: 'server', what: 'down' };
const sealed: Fault = { reason: 'Sealed', scope: 'server', what: 'sealed' };

/** A circuit whose server is looked at as a test says. */
function setUp({ random = 0.5 } = {}) {
  const clock = new ManualClock();
  const state = { isReady: false, looks: 0, readies: 0, signals: [] as AbortSignal[] };
  let answer = async (_signal: AbortSignal) => Promise.resolve(state.isReady);
  const circuit = new Circuit({
    clock,
    random: () => random,
    probe: async (signal) => {
      state.looks += 1;
      state.signals.push(signal);
      return answer(signal);
    },
    onReady: () => (state.readies += 1),
  });
  return {
    clock,
    circuit,
    state,
    /** What probes say from now on is for the test to decide. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      answer = async () => promise;
      return resolve;
    },
    /** The server does not answer from now on: a look ends with its signal. */
    hang: () => {
      answer = async (signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(false)));
    },
    answers: (isReady: boolean) => {
      answer = async () => Promise.resolve(isReady);
    },
    /** Time passes, and what probes answer meanwhile arrives. */
    pass: async (ms: number) => {
      clock.advance(ms);
      await new Promise(setImmediate);
    },
  };
}

/** The server is down, and a request has found out. */
async function opened({ random = 0.5, fault = down } = {}) {
  const setting = setUp({ random });
  expect(await setting.circuit.fail(fault)).toBe(true);
  setting.state.looks = 0;
  setting.state.signals.length = 0;
  return setting;
}

describe('a circuit', () => {
  it('is closed at first, holds nobody back and asks nothing', () => {
    const { circuit, clock, state } = setUp();
    expect(circuit.held()).toBeUndefined();
    expect(clock.pending).toBe(0);
    expect(state.looks).toBe(0);
  });

  it('opens with a failure if the server is not ready, and holds everybody back with it', async () => {
    const { circuit, state } = setUp();
    expect(await circuit.fail(sealed)).toBe(true);
    expect(state.looks).toBe(1);
    expect(circuit.held()).toEqual({ fault: sealed, retryAfterMs: 60_000 });
  });

  it('stays closed at a failure if the server is ready', async () => {
    const { circuit, clock, state } = setUp();
    state.isReady = true;
    expect(await circuit.fail(down)).toBe(false);
    expect(circuit.held()).toBeUndefined();
    expect(clock.pending).toBe(0);
    expect(state).toMatchObject({ looks: 1, readies: 0 });
  });

  it('looks again for the next failure', async () => {
    const { circuit, state } = setUp();
    state.isReady = true;
    await circuit.fail(down);
    state.isReady = false;
    expect(await circuit.fail(sealed)).toBe(true);
    expect(circuit.held()).toMatchObject({ fault: sealed });
  });

  it('holds nobody back while it looks', async () => {
    const { circuit, hold } = setUp();
    const answer = hold();
    const failed = circuit.fail(down);
    expect(circuit.held()).toBeUndefined();
    answer(false);
    await failed;
    expect(circuit.held()).toBeDefined();
  });

  it('looks once for all who fail together, and takes the fault of one of them', async () => {
    const { circuit, state, hold } = setUp();
    const answer = hold();
    const failed = Promise.all([circuit.fail(sealed), circuit.fail(down), circuit.fail(down)]);
    answer(false);
    expect(await failed).toEqual([true, true, true]);
    expect(state.looks).toBe(1);
    expect(circuit.held()).toMatchObject({ fault: sealed });
  });

  it('does not look because of a failure while it is open, and keeps its fault', async () => {
    const { circuit, state } = await opened({ fault: sealed });
    expect(await circuit.fail(down)).toBe(true);
    expect(state.looks).toBe(0);
    expect(circuit.held()).toMatchObject({ fault: sealed });
  });

  it('takes a server for down that does not say in two seconds that it is ready', async () => {
    const { circuit, state, hang, pass } = setUp();
    hang();
    const failed = circuit.fail(down);
    await pass(1_999);
    expect(circuit.held()).toBeUndefined();
    await pass(1);
    expect(await failed).toBe(true);
    expect(state.signals[0]?.aborted).toBe(true);
  });

  it('is not closed by time', async () => {
    const { circuit, pass } = await opened();
    for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
    expect(circuit.held()).toMatchObject({ fault: down });
  });

  it('looks at the server every one and a half seconds', async () => {
    const { state, pass } = await opened();
    for (let tenth = 0; tenth < 150; tenth += 1) await pass(100);
    expect(state.looks).toBe(10);
  });

  it.each([0, 0.5, 0.999])(
    'looks for the first time within one and a half seconds (by chance %d)',
    async (random) => {
      const { state, pass } = await opened({ random });
      await pass(1_349);
      expect(state.looks).toBe(0);
      await pass(151);
      expect(state.looks).toBe(1);
    },
  );

  it('looks again though an earlier look hangs', async () => {
    const { state, pass, hold } = await opened();
    hold();
    await pass(4_500);
    expect(state.looks).toBe(3);
  });

  it('closes as soon as a look says that the server is ready, and tells', async () => {
    const { circuit, state, pass } = await opened();
    await pass(PROBE_MS);
    expect(state.readies).toBe(0);
    state.isReady = true;
    await pass(PROBE_MS);
    expect(state.readies).toBe(1);
    expect(circuit.held()).toBeUndefined();
  });

  it('closes by a look that comes through though an earlier one hangs', async () => {
    const { circuit, state, pass, hang, answers } = await opened();
    hang();
    await pass(PROBE_MS);
    answers(true);
    await pass(PROBE_MS);
    expect(state).toMatchObject({ looks: 2, readies: 1 });
    expect(circuit.held()).toBeUndefined();
  });

  it('looks no more once the server is ready', async () => {
    const { clock, state, pass } = await opened();
    state.isReady = true;
    await pass(PROBE_MS);
    await pass(60_000);
    expect(state).toMatchObject({ looks: 1, readies: 1 });
    expect(clock.pending).toBe(0);
  });

  it('tells once that the server is ready, however many looks say so', async () => {
    const { state, pass, hold } = await opened();
    const answer = hold();
    await pass(4_500);
    answer(true);
    await pass(0);
    expect(state).toMatchObject({ looks: 3, readies: 1 });
    expect(state.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('opens again by the next failure, and tells again', async () => {
    const { circuit, state, pass } = await opened();
    state.isReady = true;
    await pass(PROBE_MS);
    state.isReady = false;
    expect(await circuit.fail(sealed)).toBe(true);
    expect(circuit.held()).toMatchObject({ fault: sealed });
    state.isReady = true;
    await pass(PROBE_MS);
    expect(state.readies).toBe(2);
  });
});

describe('a stopped circuit', () => {
  it('looks no more, and ends the look that is on its way', async () => {
    const { circuit, clock, state, pass, hold } = await opened();
    const answer = hold();
    await pass(PROBE_MS);
    circuit.stop();
    answer(true);
    await pass(60_000);
    expect(state).toMatchObject({ looks: 1, readies: 0 });
    expect(state.signals[0]?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends the look that a failure waits for, and is not opened by it', async () => {
    const { circuit, clock, hang } = setUp();
    hang();
    const failed = circuit.fail(down);
    circuit.stop();
    expect(await failed).toBe(false);
    expect(circuit.held()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('is not opened by a request that fails afterwards', async () => {
    const { circuit, clock } = setUp();
    circuit.stop();
    expect(await circuit.fail(down)).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
