import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { appRole, givenToken, jwt, kubernetes, userPass } from '../../../test/support/vault-connection.ts';
import { StatusError } from '../../aggregation/errors.ts';
import type { LoginMethod } from '../../sources/vault/methods.ts';
import { accountKey, TestLimits } from './limits.ts';

const MINUTE = 60_000;

function refusal(work: () => unknown): StatusError['details'] | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).code).toBe('TooManyRequests');
    return (error as StatusError).details;
  }
}

describe('the tests of one user', () => {
  it('are ten at once and then one every six seconds, and others are not concerned', async () => {
    const clock = new FakeClock();
    const limits = new TestLimits(clock);
    const ask = (user = 'ann') => refusal(() => limits.admit(user));
    for (let i = 0; i < 10; i += 1) expect(ask()).toBeUndefined();
    expect(ask()).toMatchObject({ retryAfterSeconds: 6 });
    expect(ask('bob')).toBeUndefined();
    await clock.advance(6_000);
    expect(ask()).toBeUndefined();
    expect(ask()).toBeDefined();
  });
});

describe('tests at the same time', () => {
  it('are four, and a place that is given back twice counts once', () => {
    const limits = new TestLimits(new FakeClock());
    const [leave] = ['a', 'b', 'c', 'd'].map((user) => limits.enter(user));
    expect(refusal(() => limits.enter('e'))).toMatchObject({ retryAfterSeconds: 5 });
    leave?.();
    leave?.();
    limits.enter('e');
    expect(refusal(() => limits.enter('a'))).toBeDefined();
  });

  it('are one of each user', () => {
    const limits = new TestLimits(new FakeClock());
    const leave = limits.enter('ann');
    expect(refusal(() => limits.enter('ann'))).toMatchObject({ retryAfterSeconds: 5 });
    leave();
    limits.enter('ann');
  });
});

describe('the logins of an integration', () => {
  it('are three at once and then one a minute, whoever asks', async () => {
    const clock = new FakeClock();
    const limits = new TestLimits(clock);
    const ask = (name = 'prod') => refusal(() => limits.admitLogin(name));
    expect([ask(), ask(), ask()]).toEqual([undefined, undefined, undefined]);
    expect(ask()).toMatchObject({ retryAfterSeconds: 60 });
    expect(ask('other')).toBeUndefined();
    await clock.advance(MINUTE);
    expect([ask() === undefined, ask() === undefined]).toEqual([true, false]);
  });
});

describe('the bad logins of an account', () => {
  const bad = new Set(['a']);
  const fail = (limits: TestLimits) => limits.reserve(['a'])(bad);

  it('are one in a quarter of an hour', async () => {
    const clock = new FakeClock();
    const limits = new TestLimits(clock);
    fail(limits);
    await clock.advance(5 * MINUTE);
    expect(refusal(() => limits.reserve(['b', 'a']))).toMatchObject({ retryAfterSeconds: 600 });
    await clock.advance(10 * MINUTE);
    fail(limits);
    expect(refusal(() => limits.reserve(['a']))).toMatchObject({ retryAfterSeconds: 900 });
  });

  it('include those that may turn out bad, so that many at once are no way round', () => {
    const limits = new TestLimits(new FakeClock());
    const settles = [limits.reserve(['a'])];
    expect(refusal(() => limits.reserve(['a']))).toMatchObject({ retryAfterSeconds: 5 });
    settles[0]?.(new Set());
    limits.reserve(['a']);
  });

  it('do not include good ones, nor those of other accounts', () => {
    const limits = new TestLimits(new FakeClock());
    for (let i = 0; i < 9; i += 1) limits.reserve(['a', 'b'])(new Set());
    limits.reserve(['a', 'b'])(new Set(['b']));
    limits.reserve(['a']);
  });

  it('are not counted for some if others are refused', () => {
    const limits = new TestLimits(new FakeClock());
    fail(limits);
    for (let i = 0; i < 3; i += 1) refusal(() => limits.reserve(['b', 'a']));
    limits.reserve(['b']);
  });
});

describe('an account', () => {
  const at = {};
  const same: Record<string, [LoginMethod, LoginMethod]> = {
    'of a user, whatever the case and the password': [
      userPass(),
      userPass({ username: 'ANN', source: 'Secret other' }),
    ],
    'of an AppRole, whatever the Secret': [appRole(), appRole({ revision: '2', source: 'Secret other' })],
    'of a role, whatever the token': [jwt(), jwt({ revision: '2' })],
  };
  for (const [what, [a, b]] of Object.entries(same)) {
    it(`is the same ${what}`, () => expect(accountKey(at, a)).toBe(accountKey(at, b)));
  }

  it('is another one by method, mount, name and namespace, and the same by all names of a server', () => {
    const keys = [
      accountKey(at, userPass()),
      accountKey(at, userPass({ mount: 'other' })),
      accountKey(at, userPass({ username: 'bob' })),
      accountKey({ ...at, loginNamespace: 'team-a' }, userPass()),
      accountKey(at, appRole()),
      accountKey(at, jwt()),
      accountKey(at, kubernetes()),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is nobody with a token', () => expect(accountKey(at, givenToken())).toBeUndefined());
});
