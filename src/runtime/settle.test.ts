import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { done, later, stalled, waiting, type Outcome, type Told } from './outcome.ts';
import { WorkQueue, type Lane } from './queue.ts';
import { codeOf, settle, type SettleOptions } from './settle.ts';

class Coded extends Error {
  override readonly name = 'Coded';
  readonly code: string;
  readonly retryAfterMs?: number;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

interface Setting {
  readonly lane?: Lane;
  readonly earlierFailures?: number;
  readonly report?: SettleOptions['report'];
  readonly stopped?: boolean;
}

/** One pass that ends like this, and everything that came of it. */
async function settleOne(end: Outcome | Error, setting: Setting = {}) {
  const clock = new FakeClock();
  const queue = new WorkQueue({ name: 'q', clock, random: () => 0 });
  queue.add('ns/a', setting.lane ?? 'urgent');
  await queue.get();
  for (let i = 0; i < (setting.earlierFailures ?? 0); i += 1) queue.addRateLimited('elsewhere');
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message });
  const reported: [string, Told][] = [];
  const stop = new AbortController();
  if (setting.stopped) stop.abort();
  const result = await settle(
    'ns/a',
    async () => {
      if (end instanceof Error) throw end;
      return end;
    },
    {
      name: 'pods',
      queue,
      report: setting.report ?? (async (key, outcome) => void reported.push([key, outcome])),
      log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    },
    { pass: stop.signal, stop: stop.signal },
  );
  queue.done('ns/a');
  return { result, queue, clock, lines, reported, nextMs: clock.next, failures: queue.failures('ns/a') };
}

describe('what the end of a pass means for the queue', () => {
  const cases: [string, Outcome | Error, { result: string; nextMs?: number; failures: number }][] = [
    ['done: nothing more', done(), { result: 'done', failures: 0 }],
    [
      'done with a time: looked at again then',
      done('Resolved', 'ok', 600_000),
      { result: 'done', nextMs: 600_000, failures: 0 },
    ],
    [
      'waiting: backoff',
      waiting('StoreNotFound', 'no store'),
      { result: 'waiting', nextMs: 500, failures: 1 },
    ],
    [
      'waiting with a time: not before, and the backoff does not grow',
      waiting('CredentialsRefused', 'no', 900_000),
      { result: 'waiting', nextMs: 900_000, failures: 0 },
    ],
    ['stalled: not tried again', stalled('NameConflict', 'twice'), { result: 'stalled', failures: 0 }],
    ['later: then, and no failure', later(250), { result: 'later', nextMs: 250, failures: 0 }],
    ['a throw: backoff', new Error('boom'), { result: 'error', nextMs: 500, failures: 1 }],
    [
      'a throw that says when to come back: not before',
      new Coded('TooManyRequests', 'slow down', 30_000),
      { result: 'error', nextMs: 30_000, failures: 1 },
    ],
    [
      'a throw that says to come back tomorrow: in five minutes',
      new Coded('TooManyRequests', 'slow down', 86_400_000),
      { result: 'error', nextMs: 300_000, failures: 1 },
    ],
  ];
  it.each(cases)('%s', async (_, end, expected) => {
    const { result, nextMs, failures } = await settleOne(end);
    expect({ result, failures, ...(nextMs !== undefined && { nextMs }) }).toEqual(expected);
  });

  it.each<[string, Outcome, Lane]>([
    ['whoever waits stays urgent', waiting('StoreNotFound', 'no store'), 'urgent'],
    ['whoever is put off stays urgent', later(100), 'urgent'],
    ['a refresh is never urgent', done('Resolved', 'ok', 100), 'background'],
  ])('%s', async (_, outcome, lane) => {
    const { queue, clock } = await settleOne(outcome);
    await clock.advance(1000);
    queue.add('ns/rival', lane === 'urgent' ? 'background' : 'urgent');
    expect(await queue.get()).toBe(lane === 'urgent' ? 'ns/a' : 'ns/rival');
  });
});

describe('what is reported on the object', () => {
  it.each<[string, Outcome]>([
    ['done', done('Resolved', 'ok')],
    ['waiting', waiting('StoreNotFound', 'no store')],
    ['stalled', stalled('NameConflict', 'twice')],
  ])('%s is', async (_, outcome) => {
    const { reported } = await settleOne(outcome);
    expect(reported).toEqual([['ns/a', outcome]]);
  });

  it('nothing when the pass was put off', async () => {
    expect((await settleOne(later(10))).reported).toEqual([]);
  });

  it('nothing when it failed', async () => {
    expect((await settleOne(new Error('boom'))).reported).toEqual([]);
  });

  it('a report that fails is a failed pass: it is tried again', async () => {
    const { result, failures, nextMs, lines } = await settleOne(done('Resolved', 'ok', 600_000), {
      report: async () => {
        throw new Coded('Conflict', 'quotes something');
      },
    });
    expect({ result, failures, nextMs }).toEqual({ result: 'error', failures: 1, nextMs: 500 });
    expect(lines[0]?.fields).toMatchObject({ code: 'Conflict' });
  });
});

describe('what is logged', () => {
  it('a failure: who, a code, and when it is tried again', async () => {
    const { lines } = await settleOne(new Coded('ServerError', 'password is hunter2'));
    expect(lines).toHaveLength(1);
    const { level, fields, message } = lines[0]!;
    expect(level).toBe('warn');
    expect(fields).toMatchObject({ controller: 'pods', key: 'ns/a', code: 'ServerError', retryMs: 500 });
    expect(message).toBe('the pass failed and is tried again');
    const { err, ...others } = fields;
    expect(JSON.stringify(others)).not.toContain('hunter2');
    expect(err).toBeInstanceOf(Coded);
  });

  it('everything else only for those who debug', async () => {
    const { lines } = await settleOne(waiting('StoreNotFound', 'no store'));
    expect(lines).toEqual([
      {
        level: 'debug',
        fields: { controller: 'pods', key: 'ns/a', outcome: 'waiting', reason: 'StoreNotFound' },
        message: 'pass',
      },
    ]);
  });

  it('nothing for a pass that the stop of the process ended', async () => {
    const { lines, result, nextMs } = await settleOne(new Coded('Aborted', 'aborted'), { stopped: true });
    expect({ lines, result, nextMs }).toEqual({ lines: [], result: 'aborted', nextMs: undefined });
  });
});

describe('the code of what was thrown', () => {
  it.each<[string, unknown, string]>([
    ['its code', new Coded('Conflict', 'x'), 'Conflict'],
    ['its class, if it has none', new TypeError('x'), 'TypeError'],
    ['its class, if the code is a sentence', new Coded('value hunter2 is wrong', 'x'), 'Coded'],
    ['its class, if the code is a number', Object.assign(new RangeError('x'), { code: 7 }), 'RangeError'],
    ['unknown, for a text', 'hunter2', 'Unknown'],
    ['unknown, for nothing', undefined, 'Unknown'],
    ['unknown, for an object without either', { hunter2: 1 }, 'Unknown'],
  ])('%s', (_, thrown, expected) => {
    expect(codeOf(thrown)).toBe(expected);
  });
});
