import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appRole, connect, userPass, type Connected } from '../../../test/support/vault-connection.ts';
import { login, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { Hidden } from './hidden.ts';
import { Lockouts } from './lockout.ts';
import type { LoginMethod } from './methods.ts';

const MINUTE = 60_000;

/** Refused logins of one account at these minutes. */
function refusedAt(...minutes: number[]): Lockouts {
  const lockouts = new Lockouts();
  for (const minute of minutes) lockouts.refused('a', minute * MINUTE);
  return lockouts;
}

describe('an account', () => {
  const rows: Record<string, [refusals: number[], now: number, barredFor: number]> = {
    'is not barred without a refusal': [[], 0, 0],
    'is not barred after one': [[0], 0, 0],
    'is not barred after three': [[0, 0, 0], 1, 0],
    'is barred after four': [[0, 0, 0, 0], 0, 15],
    'is barred until the first of them is a quarter of an hour ago': [[0, 5, 6, 7], 7, 8],
    'is barred to the last moment': [[0, 5, 6, 7], 14.999, 0.001],
    'is free a quarter of an hour after the first': [[0, 5, 6, 7], 15, 0],
    'has room for as many logins as refusals have aged': [[0, 5, 6, 7, 16], 16, 4],
    'is not barred by refusals that are far apart': [[0, 10, 20, 30], 30, 0],
  };
  it.each(Object.entries(rows))('%s', (_, [refusals, now, barredFor]) => {
    expect(refusedAt(...refusals).barredFor('a', 'new', now * MINUTE)).toBeCloseTo(barredFor * MINUTE, 3);
  });

  it('does not suffer from the refusals of another', () => {
    expect(refusedAt(0, 0, 0, 0).barredFor('b', 'new', 0)).toBe(0);
  });

  it('is free again once a login went well', () => {
    const lockouts = refusedAt(0, 0, 0, 0);
    lockouts.succeeded('a', 'good');
    expect(lockouts.barredFor('a', 'new', 0)).toBe(0);
  });

  it('is never barred for the credential that worked last', () => {
    const lockouts = new Lockouts();
    lockouts.succeeded('a', 'good');
    for (let refusal = 0; refusal < 10; refusal += 1) lockouts.refused('a', 0);
    expect(lockouts.barredFor('a', 'good', 0)).toBe(0);
    expect(lockouts.barredFor('a', 'new', 0)).toBe(15 * MINUTE);
    expect(lockouts.barredFor('b', 'good', 0)).toBe(0);
  });
});

describe('bad logins of several integrations', () => {
  let fake: FakeVault;
  const open: Connected[] = [];

  beforeEach(async () => {
    fake = await startFake();
    fake.on('/login', refused(400, 'invalid username or password'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await fake.close();
  });

  /** Each has its own credentials and connection; what Vault refused is remembered in one place. */
  const integrations = (count: number): Connected[] => {
    const first = connect(fake);
    const { clock, memory } = first;
    const all = [first, ...Array.from({ length: count - 1 }, () => connect(fake, { clock, memory }))];
    open.push(...all);
    return all;
  };
  const wrong = (make: (changes: object) => LoginMethod, index: number, changes: object = {}) => {
    const [password, secretId] = [new Hidden(`p${index}`), new Hidden(`s${index}`)];
    return [make({ password, secretId, revision: `${index}`, ...changes })];
  };

  it.each([
    ['of a user', userPass],
    ['of a role', appRole],
  ])('%s reach Vault four times, and then not before a quarter of an hour is over', async (_, make) => {
    const all = integrations(6);
    const faults = [];
    for (const [index, at] of all.entries()) faults.push(await at.faultOf(wrong(make, index)));
    expect(fake.count('/login')).toBe(4);
    expect(faults.map(({ reason }) => reason)).toEqual(Array(6).fill('CredentialsRefused'));
    expect(faults[5]).toMatchObject({
      retryAfterMs: 15 * MINUTE,
      what: expect.stringContaining('check the credentials of all integrations of this bundle'),
    });
    all[0]?.clock.advance(15 * MINUTE);
    await all[5]?.faultOf(wrong(make, 5));
    expect(fake.count('/login')).toBe(5);
  });

  it('are counted for a user in whatever case its name is written', async () => {
    const all = integrations(5);
    for (const [index, username] of ['ann', 'Ann', 'ANN', 'aNn', 'anN'].entries()) {
      await all[index]?.faultOf(wrong(userPass, index, { username }));
    }
    expect(fake.count('/login')).toBe(4);
  });

  it.each([
    ['users', userPass, (index: number) => ({ username: `user-${index}` })],
    ['roles', appRole, (index: number) => ({ roleId: `role-${index}` })],
    ['mounts', userPass, (index: number) => ({ mount: `mount-${index}` })],
  ])('are counted apart for different %s', async (_, make, changes) => {
    for (const [index, at] of integrations(6).entries()) await at.faultOf(wrong(make, index, changes(index)));
    expect(fake.count('/login')).toBe(6);
  });

  it.each([
    ['namespaces', (index: number) => ({ loginNamespace: `team-${index}` })],
    ['bundles', (index: number) => ({ bundle: `team-${index}` })],
  ])('are counted apart for different %s', async (_, changes) => {
    const [first] = integrations(1);
    const { clock, memory } = first as Connected;
    for (const index of [0, 1, 2, 3, 4]) {
      const at = connect(fake, { clock, memory, ...changes(index) });
      open.push(at);
      await at.faultOf(wrong(userPass, index));
    }
    expect(fake.count('/login')).toBe(5);
  });

  it('of another bundle do not bar our account', async () => {
    const [first] = integrations(1);
    const { clock, memory } = first as Connected;
    const theirs = Array.from({ length: 5 }, () => connect(fake, { clock, memory, bundle: 'theirs' }));
    const ours = connect(fake, { clock, memory, bundle: 'ours' });
    open.push(...theirs, ours);
    for (const [index, at] of theirs.entries()) await at.faultOf(wrong(userPass, index));
    fake.on('/login', login('token-1'));
    expect(await ours.tokenOf(wrong(userPass, 9))).toBe('token-1');
  });

  it('are forgotten once a login went well', async () => {
    const all = integrations(7);
    for (const index of [0, 1, 2]) await all[index]?.faultOf(wrong(userPass, index));
    fake.on('/login', login('token-1'));
    await all[3]?.tokenOf(wrong(userPass, 3));
    fake.on('/login', refused(400, 'x'));
    for (const index of [4, 5, 6]) await all[index]?.faultOf(wrong(userPass, index));
    expect(fake.count('/login')).toBe(7);
  });

  it('do not bar the credential that worked before', async () => {
    const all = integrations(7);
    const good = [userPass({ revision: 'good' })];
    fake.on('/login', login('token-1', 60, false));
    await all[0]?.tokenOf(good);
    fake.on('/login', refused(400, 'x'));
    for (const index of [1, 2, 3, 4, 5]) await all[index]?.faultOf(wrong(userPass, index));
    expect(fake.count('/login')).toBe(5);
    all[0]?.clock.advance(60_000);
    fake.on('/login', login('token-2'));
    expect(await all[0]?.tokenOf(good)).toBe('token-2');
  });

  it('do not count what was no login: a wrapping token that was used', async () => {
    fake.on('sys/wrapping/unwrap', refused(400, 'wrapping token is not valid or does not exist'));
    for (const [index, at] of integrations(5).entries()) {
      await at.faultOf(wrong(appRole, index, { wrapped: true }));
    }
    expect(fake.count('sys/wrapping/unwrap')).toBe(5);
    expect(fake.count('/login')).toBe(0);
  });

  it('do not keep another method from being tried', async () => {
    const all = integrations(5);
    for (const index of [0, 1, 2, 3]) await all[index]?.faultOf(wrong(userPass, index));
    fake.on('approle/login', login('token-1'));
    expect(await all[4]?.tokenOf([...wrong(userPass, 4), appRole()])).toBe('token-1');
    expect(fake.count('userpass')).toBe(4);
  });
});
