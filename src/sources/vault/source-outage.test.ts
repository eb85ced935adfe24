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
import { MAX_CONCURRENT_REQUESTS } from './transport.ts';

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

describe('a server that is sealed or down', () => {
  it('is not asked by anybody, whatever login and path', async () => {
    seal();
    expect(await asking.once(one())).toMatchObject({ reason: 'Sealed', retryAfterMs: 60_000 });
    expect(await asking.once(two())).toMatchObject({
      reason: 'Sealed',
      retryAfterMs: 60_000,
      location: two().location,
    });
    expect(fake.count()).toBe(1);
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
    expect(fake.proxy.seen.map(({ path }) => path)).toEqual(Array(20).fill('/v1/sys/health'));
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

  it('lets one try when it says that it is ready, and the others when that went well', async () => {
    seal();
    await asking.once(one());
    await asking.once(two());
    fake.on('sys/health', health());
    await asking.look();
    expect(asking.recovered.splice(0).toSorted()).toEqual(['one', 'two']);
    unseal();
    const release = fake.hold('/login');
    const trial = asking.once(one());
    await fake.arrived('/login', 2);
    expect(await asking.once(two())).toMatchObject({ reason: 'Sealed', retryAfterMs: 5_000 });
    expect(fake.count('/login')).toBe(2);
    release();
    expect(gist(await trial)).toEqual({ a: 'b' });
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
    expect(gist(await asking.once(two()))).toEqual({ a: 'b' });
  });

  it('is back when the one that tried finds another failure', async () => {
    seal();
    await asking.once(one());
    await asking.once(two());
    unseal();
    fake.on('/data/one', refused(404));
    await asking.look();
    asking.recovered.length = 0;
    expect(gist(await asking.once(one()))).toBe('PathNotFound');
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
    expect(gist(await asking.once(two()))).toEqual({ a: 'b' });
  });

  it('is back when the one that tried cannot log in', async () => {
    seal();
    await asking.once(one());
    await asking.once(two());
    unseal();
    fake.on('auth/approle/login', refused(403, 'permission denied'));
    await asking.look();
    asking.recovered.length = 0;
    expect(gist(await asking.once(one()))).toBe('LoginFailed');
    expect(asking.recovered.toSorted()).toEqual(['one', 'two']);
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

  it('that says it is ready and is not is left alone again', async () => {
    seal();
    fake.on('sys/health', health());
    await asking.once(one());
    await asking.look();
    expect(gist(await asking.once(one()))).toBe('Sealed');
    const before = fake.count();
    expect(await asking.once(one())).toMatchObject({ reason: 'Sealed', retryAfterMs: 60_000 });
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
    for (const name of names) await asking.once(at({ name, path: `secret/data/${name}` }));
    // The look just before the return does not see it.
    asking.clock.advance(1_500);
    await fake.arrived('sys/health');
    unseal();
    const backAt = asking.clock.now();
    await asking.look();
    asking.recovered.length = 0;
    expect(gist(await asking.once(at({ name: 'vault-0', path: 'secret/data/vault-0' })))).toEqual({ a: 'b' });
    expect(asking.recovered.toSorted()).toEqual(names.toSorted());
    expect(asking.clock.now() - backAt).toBeLessThanOrEqual(3_000);
  });

  it('does not come back at once: a thousand paths are sixteen requests at a time', async () => {
    const paths = Array.from({ length: 1_000 }, (_, index) =>
      at({ name: `vault-${index % 50}`, path: `secret/data/app-${index}` }),
    );
    const waiting = new Set(paths);
    const failed: unknown[] = [];
    const run = async (path: VaultTarget) => {
      const answer = await asking.once(path);
      if (answer.kind === 'fields') waiting.delete(path);
      else failed.push(gist(answer));
    };
    const running: Promise<void>[] = [];
    seal();
    for (const path of paths) await run(path);
    expect(waiting.size).toBe(1_000);
    expect(fake.count('login')).toBe(1);

    asking.source.onRecovered((name) => {
      for (const path of waiting) if (path.name === name) running.push(run(path));
    });
    fake.proxy.forgetSeen();
    unseal();
    const letTrialGo = fake.hold('/data/');
    await asking.look();
    await fake.arrived('/data/');
    expect(fake.proxy.peak()).toBe(1);
    letTrialGo();
    const letOthersGo = fake.hold('/data/');
    await fake.arrived('/data/', 1 + MAX_CONCURRENT_REQUESTS);
    await new Promise(setImmediate);
    expect(fake.count('/data/')).toBe(1 + MAX_CONCURRENT_REQUESTS);
    letOthersGo();
    await vi.waitFor(() => expect(waiting.size).toBe(0), { timeout: 15_000 });
    await Promise.all(running);
    expect(fake.proxy.peak()).toBe(MAX_CONCURRENT_REQUESTS);
    expect(fake.count('login')).toBe(1);
    expect(fake.count('/data/')).toBe(1_000);
  });
});
