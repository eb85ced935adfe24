import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { Circuit, PROBE_MS } from './circuit.ts';
import type { Fault } from './errors.ts';
import type { Attempt } from './requests.ts';

const down: Fault = { reason: 'Unreachable', scope: 'server', what: 'down' };
const sealed: Fault = { reason: 'Sealed', scope: 'server', what: 'sealed' };

/** A circuit whose server is looked at as a test says. */
function setUp({ random = 0.5 } = {}) {
  const clock = new ManualClock();
  const state = { isReady: false, looks: 0, readies: 0, signals: [] as AbortSignal[] };
  let answer = async () => Promise.resolve(state.isReady);
  const circuit = new Circuit({
    clock,
    random: () => random,
    probe: async (signal) => {
      state.looks += 1;
      state.signals.push(signal);
      return answer();
    },
    onReady: () => (state.readies += 1),
  });
  return {
    clock,
    circuit,
    state,
    attempt: (startedAt = clock.now()): Attempt => ({
      startedAt,
      signal: new AbortController().signal,
      requests: 1,
    }),
    /** What probes say from now on is for the test to decide. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      answer = async () => promise;
      return resolve;
    },
    /** Time passes, and what probes answer meanwhile arrives. */
    pass: async (ms: number) => {
      clock.advance(ms);
      await new Promise(setImmediate);
    },
  };
}

type Setting = ReturnType<typeof setUp>;

function fail({ circuit, attempt }: Setting, fault = down): number {
  const tried = attempt();
  circuit.begin(tried);
  return circuit.fail(fault, tried);
}

/** It failed, and the server says that it is ready. */
async function tryAgain(setting: Setting): Promise<void> {
  fail(setting);
  setting.state.isReady = true;
  await setting.pass(PROBE_MS);
}

describe('a circuit', () => {
  it('is closed at first and holds nobody back', () => {
    const { circuit, clock } = setUp();
    expect(circuit.isClosed).toBe(true);
    expect(circuit.held()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('opens with the first failure and holds everybody back with it', () => {
    const setting = setUp();
    expect(fail(setting, sealed)).toBe(60_000);
    expect(setting.circuit.isClosed).toBe(false);
    expect(setting.circuit.held()).toEqual({ fault: sealed, retryAfterMs: 60_000 });
  });

  it('is not closed by time', async () => {
    const setting = setUp();
    fail(setting);
    for (let minute = 0; minute < 60; minute += 1) await setting.pass(60_000);
    expect(setting.circuit.held()).toMatchObject({ fault: down });
  });

  it('looks at the server every one and a half seconds', async () => {
    const setting = setUp();
    fail(setting);
    for (let tenth = 0; tenth < 150; tenth += 1) await setting.pass(100);
    expect(setting.state.looks).toBe(10);
  });

  it.each([0, 0.5, 0.999])(
    'looks for the first time within one and a half seconds (by chance %d)',
    async (random) => {
      const setting = setUp({ random });
      fail(setting);
      await setting.pass(1_349);
      expect(setting.state.looks).toBe(0);
      await setting.pass(151);
      expect(setting.state.looks).toBe(1);
    },
  );

  it('looks again though an earlier look hangs', async () => {
    const setting = setUp();
    fail(setting);
    setting.hold();
    await setting.pass(4_500);
    expect(setting.state.looks).toBe(3);
  });

  it('lets one try through when the server says that it is ready, and holds back the others meanwhile', async () => {
    const setting = setUp();
    await tryAgain(setting);
    const { circuit, attempt, state } = setting;
    expect(state.readies).toBe(1);
    expect(circuit.held()).toBeUndefined();
    circuit.begin(attempt());
    expect(circuit.held()).toEqual({ fault: down, retryAfterMs: 5_000 });
  });

  it('looks no more once the server is ready', async () => {
    const setting = setUp();
    await tryAgain(setting);
    await setting.pass(60_000);
    expect(setting.state).toMatchObject({ looks: 1, readies: 1 });
    expect(setting.clock.pending).toBe(0);
  });

  it('is told once that the server is ready, however many looks say so', async () => {
    const setting = setUp();
    fail(setting);
    const answer = setting.hold();
    await setting.pass(4_500);
    answer(true);
    await setting.pass(0);
    expect(setting.state).toMatchObject({ looks: 3, readies: 1 });
    expect(setting.state.signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('lets the next one try if the one it let through came to nothing', async () => {
    const setting = setUp();
    await tryAgain(setting);
    const { circuit, attempt } = setting;
    const [first, second] = [attempt(), attempt()];
    circuit.begin(first);
    circuit.begin(second);
    circuit.end(second);
    expect(circuit.held()).toBeDefined();
    circuit.end(first);
    expect(circuit.held()).toBeUndefined();
  });

  it('closes with the first request that goes well, and says that this is news', async () => {
    const setting = setUp();
    await tryAgain(setting);
    expect(setting.circuit.succeed()).toBe(true);
    expect(setting.circuit.succeed()).toBe(false);
    expect(setting.circuit.isClosed).toBe(true);
  });

  it('closes also while it is open, if a request from before goes well', () => {
    const setting = setUp();
    fail(setting);
    expect(setting.circuit.succeed()).toBe(true);
    expect(setting.circuit.held()).toBeUndefined();
    expect(setting.clock.pending).toBe(0);
  });

  it('has nothing to tell when nothing had failed', () => {
    expect(setUp().circuit.succeed()).toBe(false);
  });
});

describe('a failure', () => {
  it('of the one that was let through opens it again', async () => {
    const setting = setUp();
    await tryAgain(setting);
    expect(fail(setting, sealed)).toBe(60_000);
    expect(setting.circuit.held()).toMatchObject({ fault: sealed });
    await setting.pass(2 * PROBE_MS);
    expect(setting.state.readies).toBe(2);
  });

  it('of a request from before the try says nothing new', async () => {
    const setting = setUp();
    const old = setting.attempt();
    await tryAgain(setting);
    setting.circuit.begin(setting.attempt());
    expect(setting.circuit.fail(down, old)).toBe(1_000);
    expect(setting.circuit.isClosed).toBe(false);
    expect(setting.circuit.succeed()).toBe(true);
  });

  it('of a request from before it closed does not open it', async () => {
    const setting = setUp();
    const old = setting.attempt();
    await tryAgain(setting);
    setting.circuit.succeed();
    await setting.pass(1);
    expect(setting.circuit.fail(down, old)).toBe(1_000);
    expect(setting.circuit.isClosed).toBe(true);
  });

  it('of many together is one: the first one counts', async () => {
    const setting = setUp();
    const all = [1, 2, 3].map(() => setting.attempt());
    for (const one of all) setting.circuit.begin(one);
    expect(all.map((one, index) => setting.circuit.fail(index === 0 ? sealed : down, one))).toEqual([
      60_000, 60_000, 60_000,
    ]);
    expect(setting.circuit.held()).toMatchObject({ fault: sealed });
    await setting.pass(PROBE_MS);
    expect(setting.state.looks).toBe(1);
  });

  it('again and again of a server that says it is ready makes the pauses longer, up to a minute', async () => {
    const setting = setUp({ random: 1 });
    const pauses: number[] = [];
    setting.state.isReady = true;
    for (let round = 0; round < 9; round += 1) {
      const before = setting.state.looks;
      fail(setting);
      let waited = 0;
      for (; setting.state.looks === before; waited += 500) await setting.pass(500);
      pauses.push(waited);
    }
    expect(pauses).toEqual([1_500, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    setting.circuit.succeed();
    fail(setting);
    await setting.pass(1_500);
    expect(setting.state.looks).toBe(10);
  });
});

describe('a stopped circuit', () => {
  it('looks no more, and ends the look that is on its way', async () => {
    const setting = setUp();
    fail(setting);
    const answer = setting.hold();
    await setting.pass(PROBE_MS);
    setting.circuit.stop();
    answer(true);
    await setting.pass(60_000);
    expect(setting.state).toMatchObject({ looks: 1, readies: 0 });
    expect(setting.state.signals[0]?.aborted).toBe(true);
    expect(setting.clock.pending).toBe(0);
  });

  it('is not opened by a request that fails afterwards', () => {
    const setting = setUp();
    setting.circuit.stop();
    fail(setting);
    expect(setting.clock.pending).toBe(0);
  });
});
