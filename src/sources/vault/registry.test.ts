import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { login, refused, sealedHealth, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { Registry } from './registry.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let asking: Asker;
const MINUTE = 60_000;
const role = { roleId: 'role-1', secretId: 'planted' };
const other = { roleId: 'role-2', secretId: 'planted-2' };

beforeEach(async () => {
  fake = await startFake();
  // So long that no test is about it.
  let logins = 0;
  fake.on('/login', () => login(`token-${(logins += 1)}`, 1_000_000, false));
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

const place = (path: string, changes: Partial<TargetOptions> = {}) => at({ place: { path }, ...changes });
const revoked = () =>
  fake.proxy.seen
    .filter(({ path }) => path.includes('revoke-self'))
    .map(({ headers }) => headers['x-vault-token']);

/** Time passes and what it sets off is done. */
async function pass(ms: number): Promise<void> {
  asking.clock.advance(ms);
  await new Promise(setImmediate);
}

describe('several places of one integration', () => {
  it('share its login, and each has its own answer', async () => {
    fake.on('/v1/secret/data/app/missing', refused(404));
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    expect(gist(await asking.ask(place('db')))).toEqual({ password: 'hunter2' });
    expect(gist(await asking.ask(place('missing')))).toBe('PathNotFound');
    expect(gist(await asking.ask(at({ place: { version: 2 } })))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(1);
    expect(gist(await asking.once(place('missing')))).toBe('PathNotFound');
    expect(fake.count('/v1/secret/data/app/missing')).toBe(1);
  });

  it('are all told of a recovery, each by its own', async () => {
    const told: unknown[] = [];
    asking.source.onRecovered((...of) => told.push(of));
    fake.on('/v1/secret/data/', refused(503, 'Vault is sealed'));
    fake.on('sys/health', sealedHealth);
    for (const path of ['a', 'b']) await asking.once(place(path));
    fake.on('sys/health', refused(403, 'x'));
    await asking.look();
    expect(told).toEqual([
      ['vault-prod', { path: 'a' }],
      ['vault-prod', { path: 'b' }],
    ]);
  });

  it('are all forgotten with the integration', async () => {
    for (const path of ['a', 'b', 'c']) await asking.ask(place(path));
    asking.source.forget('vault-prod');
    await fake.arrived('revoke-self');
    expect(revoked()).toEqual(['token-1']);
    await vi.waitFor(() => expect(asking.clock.pending).toBe(1), { timeout: 10_000 });
  });

  it('all leave the old login when it changes', async () => {
    for (const path of ['a', 'b']) await asking.ask(place(path));
    await asking.ask(place('a', { appRole: other }));
    await fake.arrived('revoke-self');
    expect(revoked()).toEqual(['token-1']);
    expect(gist(await asking.ask(place('b', { appRole: other })))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(2);
  });

  it('are forgotten one by one when nobody asks for them, and the login with the last', async () => {
    await asking.ask(place('a'));
    for (let minute = 0; minute < 40; minute += 1) {
      await pass(MINUTE);
      await asking.ask(place('b'));
    }
    expect(revoked()).toEqual([]);
    expect(fake.count('/login')).toBe(1);
    for (let minute = 0; minute < 29; minute += 1) await pass(MINUTE);
    expect(revoked()).toEqual([]);
    await pass(MINUTE);
    await fake.arrived('revoke-self');
    expect(revoked()).toEqual(['token-1']);
  });
});

describe('very many places of one integration', () => {
  const COUNT = 40_000;
  const deps = {
    clock: new ManualClock(),
    random: () => 0.5,
    fetchTimeoutMs: 10_000,
    onRequest: () => {},
    requestToken: async () => Promise.resolve({ refused: 'no' }),
  };
  it('are cheap, and the 512 that were used last are kept', async () => {
    const registry = new Registry(deps, () => {});
    const base = { ...at(), readId: '0' };
    const targets = Array.from({ length: COUNT }, (_, index) => ({ ...base, readId: `${index}` }));
    const began = performance.now();
    const [first] = targets.map((each) => {
      registry.reading(targets[0] as VaultTarget);
      return registry.reading(each);
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(first?.link.readings.size).toBe(512);
    const kept = targets.flatMap((each, index) => (registry.find(each) ? [index] : []));
    expect(kept).toEqual([0, ...Array.from({ length: 511 }, (_, index) => COUNT - 511 + index)]);
    await registry.close(AbortSignal.timeout(1_000));
  });

  it('keep those that are being read', async () => {
    const registry = new Registry(deps, () => {});
    const base = { ...at(), readId: '0' };
    const [reading] = [registry.reading(base)];
    reading.flight = { startedAt: 0, result: new Promise(() => {}), giveUp: () => {} };
    for (let index = 1; index < 600; index += 1) registry.reading({ ...base, readId: `${index}` });
    expect(registry.find(base)).toBe(reading);
    expect(reading.link.readings.size).toBe(512);
    await registry.close(AbortSignal.timeout(1_000));
  });
});

describe('an integration that leaves a login', () => {
  it('leaves it to the others that use it', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two' }));
    await asking.ask(at({ name: 'one', appRole: other }));
    await pass(5_000);
    expect(revoked()).toEqual([]);
    expect(gist(await asking.ask(at({ name: 'two' })))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(2);
  });

  it('is not told any more of what was wrong there', async () => {
    fake.on('/login', refused(429, 'quota'));
    await asking.once(at({ name: 'one' }));
    await asking.once(at({ name: 'two' }));
    fake.on('/login', login('token-9'));
    await asking.once(at({ name: 'one', appRole: other }));
    await pass(10_000);
    await asking.once(at({ name: 'two' }));
    expect(asking.recovered).toEqual(['two']);
  });

  it('stays on it while only its path changes', async () => {
    await asking.ask(at());
    await asking.ask(at({ path: 'secret/data/other' }));
    await pass(5_000);
    expect(fake.count('/login')).toBe(1);
    expect(revoked()).toEqual([]);
  });

  it('can come back to it: then it logs in again', async () => {
    await asking.ask(at());
    await asking.ask(at({ appRole: other }));
    await fake.arrived('revoke-self');
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    await fake.arrived('revoke-self', 2);
    expect(revoked()).toEqual(['token-1', 'token-2']);
    expect(fake.count('/login')).toBe(3);
  });
});

describe('a server', () => {
  it('is shared by different logins: what one finds out holds for the other', async () => {
    fake.on('/', { kind: 'cut' });
    expect(gist(await asking.once(at({ name: 'one' })))).toBe('Unreachable');
    expect(gist(await asking.once(at({ name: 'two', appRole: other })))).toBe('Unreachable');
    expect(fake.count('/login')).toBe(1);
  });

  it('is closed with its last login, and opened again when it is needed', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two', appRole: other }));
    asking.source.forget('one');
    await fake.arrived('revoke-self');
    const before = fake.proxy.connections();
    asking.clock.advance(5_000);
    await asking.ask(at({ name: 'two', appRole: other }));
    expect(fake.proxy.connections()).toBe(before);
    asking.source.forget('two');
    await fake.arrived('revoke-self', 2);
    await new Promise(setImmediate);
    asking.clock.advance(5_000);
    await asking.ask(at({ name: 'one' }));
    expect(fake.proxy.connections()).toBeGreaterThan(before);
  });
});

describe('the end', () => {
  it('gives back the tokens of all places and logins, and leaves no timer', async () => {
    await asking.ask(place('a'));
    await asking.ask(place('b'));
    await asking.ask(at({ name: 'other', appRole: other }));
    await asking.source.stop(AbortSignal.timeout(5_000));
    expect(new Set(revoked())).toEqual(new Set(['token-1', 'token-2']));
    expect(asking.clock.pending).toBe(0);
  });

  it('looks no more at a server that is down, though a read fails afterwards', async () => {
    const release = fake.hold('/login');
    const reading = asking.once(at());
    await fake.arrived('/login');
    await asking.source.stop(AbortSignal.abort());
    release();
    await reading;
    await vi.waitFor(() => expect(asking.clock.pending).toBe(0), { timeout: 10_000 });
  });
});
