import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import {
  deadToken,
  login,
  ok,
  policyDenial,
  refused,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { Connection, REFUSED_PAUSE_MS } from './connection.ts';
import type { LoginMethod } from './credentials.ts';
import { VaultError } from './errors.ts';
import { Hidden } from './hidden.ts';
import type { Attempt } from './requests.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let clock: ManualClock;
let connection: Connection;
let events: string[];
const never = new AbortController().signal;

beforeEach(async () => {
  fake = await startFake();
  clock = new ManualClock();
  events = [];
  connection = new Connection({ origin: fake.address, listed: true } as VaultTarget, {
    clock,
    random: () => 1,
    fetchTimeoutMs: 10_000,
    onRequest: ({ operation, status, code }) => events.push(`${operation} ${status ?? code}`),
  });
});
afterEach(async () => {
  await connection.close(AbortSignal.timeout(1_000));
  await fake.close();
});

const appRole = (revision = '1'): LoginMethod => ({
  kind: 'appRole',
  mount: 'approle',
  roleId: 'role-1',
  secretId: new Hidden('planted'),
  secretName: 'vault-prod',
  revision,
});
const token = (revision = '1'): LoginMethod => ({
  kind: 'token',
  token: new Hidden('given-token'),
  secretName: 'vault-prod',
  revision,
});

function attempt(): Attempt {
  return { startedAt: clock.now(), signal: never, requests: 0 };
}

async function tokenOf(methods: readonly LoginMethod[] = [appRole()]): Promise<string> {
  return (await connection.session(methods, attempt())).grant.token.reveal();
}

async function faultOf(methods: readonly LoginMethod[]) {
  const error = await connection.session(methods, attempt()).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(VaultError);
  return (error as VaultError).fault;
}

/** Ends when so many requests like this have been reported and what follows from them is done. */
async function settled(event: string, count = 1): Promise<void> {
  await vi.waitFor(() => expect(events.filter((one) => one.startsWith(event))).toHaveLength(count), {
    timeout: 10_000,
  });
  await new Promise(setImmediate);
}

describe('the life of a token', () => {
  const renewed = (seconds: number, renewable = true) =>
    ok({ auth: { client_token: 'token-1', lease_duration: seconds, renewable } });

  it('is prolonged at two thirds', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(300));
    await tokenOf();
    clock.advance(199_000);
    expect(fake.count('renew-self')).toBe(0);
    clock.advance(1_000);
    await settled('renew-self 200');
    clock.advance(200_000);
    await settled('renew-self 200', 2);
    expect(await tokenOf()).toBe('token-1');
    expect(fake.count('/login')).toBe(1);
  });

  it('is renewed with its own token', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(300));
    await tokenOf();
    clock.advance(200_000);
    await fake.arrived('renew-self');
    expect(fake.proxy.seen.at(-1)).toMatchObject({ method: 'POST', headers: { 'x-vault-token': 'token-1' } });
  });

  it('ends shortly before it expires: then the next one logs in again', async () => {
    fake.on('/login', login('token-1', 300, false));
    await tokenOf();
    clock.advance(297_000);
    await tokenOf();
    expect(fake.count('/login')).toBe(1);
    clock.advance(1_000);
    await tokenOf();
    expect(fake.count('/login')).toBe(2);
    expect(fake.count('renew-self')).toBe(0);
  });

  it('is not prolonged at the end of its maximum: the next one logs in again', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(4));
    await tokenOf();
    clock.advance(200_000);
    await settled('renew-self 200');
    clock.advance(60_000);
    await tokenOf();
    expect(events).toEqual(['login 200', 'renew-self 200', 'login 200']);
  });

  it('is not without an end because it was renewed for no time', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(0));
    await tokenOf();
    clock.advance(200_000);
    await settled('renew-self 200');
    clock.advance(100_000);
    expect(await tokenOf()).toBe('token-1');
    expect(fake.count('/login')).toBe(2);
  });

  it.each([
    ['Vault says that it cannot be', refused(400, 'lease is not renewable')],
    ['a policy denies it', policyDenial],
  ])('is not tried again when %s, but lived to its end', async (_, reply) => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', reply);
    await tokenOf();
    clock.advance(200_000);
    await settled('renew-self');
    clock.advance(90_000);
    expect(await tokenOf()).toBe('token-1');
    expect(fake.count('renew-self')).toBe(1);
    expect(fake.count('/login')).toBe(1);
  });

  it.each([
    ['breaks inside Vault', refused(500, 'x')],
    ['is over a quota', refused(429, 'x')],
    ['has no answer', { kind: 'cut' } as const],
  ])('is tried again when the renewal %s', async (_, reply) => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', reply);
    await tokenOf();
    clock.advance(200_000);
    await settled('renew-self');
    fake.on('renew-self', renewed(300));
    clock.advance(67_000);
    await settled('renew-self 200');
  });

  it('is asked for at least once a day, which timers can hold', async () => {
    fake.on('/login', login('token-1', 10 * 365 * 86_400));
    fake.on('renew-self', renewed(10 * 365 * 86_400));
    await tokenOf();
    clock.advance(86_400_000);
    await fake.arrived('renew-self');
  });
});

describe('after a 403', () => {
  const isDead = async (methods = [appRole()]) => {
    const session = await connection.session(methods, attempt());
    clock.advance(1);
    return connection.isDead(session, attempt());
  };

  it('a token that looks itself up is alive', async () => {
    expect(await isDead()).toBe(false);
    expect(events).toEqual(['login 200', 'lookup-self 200']);
  });

  it('that is believed for a minute', async () => {
    await isDead();
    clock.advance(59_000);
    await isDead();
    expect(fake.count('lookup-self')).toBe(1);
    clock.advance(1_000);
    await isDead();
    expect(fake.count('lookup-self')).toBe(2);
  });

  it('a token that may not look itself up is alive', async () => {
    fake.on('lookup-self', policyDenial);
    expect(await isDead()).toBe(false);
  });

  it('a token that Vault does not know is dead, and a new one is made', async () => {
    fake.on('lookup-self', deadToken);
    expect(await isDead()).toBe(true);
    expect(await tokenOf()).toBe('token-2');
  });

  it('a token that was replaced meanwhile is dead without asking', async () => {
    fake.on('lookup-self', deadToken);
    const session = await connection.session([appRole()], attempt());
    clock.advance(1);
    await connection.isDead(session, attempt());
    await tokenOf();
    expect(await connection.isDead(session, attempt())).toBe(true);
    expect(fake.count('lookup-self')).toBe(1);
  });

  it('a token that was made just for this is alive without asking', async () => {
    const mine = attempt();
    const session = await connection.session([appRole()], mine);
    expect(await connection.isDead(session, mine)).toBe(false);
    clock.advance(59_000);
    expect(await connection.isDead(session, attempt())).toBe(false);
    expect(fake.count('lookup-self')).toBe(0);
  });

  it('many ask once', async () => {
    const session = await connection.session([appRole()], attempt());
    clock.advance(1);
    const release = fake.hold('lookup-self');
    const asked = Promise.all([1, 2, 3].map(() => connection.isDead(session, attempt())));
    await fake.arrived('lookup-self');
    release();
    expect(await asked).toEqual([false, false, false]);
    expect(fake.count('lookup-self')).toBe(1);
  });

  it('a given token that Vault does not know is refused for a quarter of an hour', async () => {
    const session = await connection.session([token()], attempt());
    clock.advance(1);
    fake.on('lookup-self', deadToken);
    expect(await connection.isDead(session, attempt())).toBe(true);
    expect(await faultOf([token()])).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: REFUSED_PAUSE_MS,
    });
    expect(fake.count()).toBe(2);
  });

  it('a given token that never looked itself up is refused without asking again', async () => {
    fake.on('lookup-self', deadToken);
    const mine = attempt();
    const session = await connection.session([token()], mine);
    expect(await connection.isDead(session, mine)).toBe(true);
    expect(await faultOf([token()])).toMatchObject({ reason: 'CredentialsRefused' });
    expect(events).toEqual(['lookup-self 403']);
  });

  it('says what else is wrong if lookup-self finds it', async () => {
    const session = await connection.session([appRole()], attempt());
    clock.advance(1);
    fake.on('lookup-self', refused(503, 'Vault is sealed'));
    await expect(connection.isDead(session, attempt())).rejects.toMatchObject({ code: 'Sealed' });
  });
});
