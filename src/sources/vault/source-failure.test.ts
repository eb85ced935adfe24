import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deadToken,
  login,
  policyDenial,
  refused,
  sealedHealth,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultAnswer } from './source.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let asking: Asker;

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

const role = { roleId: 'role-1', secretId: 'planted' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

describe('a failure', () => {
  const limited = refused(429, 'rate limit quota exceeded');

  it('is remembered: who asks again gets it at once, with the time to wait', async () => {
    fake.on('/login', limited);
    const first = await asking.once(at());
    expect(first).toMatchObject({ reason: 'RateLimited', retryAfterMs: 1_100 });
    asking.clock.advance(1_000);
    expect(await asking.once(at())).toEqual({ ...first, retryAfterMs: 100 });
    expect(fake.count()).toBe(1);
  });

  it('of the login holds for all its paths, and each names its own', async () => {
    fake.on('/login', limited);
    await asking.once(at());
    const other = at({ name: 'other', path: 'secret/data/other' });
    const answer = await asking.once(other);
    expect(answer).toMatchObject({ reason: 'RateLimited', location: other.location });
    expect(answer).toHaveProperty('message', expect.stringContaining('/v1/auth/approle/login answered'));
    expect(JSON.stringify(answer)).not.toContain('data/app');
    expect(fake.count('/login')).toBe(1);
  });

  it('of the server names no path of others either', async () => {
    fake.on('/data/app', { kind: 'cut' });
    fake.on('sys/health', sealedHealth);
    await asking.once(at());
    const answer = await asking.once(at({ name: 'other', path: 'secret/data/other' }));
    expect(answer).toMatchObject({ reason: 'Unreachable' });
    expect(JSON.stringify(answer)).not.toContain('data/app');
  });

  it.each([
    ['a policy', policyDenial, 'PermissionDenied'],
    ['a missing secret', refused(404), 'PathNotFound'],
    ['an internal error', refused(500, 'x'), 'Unreachable'],
  ])('of %s holds for its path only', async (_, reply, reason) => {
    fake.on('/data/app', reply);
    expect(gist(await asking.once(at()))).toBe(reason);
    expect(gist(await asking.once(at({ name: 'other', path: 'secret/data/other' })))).toEqual({
      password: 'hunter2',
    });
    expect(gist(await asking.once(at()))).toBe(reason);
    expect(fake.count('/v1/secret/data/app')).toBe(1);
  });

  it('does not stick to an integration that changed', async () => {
    fake.on('/data/app', refused(404));
    expect(gist(await asking.once(at()))).toBe('PathNotFound');
    expect(gist(await asking.once(at({ path: 'secret/data/other' })))).toEqual({ password: 'hunter2' });
  });

  it('of a refused login does not stick to new credentials', async () => {
    fake.on('/login', refused(400, 'invalid role or secret ID'));
    expect(await asking.once(at())).toMatchObject({ reason: 'CredentialsRefused', retryAfterMs: 900_000 });
    fake.on('/login', login('token-9'));
    expect(gist(await asking.once(at()))).toBe('CredentialsRefused');
    const renewed = at({ appRole: { ...role, secretId: 'other' } });
    expect(gist(await asking.once(renewed))).toEqual({ password: 'hunter2' });
  });

  it('of a refused login is tried again once the Secret was made again', async () => {
    fake.on('/login', refused(400, 'invalid role or secret ID'));
    await asking.once(at({ revision: '1' }));
    fake.on('/login', login('token-9'));
    asking.clock.advance(1_000);
    expect(gist(await asking.once(at({ revision: '2' })))).toEqual({ password: 'hunter2' });
  });

  it('lets the others have it at once while a new try is on its way', async () => {
    fake.on('/login', limited);
    await asking.once(at());
    asking.clock.advance(10_000);
    const release = fake.hold('/login');
    const trial = asking.once(at());
    await fake.arrived('/login', 2);
    expect(await asking.once(at(), 0)).toMatchObject({ reason: 'RateLimited', retryAfterMs: 5_000 });
    const other = await asking.once(at({ name: 'other', path: 'secret/data/other' }));
    expect(other).toMatchObject({ reason: 'RateLimited', retryAfterMs: 5_000 });
    release();
    expect(gist(await trial)).toBe('RateLimited');
  });

  it('comes after the time-out of a request', async () => {
    asking = asker({ fetchTimeoutMs: 1_000 });
    const release = fake.hold('/');
    const answer = asking.once(at());
    await fake.arrived('/login');
    asking.clock.advance(1_000);
    // Then it looks whether the server is well.
    await fake.arrived('sys/health');
    asking.clock.advance(2_000);
    expect(gist(await answer)).toBe('Unreachable');
    release();
  });

  it('comes after twice that at most, however many requests it takes', async () => {
    asking = asker({ fetchTimeoutMs: 1_000 });
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('/data/app', deadToken);
    fake.on('lookup-self', deadToken);
    const slow = ['/data/app', 'lookup-self'].map((part) => ({ part, release: fake.hold(part) }));
    const releaseLogin = fake.hold('/login');
    const before = [fake.count('/v1/secret/data/app'), fake.count('/login')] as const;
    const answer = asking.once(at());
    await fake.arrived('/data/app', before[0] + 1);
    for (const { part, release } of slow) {
      await fake.arrived(part);
      asking.clock.advance(999);
      release();
    }
    await fake.arrived('/login', before[1] + 1);
    asking.clock.advance(2);
    expect(await answer).toMatchObject({ reason: 'Unreachable', message: expect.stringMatching(/in time/) });
    releaseLogin();
  });

  it.each([
    ['7', 7_000],
    ['86400', 300_000],
  ])('lasts as long as Retry-After says: %s', async (value, ms) => {
    fake.on('/data/app', { ...refused(429, 'x'), headers: { 'retry-after': value } });
    expect(await asking.once(at())).toMatchObject({ reason: 'RateLimited', retryAfterMs: ms });
    asking.clock.advance(ms - 1);
    await asking.once(at());
    expect(fake.count('/v1/secret/data/app')).toBe(1);
  });
});

describe('while Vault fails there is less than a request a second', () => {
  type Break = () => void;
  const rows: Record<string, [make: Break, reason: string]> = {
    'when it is sealed': [() => fake.on('/', refused(503, 'Vault is sealed')), 'Sealed'],
    'when a quota is used up': [() => fake.on('/', refused(429, 'quota')), 'RateLimited'],
    'when connections break': [() => fake.on('/', { kind: 'cut' }), 'Unreachable'],
    'when it redirects': [() => fake.on('/', { status: 307 }), 'Unreachable'],
    'when it breaks inside': [() => fake.on('/', refused(500, 'x')), 'LoginFailed'],
    'when reading breaks inside': [() => fake.on('/data/', refused(500, 'x')), 'Unreachable'],
    'when a policy denies': [() => fake.on('/data/', policyDenial), 'PermissionDenied'],
    'when the secret is missing': [() => fake.on('/data/', refused(404)), 'PathNotFound'],
    'when the login is refused': [() => fake.on('/login', refused(400, 'x')), 'CredentialsRefused'],
    'when the login mount is missing': [() => fake.on('/login', refused(403, 'x')), 'LoginFailed'],
    'when every token looks dead': [
      () => {
        fake.on('/data/', deadToken);
        fake.on('lookup-self', deadToken);
      },
      'PermissionDenied',
    ],
  };
  it.each(Object.entries(rows))('%s', async (_, [make, reason]) => {
    make();
    const times: number[] = [];
    const answers = new Set<unknown>();
    for (let tick = 0; tick < 1_200; tick += 1) {
      for (const notBefore of [0, asking.clock.now()]) {
        const before = fake.count();
        answers.add(gist(await asking.once(at(), notBefore)));
        for (let one = before; one < fake.count(); one += 1) times.push(tick / 10);
      }
      asking.clock.advance(100);
    }
    expect([...answers]).toEqual([reason]);
    expect(times.length).toBeLessThan(120);
    for (const start of times) {
      const within = times.filter((time) => time >= start && time < start + 20);
      expect(within.length).toBeLessThan(20);
    }
  });
});

describe('while Vault fails and chance makes every pause short', () => {
  it.each([
    ['a policy denies', () => fake.on('/data/', policyDenial)],
    ['a login fails', () => fake.on('/login', refused(500, 'x'))],
    [
      'every token looks dead',
      () => {
        fake.on('/data/', deadToken);
        fake.on('lookup-self', deadToken);
      },
    ],
  ])('there is less than a request a second all the same: %s', async (_, make) => {
    await asking.close();
    asking = asker({ random: () => 0 });
    make();
    for (let tick = 0; tick < 600; tick += 1) {
      await asking.once(at());
      asking.clock.advance(200);
    }
    expect(fake.count()).toBeGreaterThan(20);
    expect(fake.count()).toBeLessThan(120);
  });
});

describe('a recovery', () => {
  it('of the connection is announced to all on it, once, by the first success', async () => {
    const one = at({ name: 'one', path: 'secret/data/one' });
    const two = at({ name: 'two', path: 'secret/data/two' });
    fake.on('/', refused(429, 'quota'));
    await asking.once(one);
    await asking.once(two);
    expect(asking.recovered).toEqual([]);
    fake.on('/', secret({ a: 'b' }));
    fake.on('/login', login('token-1'));
    asking.clock.advance(2_000);
    await asking.once(one);
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
    expect(gist(await asking.once(two))).toEqual({ a: 'b' });
    expect(asking.recovered).toHaveLength(2);
  });

  it('of a path is announced to those who use it', async () => {
    fake.on('/data/one', policyDenial);
    const names = ['one', 'two'].map((name) => at({ name, path: 'secret/data/one' }));
    for (const name of names) await asking.once(name);
    await asking.once(at({ name: 'three', path: 'secret/data/three' }));
    fake.on('/data/one', secret({ a: 'b' }));
    asking.clock.advance(5_000);
    for (const name of names) await asking.once(name);
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
  });

  it('of the connection is announced though the path fails', async () => {
    fake.on('/', refused(429, 'quota'));
    await asking.once(at());
    fake.on('/', refused(404));
    fake.on('/login', login('token-1'));
    asking.clock.advance(2_000);
    expect(gist(await asking.once(at()))).toBe('PathNotFound');
    expect(asking.recovered).toEqual(['vault-prod']);
  });

  it('finds the value that it read still there', async () => {
    fake.on('/data/app', refused(404));
    await asking.once(at());
    fake.on('/data/app', secret({ a: 'b' }));
    asking.clock.advance(5_000);
    const came = asking.clock.now();
    let woken: Promise<VaultAnswer> | undefined;
    asking.source.onRecovered(() => void (woken = asking.once(at(), came)));
    await asking.once(at());
    expect(gist(await (woken as unknown as Promise<VaultAnswer>))).toEqual({ a: 'b' });
    expect(fake.count('/v1/secret/data/app')).toBe(2);
  });

  it('is not announced to whoever does not want to know any more', async () => {
    const heard: string[] = [];
    const unsubscribe = asking.source.onRecovered((name) => heard.push(name));
    unsubscribe();
    fake.on('/data/app', refused(404));
    await asking.once(at());
    fake.on('/data/app', secret({}));
    asking.clock.advance(5_000);
    await asking.once(at());
    expect(asking.recovered).toEqual(['vault-prod']);
    expect(heard).toEqual([]);
  });

  it('is not announced where nothing failed', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    await asking.ask(at());
    expect(asking.recovered).toEqual([]);
  });
});
