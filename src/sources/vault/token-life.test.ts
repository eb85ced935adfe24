import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appRole, connect, givenToken, type Connected } from '../../../test/support/vault-connection.ts';
import {
  deadToken,
  login,
  ok,
  policyDenial,
  refused,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';

let fake: FakeVault;
let at: Connected;

beforeEach(async () => {
  fake = await startFake();
  at = connect(fake);
});
afterEach(async () => {
  await at.close();
  await fake.close();
});

describe('the life of a token', () => {
  const renewed = (seconds: number, renewable = true) =>
    ok({ auth: { client_token: 'token-1', lease_duration: seconds, renewable } });

  it('is prolonged at two thirds', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(300));
    await at.tokenOf();
    at.clock.advance(199_000);
    expect(fake.count('renew-self')).toBe(0);
    at.clock.advance(1_000);
    await at.settled('renew-self 200');
    at.clock.advance(200_000);
    await at.settled('renew-self 200', 2);
    expect(await at.tokenOf()).toBe('token-1');
    expect(fake.count('/login')).toBe(1);
  });

  it('is renewed with its own token', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(300));
    await at.tokenOf();
    at.clock.advance(200_000);
    await fake.arrived('renew-self');
    expect(fake.proxy.seen.at(-1)).toMatchObject({ method: 'POST', headers: { 'x-vault-token': 'token-1' } });
  });

  it('ends shortly before it expires: then the next one logs in again', async () => {
    fake.on('/login', login('token-1', 300, false));
    await at.tokenOf();
    at.clock.advance(297_000);
    await at.tokenOf();
    expect(fake.count('/login')).toBe(1);
    at.clock.advance(1_000);
    await at.tokenOf();
    expect(fake.count('/login')).toBe(2);
    expect(fake.count('renew-self')).toBe(0);
  });

  it('is not prolonged at the end of its maximum: the next one logs in again', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(4));
    await at.tokenOf();
    at.clock.advance(200_000);
    await at.settled('renew-self 200');
    at.clock.advance(60_000);
    await at.tokenOf();
    expect(at.events).toEqual(['login 200', 'renew-self 200', 'login 200']);
  });

  it('is not without an end because it was renewed for no time', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed(0));
    await at.tokenOf();
    at.clock.advance(200_000);
    await at.settled('renew-self 200');
    at.clock.advance(100_000);
    expect(await at.tokenOf()).toBe('token-1');
    expect(fake.count('/login')).toBe(2);
  });

  it.each([
    ['Vault says that it cannot be', refused(400, 'lease is not renewable')],
    ['a policy denies it', policyDenial],
  ])('is not tried again when %s, but lived to its end', async (_, reply) => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', reply);
    await at.tokenOf();
    at.clock.advance(200_000);
    await at.settled('renew-self');
    at.clock.advance(90_000);
    expect(await at.tokenOf()).toBe('token-1');
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
    await at.tokenOf();
    at.clock.advance(200_000);
    await at.settled('renew-self');
    fake.on('renew-self', renewed(300));
    at.clock.advance(67_000);
    await at.settled('renew-self 200');
  });

  it('is asked for at least once a day, which timers can hold', async () => {
    fake.on('/login', login('token-1', 10 * 365 * 86_400));
    fake.on('renew-self', renewed(10 * 365 * 86_400));
    await at.tokenOf();
    at.clock.advance(86_400_000);
    await fake.arrived('renew-self');
  });
});

describe('a renewal', () => {
  const renewed = ok({ auth: { client_token: 'token-1', lease_duration: 300, renewable: true } });

  it.each([
    ['0', 0, 170_000],
    ['a half', 0.5, 185_000],
    ['almost 1', 0.999_999, 200_000],
  ])('comes a little earlier by chance: with %s', async (_, random, ms) => {
    at = connect(fake, { random: () => random });
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed);
    await at.tokenOf();
    at.clock.advance(ms - 1_000);
    expect(fake.count('renew-self')).toBe(0);
    at.clock.advance(1_001);
    await fake.arrived('renew-self');
  });

  it('is not worth it for a token that lives for seconds', async () => {
    fake.on('/login', login('token-1', 7));
    await at.tokenOf();
    at.clock.advance(7_000);
    await at.tokenOf();
    expect(at.events).toEqual(['login 200', 'login 200']);
  });

  it('of a token from a Secret is made, too: somebody else could not', async () => {
    fake.on('lookup-self', ok({ data: { ttl: 300, renewable: true } }));
    fake.on('renew-self', renewed);
    await at.tokenOf([givenToken()]);
    at.clock.advance(200_000);
    await at.settled('renew-self 200');
    at.clock.advance(150_000);
    expect(await at.tokenOf([givenToken()])).toBe('planted-token');
    expect(fake.count('lookup-self')).toBe(1);
  });

  it('is made in the namespace of the login', async () => {
    at = connect(fake, { loginNamespace: 'team-a' });
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', renewed);
    await at.tokenOf();
    at.clock.advance(200_000);
    await fake.arrived('renew-self');
    expect(fake.proxy.seen.at(-1)?.headers['x-vault-namespace']).toBe('team-a');
  });

  it('that fails is told with its status, and with no token', async () => {
    fake.on('/login', login('planted-token-1', 300));
    fake.on('renew-self', deadToken);
    await at.tokenOf();
    at.clock.advance(200_000);
    await at.settled('renew-self 403');
    expect(at.logged.at(-1)).toContain('the token could not be renewed');
    expect(at.logged.at(-1)).toContain('status: 403');
    expect(at.logged.join()).not.toContain('planted');
  });

  it('does not come after the connection was closed', async () => {
    fake.on('/login', login('token-1', 300));
    await at.tokenOf();
    await at.close();
    at.clock.advance(300_000);
    expect(fake.count('renew-self')).toBe(0);
    expect(at.clock.pending).toBe(0);
  });
});

describe('a token that was replaced', () => {
  /** After a denial by a policy a newer token takes its place. */
  const replace = async () => {
    const old = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    return at.connection.fresher(old, [appRole()], at.attempt());
  };

  it('may be used by the reads on their way, and is given back after twice the time of a request', async () => {
    await replace();
    at.clock.advance(19_999);
    expect(fake.count('revoke-self')).toBe(0);
    at.clock.advance(1);
    await at.settled('revoke-self 204');
    expect(fake.proxy.seen.at(-1)?.headers['x-vault-token']).toBe('token-1');
    expect(await at.tokenOf()).toBe('token-2');
  });

  it('is given back at once when the connection is closed, with the newer one', async () => {
    await replace();
    await at.close();
    const tokens = fake.proxy.seen.filter(({ path }) => path.includes('revoke-self'));
    expect(tokens.map(({ headers }) => headers['x-vault-token'])).toEqual(['token-1', 'token-2']);
    expect(at.clock.pending).toBe(0);
  });
});
