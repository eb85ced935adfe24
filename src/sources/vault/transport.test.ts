import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import type { Lookup } from './address.ts';
import { VaultError } from './errors.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

let fake: FakeVault;
const open: Transport[] = [];
const clock = new ManualClock();
const never = new AbortController().signal;

beforeAll(async () => {
  fake = await startFake();
});
afterAll(() => fake.close());
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.destroy()));
  fake.proxy.forgetSeen();
});

function transport(changes: Partial<TransportOptions> = {}): Transport {
  const made = createTransport({ clock, origin: fake.address, listed: true, timeoutMs: 10_000, ...changes });
  open.push(made);
  return made;
}

function get(path: string, changes: Partial<TransportOptions> = {}, signal = never) {
  const origin = changes.origin ?? fake.address;
  return transport(changes).send({
    method: 'GET',
    uri: `${origin}/v1/${path}`,
    headers: { 'X-Vault-Token': 'planted-token' },
    signal,
  });
}

/** The fault of a request that must fail. */
async function faultOf(request: Promise<unknown>) {
  const error = await request.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(VaultError);
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('planted');
  return (error as VaultError).fault;
}

describe('a request', () => {
  it('carries the headers it is given and those of every request to Vault', async () => {
    await get('secret/data/app');
    expect(fake.proxy.seen).toMatchObject([
      {
        method: 'GET',
        path: '/v1/secret/data/app',
        headers: { 'x-vault-token': 'planted-token', 'x-vault-request': 'true', accept: 'application/json' },
      },
    ]);
  });

  it('carries a body as JSON', async () => {
    let type: unknown;
    fake.on('echo', ({ headers }) => {
      type = headers['content-type'];
      return { status: 204 };
    });
    await transport().send({ method: 'POST', uri: `${fake.address}/v1/echo`, json: { a: 1 }, signal: never });
    expect(type).toBe('application/json');
  });

  it('goes through no proxy of the environment', async () => {
    const other = await startFake();
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'];
    for (const name of names) process.env[name] = other.address;
    await get('secret/data/app');
    for (const name of names) delete process.env[name];
    expect(other.count()).toBe(0);
    await other.close();
  });
});

describe('an answer', () => {
  it('keeps numbers as they were written', async () => {
    fake.on('numbers', { kind: 'answer', status: 200, body: '{"a":9007199254740993,"b":1.0}' });
    const { body } = await get('numbers');
    expect(body).toEqual(
      new Map([
        ['a', { number: '9007199254740993' }],
        ['b', { number: '1.0' }],
      ]),
    );
  });

  it.each(['', '<html>', '{"a":'])('without JSON is an answer all the same: %j', async (body) => {
    fake.on('text', { kind: 'answer', status: 502, body });
    expect(await get('text')).toEqual({ status: 502, body: undefined });
  });

  const waits: Record<string, [headers: Record<string, string>, ms: number | undefined]> = {
    'in seconds': [{ 'retry-after': '7' }, 7_000],
    'as a date, by the clock of the server': [
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:10 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
      10_000,
    ],
    'as a date that is over': [
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT', date: 'Wed, 21 Oct 2015 07:28:10 GMT' },
      0,
    ],
    'of a day, which is cut to five minutes': [{ 'retry-after': '86400' }, 300_000],
    'that nobody understands': [{ 'retry-after': 'soon' }, undefined],
  };
  it.each(Object.entries(waits))('can ask to wait: %s', async (_, [headers, ms]) => {
    fake.on('wait', { kind: 'answer', status: 429, headers });
    expect((await get('wait')).retryAfterMs).toBe(ms);
  });

  it('over four mebibytes is a fault of this path', async () => {
    fake.on('large', { kind: 'answer', status: 200, body: `{"planted":"${'x'.repeat(4 * 1024 * 1024)}"}` });
    expect(await faultOf(get('large'))).toMatchObject({ reason: 'TooLarge', scope: 'read' });
  });

  it('just under four mebibytes is none', async () => {
    fake.on('large', { kind: 'answer', status: 200, body: `{"a":"${'x'.repeat(4_194_000)}"}` });
    expect((await get('large')).status).toBe(200);
  });
});

describe('a request without an answer', () => {
  const unreachable = { reason: 'Unreachable', scope: 'server', request: 'GET /v1/broken' };

  it('ends when the connection breaks before the answer', async () => {
    fake.on('broken', { kind: 'cut' });
    expect(await faultOf(get('broken'))).toMatchObject({
      ...unreachable,
      what: expect.stringContaining('broke'),
    });
  });

  it('ends when the connection breaks in the middle of the answer: the server is there, though', async () => {
    fake.on('broken', { kind: 'answer', status: 200, body: '{"planted":', cutShort: true });
    expect(await faultOf(get('broken'))).toMatchObject({
      ...unreachable,
      scope: 'read',
      what: expect.stringContaining('broke'),
    });
  });

  it('ends after the time-out', async () => {
    const release = fake.hold('broken');
    const request = faultOf(get('broken', { timeoutMs: 3_000 }));
    await fake.arrived('broken');
    clock.advance(3_000);
    expect(await request).toMatchObject({ ...unreachable, what: expect.stringContaining('in time') });
    release();
  });

  it('ends after the time-out also in the middle of the answer', async () => {
    let wrote = false;
    fake.on('broken', {
      kind: 'stream',
      status: 200,
      write: (response) => void response.write('{"planted":', () => (wrote = true)),
    });
    const request = faultOf(get('broken', { timeoutMs: 3_000 }));
    await vi.waitFor(() => expect(wrote).toBe(true));
    await new Promise(setImmediate);
    clock.advance(3_000);
    expect(await request).toMatchObject({
      reason: 'Unreachable',
      what: expect.stringContaining('in time'),
    });
  });

  it('ends with the reason of its signal, and not as a fault', async () => {
    const release = fake.hold('broken');
    const controller = new AbortController();
    const request = get('broken', {}, controller.signal);
    const reason = new Error('enough');
    await fake.arrived('broken');
    controller.abort(reason);
    await expect(request).rejects.toBe(reason);
    release();
  });

  it('does not start if its signal came before', async () => {
    const reason = new Error('enough');
    await expect(get('secret/data/app', {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(fake.count()).toBe(0);
  });

  it('leaves no timer behind', async () => {
    await get('secret/data/app');
    await faultOf(get('x', { origin: 'http://127.0.0.1:1' }));
    expect(clock.pending).toBe(0);
  });

  it('says that nothing listens', async () => {
    expect(await faultOf(get('x', { origin: 'http://127.0.0.1:1' }))).toMatchObject({
      reason: 'Unreachable',
      what: expect.stringContaining('refused'),
    });
  });

  it('says that a header cannot be sent, without quoting it', async () => {
    const request = transport().send({
      method: 'GET',
      uri: `${fake.address}/v1/x`,
      headers: { 'X-Vault-Token': 'planted\r\nX-Other: 1' },
      signal: never,
    });
    expect(await faultOf(request)).toMatchObject({ reason: 'Unreachable' });
    expect(fake.count()).toBe(0);
  });
});

describe('the address of a server', () => {
  const lookup =
    (...answers: string[][]): Lookup =>
    (_name, _options, callback) =>
      callback(
        null,
        (answers.length > 1 ? answers.shift() : answers[0])?.map((address) => ({ address, family: 4 })) ?? [],
      );
  const named = () => fake.address.replace('127.0.0.1', 'vault.example.com');

  it('is checked at the moment of connecting', async () => {
    const fault = await faultOf(get('x', { origin: named(), listed: false, lookup: lookup(['127.0.0.1']) }));
    expect(fault).toMatchObject({ reason: 'Unreachable', what: expect.stringContaining('--vault-hosts') });
    expect(JSON.stringify(fault)).not.toContain('127.0.0.1');
    expect(fake.count()).toBe(0);
  });

  it('is the one that was checked, though the name points elsewhere the next time', async () => {
    const rebinding = lookup(['203.0.113.1'], ['127.0.0.1'], ['127.0.0.1']);
    const rebound = transport({ origin: named(), listed: false, lookup: rebinding, timeoutMs: 1_000 });
    for (const _ of [1, 2]) {
      const controller = new AbortController();
      const request = rebound.send({ method: 'GET', uri: `${named()}/v1/x`, signal: controller.signal });
      setImmediate(() => controller.abort(new Error('enough')));
      await expect(request).rejects.toThrow();
    }
    expect(fake.count()).toBe(0);
  });

  it('may be any for a host that the operator listed', async () => {
    const origin = fake.address.replace('127.0.0.1', 'localhost');
    expect(await get('secret/data/app', { origin, listed: true })).toMatchObject({ status: 200 });
  });
});
