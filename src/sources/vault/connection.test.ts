import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appRole, connect, givenToken, type Connected } from '../../../test/support/vault-connection.ts';
import { login, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';

let fake: FakeVault;
let at: Connected;
const never = new AbortController().signal;

beforeEach(async () => {
  fake = await startFake();
  at = connect(fake);
});
afterEach(async () => {
  await at.close();
  await fake.close();
});

describe('a session', () => {
  it('is made once and shared by all who come later', async () => {
    expect([await at.tokenOf(), await at.tokenOf(), await at.tokenOf()]).toEqual([
      'token-1',
      'token-1',
      'token-1',
    ]);
    expect(at.events).toEqual(['login 200']);
  });

  it('is made once for all who come at the same time', async () => {
    const release = fake.hold('/login');
    const waiting = Promise.all([at.tokenOf(), at.tokenOf(), at.tokenOf()]);
    await fake.arrived('/login');
    release();
    expect(await waiting).toEqual(['token-1', 'token-1', 'token-1']);
    expect(fake.count('/login')).toBe(1);
  });

  it('goes on for the others when one who waits gives up', async () => {
    const release = fake.hold('/login');
    const controller = new AbortController();
    const given = at.connection.session([appRole()], { ...at.attempt(), signal: controller.signal });
    const other = at.tokenOf();
    await fake.arrived('/login');
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    release();
    expect(await other).toBe('token-1');
  });

  it('counts its requests for the one who made it', async () => {
    const first = at.attempt();
    await at.connection.session([appRole()], first);
    const second = at.attempt();
    await at.connection.session([appRole()], second);
    expect([first.requests, second.requests]).toEqual([1, 0]);
  });

  it('sends no token when it logs in', async () => {
    await at.tokenOf();
    expect(fake.proxy.seen[0]?.headers).not.toHaveProperty('x-vault-token');
  });

  it('is not made again for ever with a token that never expires', async () => {
    await at.tokenOf([givenToken()]);
    at.clock.advance(400 * 24 * 3_600_000);
    await at.tokenOf([givenToken()]);
    expect(at.events).toEqual(['lookup-self 200']);
  });

  it('shows no credential when the connection is printed', async () => {
    await at.tokenOf();
    expect(inspect(at.connection, { depth: Infinity, showHidden: true })).not.toMatch(/planted|token-1/);
  });
});

describe('a refused login', () => {
  beforeEach(() => fake.on('/login', refused(400, 'invalid role or secret ID')));

  it('is not tried again for a quarter of an hour', async () => {
    expect(await at.faultOf([appRole()])).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 900_000,
    });
    at.clock.advance(899_000);
    expect(await at.faultOf([appRole()])).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 1_000,
    });
    expect(fake.count('/login')).toBe(1);
    at.clock.advance(1_000);
    await at.faultOf([appRole()]);
    expect(fake.count('/login')).toBe(2);
  });

  it('is tried again once somebody wrote the Secret again', async () => {
    await at.faultOf([appRole({ revision: '1' })]);
    await at.faultOf([appRole({ revision: '2' })]);
    await at.faultOf([appRole({ revision: '2' })]);
    expect(fake.count('/login')).toBe(2);
  });

  it('leaves room for the next method', async () => {
    expect(await at.tokenOf([appRole(), givenToken()])).toBe('planted-token');
    expect(at.events).toEqual(['login 400', 'lookup-self 200']);
  });

  it('is left out while the next method is tried again', async () => {
    fake.on('lookup-self', refused(404, 'x'));
    expect(await at.faultOf([appRole(), givenToken()])).toMatchObject({ reason: 'LoginFailed' });
    expect(await at.faultOf([appRole(), givenToken()])).toMatchObject({ reason: 'LoginFailed' });
    expect(at.events).toEqual(['login 400', 'lookup-self 404', 'lookup-self 404']);
  });
});

describe('a login that failed', () => {
  it('for its mount leaves room for the next method', async () => {
    fake.on('/login', refused(403, 'permission denied'));
    expect(await at.tokenOf([appRole(), givenToken()])).toBe('planted-token');
  });

  it.each([
    ['a sealed Vault', refused(503, 'Vault is sealed'), 'Sealed'],
    ['a used-up quota', refused(429, 'x'), 'RateLimited'],
    ['no answer', { kind: 'cut' } as const, 'Unreachable'],
  ])('for %s does not bother the next method', async (_, reply, reason) => {
    fake.on('/login', reply);
    expect(await at.faultOf([appRole(), givenToken()])).toMatchObject({ reason });
    expect(fake.count('lookup-self')).toBe(0);
  });

  it('can be tried again at once', async () => {
    fake.on('/login', refused(500, 'x'));
    expect(await at.faultOf([appRole()])).toMatchObject({ reason: 'LoginFailed' });
    fake.on('/login', login('token-9'));
    expect(await at.tokenOf()).toBe('token-9');
  });
});

describe('closing', () => {
  it('gives back a token that a login made', async () => {
    await at.tokenOf();
    await at.connection.close(never);
    expect(fake.proxy.seen.at(-1)).toMatchObject({
      path: '/v1/auth/token/revoke-self',
      headers: { 'x-vault-token': 'token-1' },
    });
    expect(at.clock.pending).toBe(0);
  });

  it('never gives back a token from a Secret', async () => {
    await at.tokenOf([givenToken()]);
    await at.connection.close(never);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('does not bother about a token that expired', async () => {
    fake.on('/login', login('token-1', 60, false));
    await at.tokenOf();
    at.clock.advance(60_000);
    await at.connection.close(never);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('ends though Vault does not answer', async () => {
    await at.tokenOf();
    fake.on('revoke-self', { kind: 'cut' });
    await at.connection.close(never);
    expect(at.events.at(-1)).toBe('revoke-self Unreachable');
  });

  it('ends when its signal comes', async () => {
    await at.tokenOf();
    const release = fake.hold('revoke-self');
    const controller = new AbortController();
    const closed = at.connection.close(controller.signal);
    await fake.arrived('revoke-self');
    controller.abort();
    await closed;
    release();
  });

  it('ends a login that is on its way, and keeps no token of it', async () => {
    const release = fake.hold('/login');
    const waiting = at.faultOf([appRole()]);
    await fake.arrived('/login');
    await at.connection.close(never);
    expect((await waiting).reason).toBe('Unreachable');
    release();
    expect(at.clock.pending).toBe(0);
  });

  it('keeps no token of a login that ends while another token is given back', async () => {
    fake.on('/login', login('token-1', 60, false));
    await at.tokenOf();
    at.clock.advance(57_000);
    const old = await at.connection.session([appRole()], at.attempt());
    const releases = [fake.hold('/login'), fake.hold('revoke-self')];
    const login2 = at.connection.fresher(old, [appRole()], at.attempt());
    await fake.arrived('/login', 2);
    const closed = at.connection.close(never);
    await fake.arrived('revoke-self');
    for (const release of releases) release();
    await closed;
    expect(await login2).toBeUndefined();
    expect(at.clock.pending).toBe(0);
  });

  it('keeps no token of a login that ended just before', async () => {
    let closed: Promise<void> | undefined;
    const other = connect(fake, { onRequest: () => void (closed ??= other.connection.close(never)) });
    expect(await other.faultOf([appRole()])).toMatchObject({ reason: 'Unreachable' });
    await closed;
    expect(other.clock.pending).toBe(0);
    await other.server.close();
  });

  it('does nothing more the second time', async () => {
    await at.tokenOf();
    await at.connection.close(never);
    await at.connection.close(never);
    expect(fake.count('revoke-self')).toBe(1);
  });
});
