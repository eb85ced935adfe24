import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { login, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { Connection } from './connection.ts';
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

describe('a session', () => {
  it('is made once and shared by all who come later', async () => {
    expect([await tokenOf(), await tokenOf(), await tokenOf()]).toEqual(['token-1', 'token-1', 'token-1']);
    expect(events).toEqual(['login 200']);
  });

  it('is made once for all who come at the same time', async () => {
    const release = fake.hold('/login');
    const waiting = Promise.all([tokenOf(), tokenOf(), tokenOf()]);
    await fake.arrived('/login');
    release();
    expect(await waiting).toEqual(['token-1', 'token-1', 'token-1']);
    expect(fake.count('/login')).toBe(1);
  });

  it('goes on for the others when one who waits gives up', async () => {
    const release = fake.hold('/login');
    const controller = new AbortController();
    const given = connection.session([appRole()], { ...attempt(), signal: controller.signal });
    const other = tokenOf();
    await fake.arrived('/login');
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    release();
    expect(await other).toBe('token-1');
  });

  it('counts its requests for the one who made it', async () => {
    const first = attempt();
    await connection.session([appRole()], first);
    const second = attempt();
    await connection.session([appRole()], second);
    expect([first.requests, second.requests]).toEqual([1, 0]);
  });

  it('sends no token when it logs in', async () => {
    await tokenOf();
    expect(fake.proxy.seen[0]?.headers).not.toHaveProperty('x-vault-token');
  });

  it('is not made again for ever with a token that never expires', async () => {
    await tokenOf([token()]);
    clock.advance(400 * 24 * 3_600_000);
    await tokenOf([token()]);
    expect(events).toEqual(['lookup-self 200']);
  });

  it('shows no credential when the connection is printed', async () => {
    await tokenOf();
    expect(inspect(connection, { depth: Infinity, showHidden: true })).not.toMatch(/planted|token-1/);
  });
});

describe('a refused login', () => {
  beforeEach(() => fake.on('/login', refused(400, 'invalid role or secret ID')));

  it('is not tried again for a quarter of an hour', async () => {
    expect(await faultOf([appRole()])).toMatchObject({ reason: 'CredentialsRefused', retryAfterMs: 900_000 });
    clock.advance(899_000);
    expect(await faultOf([appRole()])).toMatchObject({ reason: 'CredentialsRefused', retryAfterMs: 1_000 });
    expect(fake.count('/login')).toBe(1);
    clock.advance(1_000);
    await faultOf([appRole()]);
    expect(fake.count('/login')).toBe(2);
  });

  it('is tried again once somebody wrote the Secret again', async () => {
    await faultOf([appRole('1')]);
    await faultOf([appRole('2')]);
    await faultOf([appRole('2')]);
    expect(fake.count('/login')).toBe(2);
  });

  it('leaves room for the next method', async () => {
    expect(await tokenOf([appRole(), token()])).toBe('given-token');
    expect(events).toEqual(['login 400', 'lookup-self 200']);
  });

  it('is left out while the next method is tried again', async () => {
    fake.on('lookup-self', refused(404, 'x'));
    expect(await faultOf([appRole(), token()])).toMatchObject({ reason: 'LoginFailed' });
    expect(await faultOf([appRole(), token()])).toMatchObject({ reason: 'LoginFailed' });
    expect(events).toEqual(['login 400', 'lookup-self 404', 'lookup-self 404']);
  });
});

describe('a login that failed', () => {
  it('for its mount leaves room for the next method', async () => {
    fake.on('/login', refused(403, 'permission denied'));
    expect(await tokenOf([appRole(), token()])).toBe('given-token');
  });

  it.each([
    ['a sealed Vault', refused(503, 'Vault is sealed'), 'Sealed'],
    ['a used-up quota', refused(429, 'x'), 'RateLimited'],
    ['no answer', { kind: 'cut' } as const, 'Unreachable'],
  ])('for %s does not bother the next method', async (_, reply, reason) => {
    fake.on('/login', reply);
    expect(await faultOf([appRole(), token()])).toMatchObject({ reason });
    expect(fake.count('lookup-self')).toBe(0);
  });

  it('can be tried again at once', async () => {
    fake.on('/login', refused(500, 'x'));
    expect(await faultOf([appRole()])).toMatchObject({ reason: 'LoginFailed' });
    fake.on('/login', login('token-9'));
    expect(await tokenOf()).toBe('token-9');
  });
});

describe('closing', () => {
  it('gives back a token that a login made', async () => {
    await tokenOf();
    await connection.close(never);
    expect(fake.proxy.seen.at(-1)).toMatchObject({
      path: '/v1/auth/token/revoke-self',
      headers: { 'x-vault-token': 'token-1' },
    });
    expect(clock.pending).toBe(0);
  });

  it('never gives back a token from a Secret', async () => {
    await tokenOf([token()]);
    await connection.close(never);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('does not bother about a token that expired', async () => {
    fake.on('/login', login('token-1', 60, false));
    await tokenOf();
    clock.advance(60_000);
    await connection.close(never);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('ends though Vault does not answer', async () => {
    await tokenOf();
    fake.on('revoke-self', { kind: 'cut' });
    await connection.close(never);
    expect(events.at(-1)).toBe('revoke-self Unreachable');
  });

  it('ends when its signal comes', async () => {
    await tokenOf();
    const release = fake.hold('revoke-self');
    const controller = new AbortController();
    const closed = connection.close(controller.signal);
    await fake.arrived('revoke-self');
    controller.abort();
    await closed;
    release();
  });

  it('ends a login that is on its way, and keeps no token of it', async () => {
    const release = fake.hold('/login');
    const waiting = faultOf([appRole()]);
    await fake.arrived('/login');
    await connection.close(never);
    expect((await waiting).reason).toBe('Unreachable');
    release();
    expect(clock.pending).toBe(0);
  });

  it('does nothing more the second time', async () => {
    await tokenOf();
    await connection.close(never);
    await connection.close(never);
    expect(fake.count('revoke-self')).toBe(1);
  });
});
