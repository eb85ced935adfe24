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
import { REFUSED_PAUSE_MS } from './connection.ts';

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

describe('after a 403', () => {
  const isDead = async (methods = [appRole()]) => {
    const session = await at.connection.session(methods, at.attempt());
    at.clock.advance(1);
    return at.connection.isDead(session, at.attempt());
  };

  it('a token that looks itself up is alive', async () => {
    expect(await isDead()).toBe(false);
    expect(at.events).toEqual(['login 200', 'lookup-self 200']);
  });

  it('that is believed for a minute', async () => {
    await isDead();
    at.clock.advance(59_000);
    await isDead();
    expect(fake.count('lookup-self')).toBe(1);
    at.clock.advance(1_000);
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
    expect(await at.tokenOf()).toBe('token-2');
  });

  it('a token that was replaced meanwhile is dead without asking', async () => {
    fake.on('lookup-self', deadToken);
    const session = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    await at.connection.isDead(session, at.attempt());
    await at.tokenOf();
    expect(await at.connection.isDead(session, at.attempt())).toBe(true);
    expect(fake.count('lookup-self')).toBe(1);
  });

  it('a token that was made just for this is alive without asking', async () => {
    const mine = at.attempt();
    const session = await at.connection.session([appRole()], mine);
    expect(await at.connection.isDead(session, mine)).toBe(false);
    at.clock.advance(59_000);
    expect(await at.connection.isDead(session, at.attempt())).toBe(false);
    expect(fake.count('lookup-self')).toBe(0);
  });

  it('many ask once', async () => {
    const session = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    const release = fake.hold('lookup-self');
    const asked = Promise.all([1, 2, 3].map(() => at.connection.isDead(session, at.attempt())));
    await fake.arrived('lookup-self');
    release();
    expect(await asked).toEqual([false, false, false]);
    expect(fake.count('lookup-self')).toBe(1);
  });

  it('a given token that Vault does not know is refused for a quarter of an hour', async () => {
    const session = await at.connection.session([givenToken()], at.attempt());
    at.clock.advance(1);
    fake.on('lookup-self', deadToken);
    expect(await at.connection.isDead(session, at.attempt())).toBe(true);
    expect(await at.faultOf([givenToken()])).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: REFUSED_PAUSE_MS,
    });
    expect(fake.count()).toBe(2);
  });

  it('a given token that never looked itself up is refused without asking again', async () => {
    fake.on('lookup-self', deadToken);
    const mine = at.attempt();
    const session = await at.connection.session([givenToken()], mine);
    expect(await at.connection.isDead(session, mine)).toBe(true);
    expect(await at.faultOf([givenToken()])).toMatchObject({ reason: 'CredentialsRefused' });
    expect(at.events).toEqual(['lookup-self 403']);
  });

  it('says what else is wrong if lookup-self finds it', async () => {
    const session = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    fake.on('lookup-self', refused(503, 'Vault is sealed'));
    await expect(at.connection.isDead(session, at.attempt())).rejects.toMatchObject({ code: 'Sealed' });
  });
});

describe('after a denial by a token that lives', () => {
  /** A login whose token has these policies. */
  const withPolicies = (...policies: string[]) =>
    ok({ auth: { client_token: `token of ${policies.join(' ')}`, lease_duration: 3600, policies } });
  const fresher = async (session = at.connection.session([appRole()], at.attempt())) => {
    const old = await session;
    at.clock.advance(1);
    return at.connection.fresher(old, [appRole()], at.attempt());
  };

  it('there is one fresh login, since its role may have got policies', async () => {
    fake.on('/login', withPolicies('a'));
    const old = await at.connection.session([appRole()], at.attempt());
    fake.on('/login', withPolicies('b', 'a'));
    at.clock.advance(1);
    const fresh = await at.connection.fresher(old, [appRole()], at.attempt());
    expect(fresh?.grant).toMatchObject({ policies: 'a b' });
    expect(await at.tokenOf()).toBe('token of b a');
    expect(fake.count('/login')).toBe(2);
  });

  it('the next one is not before a minute is over if there were other policies', async () => {
    fake.on('/login', withPolicies('a'));
    await at.tokenOf();
    fake.on('/login', withPolicies('b'));
    await fresher();
    expect(await fresher()).toBeUndefined();
    at.clock.advance(59_990);
    expect(await fresher()).toBeUndefined();
    at.clock.advance(10);
    expect(await fresher()).toBeDefined();
    expect(fake.count('/login')).toBe(3);
  });

  it('logins come less and less often while they give the same policies, up to an hour', async () => {
    const times: number[] = [];
    for (let minute = 0; minute < 300; minute += 1) {
      if (await fresher()) times.push(minute);
      at.clock.advance(60_000 - 1);
    }
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('many who are denied together are one login, and one step to the next pause', async () => {
    const old = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    const release = fake.hold('/login');
    const all = Promise.all(
      Array.from({ length: 10 }, () => at.connection.fresher(old, [appRole()], at.attempt())),
    );
    await fake.arrived('/login', 2);
    release();
    expect(new Set(await all).size).toBe(1);
    at.clock.advance(120_000);
    expect(await fresher()).toBeDefined();
    expect(fake.count('/login')).toBe(3);
  });

  it('a newer token that somebody else made is taken without a login', async () => {
    const old = await at.connection.session([appRole()], at.attempt());
    at.clock.advance(1);
    await at.connection.fresher(old, [appRole()], at.attempt());
    const fresh = await at.connection.fresher(old, [appRole()], at.attempt());
    expect(fresh?.grant.token.reveal()).toBe('token-2');
    expect(fake.count('/login')).toBe(2);
  });

  it('there is no login for a token that was made just for this', async () => {
    const mine = at.attempt();
    const session = await at.connection.session([appRole()], mine);
    expect(await at.connection.fresher(session, [appRole()], mine)).toBeUndefined();
    expect(fake.count('/login')).toBe(1);
  });

  it('there is no login for a token from a Secret: it would be the same', async () => {
    const session = await at.connection.session([givenToken()], at.attempt());
    at.clock.advance(1);
    expect(await at.connection.fresher(session, [givenToken()], at.attempt())).toBeUndefined();
    expect(at.events).toEqual(['lookup-self 200']);
  });

  it('the denial stands if the login fails, and the old token stays in use', async () => {
    await at.tokenOf();
    fake.on('/login', refused(500, 'x'));
    expect(await fresher()).toBeUndefined();
    expect(await fresher()).toBeUndefined();
    expect(await at.tokenOf()).toBe('token-1');
    expect(at.events).toEqual(['login 200', 'login 500']);
    fake.on('/login', login('token-9'));
    at.clock.advance(60_000);
    expect((await fresher())?.grant.token.reveal()).toBe('token-9');
  });
});
