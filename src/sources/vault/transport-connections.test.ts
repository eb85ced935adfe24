import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { VaultError } from './errors.ts';
import {
  createTransport,
  MAX_CONCURRENT_REQUESTS,
  type Transport,
  type TransportOptions,
} from './transport.ts';

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

describe('requests', () => {
  it('use few connections one after the other', async () => {
    const before = fake.proxy.connections();
    const one = transport();
    for (let index = 0; index < 50; index += 1) {
      await one.send({ method: 'GET', uri: `${fake.address}/v1/secret/data/app`, signal: never });
    }
    expect(fake.proxy.connections() - before).toBeLessThanOrEqual(2);
  });

  it('use a bounded number of connections at once', async () => {
    const before = fake.proxy.connections();
    const one = transport();
    const release = fake.hold('secret');
    const requests = Array.from({ length: 50 }, () =>
      one.send({ method: 'GET', uri: `${fake.address}/v1/secret/data/app`, signal: never }),
    );
    await fake.arrived('secret', 16);
    release();
    await Promise.all(requests);
    expect(fake.proxy.connections() - before).toBe(16);
  });

  it('have their time-outs from when they are sent, not from when they began to wait for others', async () => {
    const one = transport({ timeoutMs: 1_000 });
    const send = (path: string) =>
      one.send({ method: 'GET', uri: `${fake.address}/v1/${path}`, signal: never });
    const release = fake.hold('slow');
    const slow = Array.from({ length: MAX_CONCURRENT_REQUESTS }, () => faultOf(send('slow')));
    const patient = send('secret/data/app');
    await fake.arrived('slow', MAX_CONCURRENT_REQUESTS);
    clock.advance(1_000);
    expect((await Promise.all(slow)).map(({ reason }) => reason)).toEqual(slow.map(() => 'Unreachable'));
    expect(await patient).toMatchObject({ status: 200 });
    release();
  });
});

describe('closed connections', () => {
  it('take no request any more, and those that wait for others are not sent', async () => {
    const one = transport();
    const send = () => one.send({ method: 'GET', uri: `${fake.address}/v1/slow`, signal: never });
    const release = fake.hold('slow');
    const all = Array.from({ length: MAX_CONCURRENT_REQUESTS + 5 }, () => faultOf(send()));
    await fake.arrived('slow', MAX_CONCURRENT_REQUESTS);
    await one.destroy();
    expect(new Set((await Promise.all(all)).map(({ reason }) => reason))).toEqual(new Set(['Unreachable']));
    expect(await faultOf(send())).toMatchObject({ what: expect.stringContaining('was closed') });
    expect(fake.count('slow')).toBe(MAX_CONCURRENT_REQUESTS);
    release();
  });
});

describe('renewed connections', () => {
  it('are new, and what was asked over the old ones ends', async () => {
    const one = transport();
    const send = (path: string) =>
      one.send({ method: 'GET', uri: `${fake.address}/v1/${path}`, signal: never });
    await send('secret/data/app');
    const release = fake.hold('/hangs');
    const hanging = faultOf(send('hangs'));
    await fake.arrived('/hangs');
    const before = fake.proxy.connections();
    one.renew();
    expect(await hanging).toMatchObject({ reason: 'Unreachable' });
    expect(await send('secret/data/app')).toMatchObject({ status: 200 });
    expect(fake.proxy.connections()).toBe(before + 1);
    release();
  });
});
