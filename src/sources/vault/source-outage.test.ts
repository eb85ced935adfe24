import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  health,
  login,
  refused,
  sealedHealth,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
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
const otherRole = { roleId: 'role-2', secretId: 'planted-2', mountPath: 'second' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

const one = () => at({ name: 'one', path: 'secret/data/one' });
const two = () => at({ name: 'two', path: 'secret/data/two', appRole: otherRole });

function seal(): void {
  fake.on('/', refused(503, 'Vault is sealed'));
  fake.on('sys/health', sealedHealth);
}

function unseal(): void {
  fake.on('/data/', secret({ a: 'b' }));
  fake.on('/login', login('token-1'));
  fake.on('sys/health', health());
}

const paths = () => fake.proxy.seen.map(({ path }) => path);

describe('a server that is sealed or down', () => {
  it('is not asked by anybody, whatever login and path', async () => {
    seal();
    expect(await asking.once(one())).toMatchObject({ reason: 'Sealed', retryAfterMs: 60_000 });
    expect(await asking.once(two())).toMatchObject({
      reason: 'Sealed',
      retryAfterMs: 60_000,
      location: two().location,
    });
    expect(paths()).toEqual(['/v1/auth/approle/login', '/v1/sys/health']);
  });

  it('is asked how it is, every one and a half seconds, and nothing else', async () => {
    seal();
    await asking.once(one());
    fake.proxy.forgetSeen();
    for (let look = 0; look < 20; look += 1) {
      await asking.look();
      await asking.once(one());
      await asking.once(two());
    }
    expect(paths()).toEqual(Array(20).fill('/v1/sys/health'));
    expect(fake.proxy.seen[0]?.headers).not.toHaveProperty('x-vault-token');
    expect(fake.proxy.seen[0]?.headers).not.toHaveProperty('x-vault-namespace');
  });

  const downs: Record<string, [reply: Parameters<FakeVault['on']>[1], reason: string]> = {
    'breaks connections': [{ kind: 'cut' }, 'Unreachable'],
    'has a gateway without a Vault': [{ kind: 'answer', status: 502, body: '<html>' }, 'Unreachable'],
    'is sealed': [refused(503, 'Vault is sealed'), 'Sealed'],
  };
  it.each(Object.entries(downs))('comes back by itself when it %s', async (_, [reply, reason]) => {
    fake.on('/', reply);
    expect(gist(await asking.once(one()))).toBe(reason);
    await asking.look();
    expect(gist(await asking.once(one()))).toBe(reason);
    unseal();
    await asking.look();
    expect(asking.recovered).toEqual(['one']);
    expect(gist(await asking.once(one()))).toEqual({ a: 'b' });
  });

  it('is down for all who failed together: it is asked once how it is', async () => {
    seal();
    const release = fake.hold('sys/health');
    const both = Promise.all([asking.once(one()), asking.once(two())]);
    await fake.arrived('/login', 2);
    await fake.arrived('sys/health');
    release();
    expect((await both).map(gist)).toEqual(['Sealed', 'Sealed']);
    expect(fake.count('sys/health')).toBe(1);
  });

  it('is down if it does not say how it is for two seconds', async () => {
    fake.on('/', { kind: 'cut' });
    const release = fake.hold('sys/health');
    const failed = asking.once(one());
    await fake.arrived('sys/health');
    asking.clock.advance(2_000);
    expect(await failed).toMatchObject({ reason: 'Unreachable', retryAfterMs: 60_000 });
    release();
  });

  it.each([
    ['a standby', health(429, { standby: true }), true],
    ['a performance standby', health(473, { standby: true }), true],
    ['a disaster recovery secondary', health(472), false],
    ['not initialized', health(501, { initialized: false, sealed: true }), false],
    ['answering for something else at that path', refused(403, 'permission denied'), true],
    ['a page of something in front of it', { kind: 'answer', status: 404, body: '<html>' } as const, true],
    ['a page of a gateway without a Vault', { kind: 'answer', status: 503, body: '<html>' } as const, false],
  ])('is ready for a try when it says that it is %s: %s', async (_, reply, isReady) => {
    seal();
    await asking.once(one());
    fake.on('sys/health', reply);
    await asking.look();
    expect(asking.recovered).toEqual(isReady ? ['one'] : []);
  });

  it('tells all when it says that it is ready, and all may try at once', async () => {
    seal();
    await asking.once(one());
    await asking.once(two());
    unseal();
    await asking.look();
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
    const release = fake.hold('/login');
    const both = Promise.all([asking.once(one()), asking.once(two())]);
    await fake.arrived('/login', 3);
    release();
    expect((await both).map(gist)).toEqual([{ a: 'b' }, { a: 'b' }]);
  });

  it.each([
    ['cannot find its path', '/data/one', refused(404), 'PathNotFound'],
    ['cannot log in', 'auth/approle/login', refused(403, 'permission denied'), 'LoginFailed'],
    ['breaks inside', '/data/one', refused(500, 'x'), 'Unreachable'],
  ])('is back for the others when one of them %s', async (_, part, reply, reason) => {
    seal();
    await asking.once(one());
    await asking.once(two());
    unseal();
    fake.on(part, reply);
    await asking.look();
    expect(gist(await asking.once(one()))).toBe(reason);
    expect(gist(await asking.once(two()))).toEqual({ a: 'b' });
  });

  it.each([
    ['a path', '/v1/secret/data/one', refused(500, 'x')],
    ['a login', 'auth/approle/login', { kind: 'answer', status: 404, body: '<html>' } as const],
  ])('that is back frees what failed for want of it: %s', async (_, part, reply) => {
    fake.on(part, reply);
    for (let minute = 0; minute < 6; minute += 1) {
      expect(gist(await asking.once(one()))).toBe('Unreachable');
      asking.clock.advance(60_000);
    }
    expect(gist(await asking.once(one()))).toBe('Unreachable');
    seal();
    expect(gist(await asking.once(two()))).toBe('Sealed');
    unseal();
    await asking.look();
    expect(gist(await asking.once(two()))).toEqual({ a: 'b' });
    expect(gist(await asking.once(one()))).toEqual({ a: 'b' });
  });

  it('that says it is ready and is not is asked again in a while, by its logins in turn', async () => {
    seal();
    fake.on('sys/health', health());
    const [first, second] = [await asking.once(one()), await asking.once(two())];
    expect(first).toMatchObject({ reason: 'Sealed', retryAfterMs: 2_310 });
    expect(second).toMatchObject({ reason: 'Sealed', retryAfterMs: 4_620 });
    const before = fake.count();
    expect(gist(await asking.once(one()))).toBe('Sealed');
    expect(fake.count()).toBe(before);
  });

  it('is asked over new connections when it is back', async () => {
    await asking.once(one());
    seal();
    asking.clock.advance(5_000);
    await asking.once(one());
    unseal();
    await asking.look();
    const before = fake.proxy.connections();
    expect(gist(await asking.once(one()))).toEqual({ a: 'b' });
    expect(fake.proxy.connections()).toBe(before + 1);
  });

  it('that is back ends what is on its way over the old ones, and that is tried again soon', async () => {
    await asking.once(one());
    asking.clock.advance(5_000);
    fake.on('/data/one', { kind: 'hold', until: new Promise(() => {}) });
    const hanging = asking.once(one());
    await fake.arrived('/data/one', 2);
    seal();
    await asking.once(two());
    unseal();
    asking.clock.advance(1_500);
    expect(await hanging).toEqual({ kind: 'later', afterMs: 100 });
    expect(gist(await asking.ask(one()))).toEqual({ a: 'b' });
  });

  it('is not looked at any more when nobody needs it', async () => {
    seal();
    await asking.once(one());
    asking.source.forget('one');
    await vi.waitFor(() => expect(asking.clock.pending).toBe(1), { timeout: 10_000 });
  });

  it('does not keep others from theirs', async () => {
    const other = await startFake();
    seal();
    await asking.once(one());
    expect(gist(await asking.once(target({ host: other.address, appRole: role })))).toEqual({
      password: 'hunter2',
    });
    await other.close();
  });
});

describe('everybody who waits', () => {
  it.each([
    ['that was sealed', sealedHealth],
    ['that broke connections', { kind: 'cut' } as const],
    ['whose health hung', { kind: 'hold', until: new Promise(() => {}) } as const],
  ])('is told within three seconds of the return of a server %s', async (_, before) => {
    fake.on('/', refused(503, 'Vault is sealed'));
    fake.on('sys/health', before);
    const names = Array.from({ length: 30 }, (_unused, index) => `vault-${index}`);
    const first = asking.once(at({ name: 'vault-0', path: 'secret/data/vault-0' }));
    await fake.arrived('sys/health');
    if ('until' in before) asking.clock.advance(2_000);
    await first;
    for (const name of names) await asking.once(at({ name, path: `secret/data/${name}` }));
    // The look just before the return does not see it.
    asking.clock.advance(1_500);
    await fake.arrived('sys/health', 2);
    await new Promise(setImmediate);
    unseal();
    const backAt = asking.clock.now();
    asking.clock.advance(1_500);
    await vi.waitFor(() => expect(asking.recovered).toHaveLength(30), { timeout: 10_000 });
    expect(asking.recovered.toSorted()).toEqual(names.toSorted());
    expect(gist(await asking.once(at({ name: 'vault-7', path: 'secret/data/vault-7' })))).toEqual({ a: 'b' });
    expect(asking.clock.now() - backAt).toBeLessThanOrEqual(3_000);
  });
});
