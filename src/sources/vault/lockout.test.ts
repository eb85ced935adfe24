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
    'is not barred after two': [[0, 0], 1, 0],
    'is barred after three': [[0, 0, 0], 0, 15],
    'is barred until the first of them is a quarter of an hour ago': [[0, 5, 7], 7, 8],
    'is barred to the last moment': [[0, 5, 7], 14.999, 0.001],
    'is free a quarter of an hour after the first': [[0, 5, 7], 15, 0],
    'has room for as many logins as refusals have aged': [[0, 5, 7, 16], 16, 4],
    'is not barred by refusals that are far apart': [[0, 10, 20], 20, 0],
  };
  it.each(Object.entries(rows))('%s', (_, [refusals, now, barredFor]) => {
    expect(refusedAt(...refusals).barredFor('a', now * MINUTE)).toBeCloseTo(barredFor * MINUTE, 3);
  });

  it('does not suffer from the refusals of another', () => {
    expect(refusedAt(0, 0, 0).barredFor('b', 0)).toBe(0);
  });

  it('is free again once a login went well', () => {
    const lockouts = refusedAt(0, 0, 0);
    lockouts.succeeded('a');
    expect(lockouts.barredFor('a', 0)).toBe(0);
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
  const wrong = (make: (changes: object) => LoginMethod, index: number, changes: object = {}) => [
    make({ password: new Hidden(`p${index}`), secretId: new Hidden(`s${index}`), ...changes }),
  ];

  it.each([
    ['of a user', userPass],
    ['of a role', appRole],
  ])('%s reach Vault three times, and then not before a quarter of an hour is over', async (_, make) => {
    const all = integrations(5);
    const faults = [];
    for (const [index, at] of all.entries()) faults.push(await at.faultOf(wrong(make, index)));
    expect(fake.count('/login')).toBe(3);
    expect(faults.map(({ reason }) => reason)).toEqual(Array(5).fill('CredentialsRefused'));
    expect(faults[4]).toMatchObject({
      retryAfterMs: 15 * MINUTE,
      what: expect.stringContaining('lest Vault lock it'),
    });
    all[0]?.clock.advance(15 * MINUTE);
    await all[4]?.faultOf(wrong(make, 4));
    expect(fake.count('/login')).toBe(4);
  });

  it('are counted for a user in whatever case its name is written', async () => {
    const all = integrations(4);
    for (const [index, username] of ['ann', 'Ann', 'ANN', 'aNn'].entries()) {
      await all[index]?.faultOf(wrong(userPass, index, { username }));
    }
    expect(fake.count('/login')).toBe(3);
  });

  it.each([
    ['users', userPass, (index: number) => ({ username: `user-${index}` })],
    ['roles', appRole, (index: number) => ({ roleId: `role-${index}` })],
    ['mounts', userPass, (index: number) => ({ mount: `mount-${index}` })],
  ])('are counted apart for different %s', async (_, make, changes) => {
    for (const [index, at] of integrations(5).entries()) await at.faultOf(wrong(make, index, changes(index)));
    expect(fake.count('/login')).toBe(5);
  });

  it('are counted apart for different namespaces', async () => {
    const [first] = integrations(1);
    const { clock, memory } = first as Connected;
    for (const index of [0, 1, 2, 3]) {
      const at = connect(fake, { clock, memory, loginNamespace: `team-${index}` });
      open.push(at);
      await at.faultOf(wrong(userPass, index));
    }
    expect(fake.count('/login')).toBe(4);
  });

  it('are forgotten once a login went well', async () => {
    const all = integrations(5);
    for (const index of [0, 1]) await all[index]?.faultOf(wrong(userPass, index));
    fake.on('/login', login('token-1'));
    await all[2]?.tokenOf(wrong(userPass, 2));
    fake.on('/login', refused(400, 'x'));
    for (const index of [3, 4]) await all[index]?.faultOf(wrong(userPass, index));
    expect(fake.count('/login')).toBe(5);
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
    const all = integrations(4);
    for (const index of [0, 1, 2]) await all[index]?.faultOf(wrong(userPass, index));
    fake.on('approle/login', login('token-1'));
    expect(await all[3]?.tokenOf([...wrong(userPass, 3), appRole()])).toBe('token-1');
    expect(fake.count('userpass')).toBe(3);
  });
});
