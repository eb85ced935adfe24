import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  deadToken,
  login,
  ok,
  policyDenial,
  refused,
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

/** Asks so many times at once. */
function askAtOnce(count: number, of: VaultTarget = at()): Promise<VaultAnswer>[] {
  return Array.from({ length: count }, () => asking.once(of));
}

function kinds(answers: readonly VaultAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function afterMs(answer: VaultAnswer): number | undefined {
  return answer.kind === 'later' ? answer.afterMs : undefined;
}

describe('a read', () => {
  it('gives the fields, their version, the place and the login method', async () => {
    fake.on('/data/app', secret({ password: 'hunter2' }, 7));
    expect(await asking.ask(at())).toEqual({
      kind: 'fields',
      location: `${fake.address}/v1/secret/data/app`,
      fields: new Map([['password', 'hunter2']]),
      version: 7,
      authMethod: 'appRole',
    });
  });

  it('gives fields that objects have by birth', async () => {
    fake.on('/data/app', {
      kind: 'answer',
      status: 200,
      body: '{"data":{"data":{"__proto__":"a","constructor":"b"},"metadata":{"version":1}}}',
    });
    const answer = await asking.ask(at());
    expect(answer.kind === 'fields' && [...answer.fields]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('tells of each request', async () => {
    await asking.ask(at());
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('logs in again and reads again when its token died', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('/data/app', ({ headers }) =>
      headers['x-vault-token'] === 'token-2' ? secret({ a: 'b' }) : deadToken,
    );
    fake.on('lookup-self', deadToken);
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
    expect(asking.requests.slice(2)).toEqual(['read 403', 'lookup-self 403', 'login 200', 'read 200']);
  });

  it('logs in again only once', async () => {
    fake.on('/data/app', deadToken);
    fake.on('lookup-self', deadToken);
    await asking.ask(at({ path: 'secret/data/other' }));
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at()))).toBe('PermissionDenied');
    expect(fake.count('/login')).toBe(2);
  });

  it('says NotKVv2 for a missing secret in a mount that is none', async () => {
    fake.on('/data/app', refused(404));
    fake.on('sys/internal/ui/mounts/secret', ok({ data: { type: 'kv', options: { version: '1' } } }));
    expect(gist(await asking.ask(at()))).toBe('NotKVv2');
  });

  it.each([
    ['is of version 2', ok({ data: { type: 'kv', options: { version: '2' } } })],
    ['may not be asked for', policyDenial],
    ['is not known to this server', refused(404)],
  ])('says PathNotFound for a missing secret if the mount %s', async (_, reply) => {
    fake.on('/data/app', refused(404));
    fake.on('sys/internal/ui/mounts/secret', reply);
    expect(gist(await asking.ask(at()))).toBe('PathNotFound');
  });

  it('says TooLarge for an answer that is', async () => {
    fake.on('/data/app', { kind: 'answer', status: 200, body: `"${'x'.repeat(4 * 1024 * 1024)}"` });
    expect(gist(await asking.ask(at()))).toBe('TooLarge');
    expect(gist(await asking.ask(at({ path: 'secret/data/other' })))).toEqual({ password: 'hunter2' });
  });
});

describe('many who ask at once', () => {
  it('are one request', async () => {
    const release = fake.hold('/data/app');
    const answers = Promise.all(askAtOnce(20));
    await fake.arrived('/data/app');
    release();
    expect(kinds(await answers)).toEqual({ fields: 20 });
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('are one request also when they use different integrations', async () => {
    const release = fake.hold('/data/app');
    const answers = Promise.all(['a', 'b', 'c'].flatMap((name) => askAtOnce(3, at({ name }))));
    await fake.arrived('/data/app');
    release();
    expect(kinds(await answers)).toEqual({ fields: 9 });
    expect(fake.count('/data/app')).toBe(1);
  });

  it('share a login though their paths differ', async () => {
    const paths = ['a', 'b', 'c'].map((name) => at({ name, path: `secret/data/${name}` }));
    await Promise.all(paths.map((path) => asking.ask(path)));
    expect(fake.count('/login')).toBe(1);
    expect(fake.count('/data/')).toBe(3);
  });

  it('do not suffer when one of them gives up', async () => {
    const release = fake.hold('/data/app');
    const controller = new AbortController();
    const given = asking.once(at(), 0, controller.signal);
    const others = Promise.all(askAtOnce(2));
    await fake.arrived('/data/app');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    release();
    expect(kinds(await others)).toEqual({ fields: 2 });
  });

  it('are not even asked for if they gave up before', async () => {
    const reason = new Error('enough');
    await expect(asking.once(at(), 0, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(fake.count()).toBe(0);
  });

  it('may be 24 for one integration, the others come back soon', async () => {
    const release = fake.hold('/data/app');
    const answers = askAtOnce(40);
    const early = await Promise.all(answers.slice(24));
    expect(kinds(early)).toEqual({ later: 16 });
    for (const answer of early) expect(afterMs(answer)).toBeGreaterThanOrEqual(100);
    for (const answer of early) expect(afterMs(answer)).toBeLessThanOrEqual(250);
    await fake.arrived('/data/app');
    release();
    expect(kinds(await Promise.all(answers))).toEqual({ fields: 24, later: 16 });
  });

  it('leave room for other integrations, even on the same Vault', async () => {
    const release = fake.hold('/data/app');
    const crowd = askAtOnce(30);
    expect(gist(await asking.ask(at({ name: 'other', path: 'secret/data/other' })))).toEqual({
      password: 'hunter2',
    });
    await fake.arrived('/data/app');
    release();
    await Promise.all(crowd);
  });

  it('make room when they have gone', async () => {
    asking = asker({ maxWaitersPerIntegration: 1 });
    const release = fake.hold('/data/app');
    const controller = new AbortController();
    const first = asking.once(at(), 0, controller.signal);
    expect(gist(await asking.once(at()))).toBe('later');
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const second = asking.once(at());
    await fake.arrived('/data/app');
    release();
    expect(gist(await second)).toEqual({ password: 'hunter2' });
  });
});

describe('a value', () => {
  it('serves who came before it was read, for two seconds', async () => {
    const came = asking.clock.now();
    await asking.once(at());
    asking.clock.advance(1_999);
    expect(gist(await asking.once(at(), came))).toEqual({ password: 'hunter2' });
    expect(fake.count('/data/app')).toBe(1);
    asking.clock.advance(1);
    await asking.once(at(), came);
    expect(fake.count('/data/app')).toBe(2);
  });

  it('does not serve who came after its request started', async () => {
    await asking.once(at());
    asking.clock.advance(1);
    expect(afterMs(await asking.once(at()))).toBe(999);
    expect(fake.count('/data/app')).toBe(1);
    asking.clock.advance(999);
    expect(gist(await asking.once(at()))).toEqual({ password: 'hunter2' });
    expect(fake.count('/data/app')).toBe(2);
  });

  it('of a request on its way does not serve who came after it started', async () => {
    const release = fake.hold('/data/app');
    const first = asking.once(at());
    await fake.arrived('/data/app');
    asking.clock.advance(600);
    expect(afterMs(await asking.once(at()))).toBe(600);
    fake.on('/data/app', secret({ password: 'new' }));
    release();
    expect(gist(await first)).toEqual({ password: 'hunter2' });
    expect(gist(await asking.ask(at()))).toEqual({ password: 'new' });
  });

  it.each([
    [10, 990],
    [950, 950],
    [3_000, 1_000],
  ])('that takes long makes the others come back less often: after %d ms in %d ms', async (age, expected) => {
    const release = fake.hold('/data/app');
    const first = asking.once(at());
    await fake.arrived('/data/app');
    asking.clock.advance(age);
    expect(afterMs(await asking.once(at()))).toBe(expected);
    release();
    await first;
  });

  it('is dropped when its time is over', async () => {
    const kept = () => asking.clock.pending;
    await asking.once(at());
    expect(kept()).toBeGreaterThan(0);
    const before = kept();
    asking.clock.advance(2_000);
    expect(kept()).toBe(before - 1);
  });

  it('is read about six times for a thousand pods in five seconds, and is stale for none', async () => {
    let version = 0;
    fake.on('/data/app', () => secret({ version: String((version += 1)) }));
    const waiting: { notBefore: number; wakeAt: number; atLeast: number }[] = [];
    let served = 0;
    for (let tick = 0; tick < 800; tick += 1) {
      const now = asking.clock.now();
      // Two pods each ten milliseconds; what was read before a pod came is too old for it.
      if (tick < 500)
        for (const _ of [1, 2]) waiting.push({ notBefore: now, wakeAt: now, atLeast: version + 1 });
      for (const pod of waiting.filter(({ wakeAt }) => wakeAt <= now)) {
        const answer = await asking.once(at(), pod.notBefore);
        if (answer.kind === 'later') pod.wakeAt = now + answer.afterMs;
        if (answer.kind !== 'fields') continue;
        expect(Number(answer.fields.get('version'))).toBeGreaterThanOrEqual(pod.atLeast);
        waiting.splice(waiting.indexOf(pod), 1);
        served += 1;
      }
      asking.clock.advance(10);
    }
    expect(served).toBe(1_000);
    expect(version).toBeLessThanOrEqual(7);
    expect(version).toBeGreaterThanOrEqual(5);
  });
});

describe('a failure', () => {
  const sealed = refused(503, 'Vault is sealed');

  it('is remembered: who asks again gets it at once, with the time to wait', async () => {
    fake.on('/login', sealed);
    const first = await asking.once(at());
    expect(first).toMatchObject({ reason: 'Sealed', retryAfterMs: 1_750 });
    asking.clock.advance(1_000);
    expect(await asking.once(at())).toEqual({ ...first, retryAfterMs: 750 });
    expect(fake.count()).toBe(1);
  });

  it('of the connection holds for all its paths, and each names its own', async () => {
    fake.on('/data/app', sealed);
    await asking.once(at());
    const other = at({ name: 'other', path: 'secret/data/other' });
    const answer = await asking.once(other);
    expect(answer).toMatchObject({ reason: 'Sealed', location: other.location });
    expect(answer).toHaveProperty('message', expect.stringContaining('/v1/secret/data/other answered'));
    expect(JSON.stringify(answer)).not.toContain('data/app');
    expect(fake.count('/data/other')).toBe(0);
  });

  it('without an answer names no path of others either', async () => {
    fake.on('/data/app', { kind: 'cut' });
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
    expect(fake.count('/data/app')).toBe(1);
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

  it('of a refused login is tried again once the Secret was written again', async () => {
    fake.on('/login', refused(400, 'invalid role or secret ID'));
    await asking.once(at({ revision: '1' }));
    fake.on('/login', login('token-9'));
    asking.clock.advance(1_000);
    expect(gist(await asking.once(at({ revision: '2' })))).toEqual({ password: 'hunter2' });
  });

  it('lets the others have it at once while a new try is on its way', async () => {
    fake.on('/data/app', sealed);
    await asking.once(at());
    asking.clock.advance(10_000);
    const release = fake.hold('/data/app');
    const trial = asking.once(at());
    await fake.arrived('/data/app', 2);
    expect(await asking.once(at(), 0)).toMatchObject({ reason: 'Sealed', retryAfterMs: 1_000 });
    const other = await asking.once(at({ name: 'other', path: 'secret/data/other' }));
    expect(other).toMatchObject({ reason: 'Sealed', retryAfterMs: 1_000 });
    release();
    expect(gist(await trial)).toBe('Sealed');
  });

  it('comes after the time-out of a request', async () => {
    asking = asker({ fetchTimeoutMs: 1_000 });
    const release = fake.hold('/');
    const answer = asking.once(at());
    await fake.arrived('/login');
    asking.clock.advance(1_000);
    expect(gist(await answer)).toBe('Unreachable');
    release();
  });

  it('comes after twice that at most, however many requests it takes', async () => {
    asking = asker({ fetchTimeoutMs: 1_000 });
    const answer = asking.once(at());
    for (const part of ['/login', '/data/app', 'lookup-self']) {
      const release = fake.hold(part);
      fake.on('/data/app', deadToken);
      await fake.arrived(part);
      asking.clock.advance(999);
      if (part !== 'lookup-self') release();
    }
    asking.clock.advance(2);
    expect(gist(await answer)).toBe('PermissionDenied');
  });

  it.each([
    ['7', 7_000],
    ['86400', 300_000],
  ])('lasts as long as Retry-After says: %s', async (value, ms) => {
    fake.on('/data/app', { ...refused(429, 'x'), headers: { 'retry-after': value } });
    expect(await asking.once(at())).toMatchObject({ reason: 'RateLimited', retryAfterMs: ms });
    asking.clock.advance(ms - 1);
    await asking.once(at());
    expect(fake.count('/data/app')).toBe(1);
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
    expect(times.length).toBeLessThan(60);
    for (const start of times) {
      const within = times.filter((time) => time >= start && time < start + 10);
      expect(within.length).toBeLessThan(10);
    }
  });
});

describe('a recovery', () => {
  it('is announced to all on the connection, once, by the first success', async () => {
    const one = at({ name: 'one', path: 'secret/data/one' });
    const two = at({ name: 'two', path: 'secret/data/two' });
    fake.on('/', refused(503, 'Vault is sealed'));
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
    fake.on('/', refused(503, 'Vault is sealed'));
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
    expect(fake.count('/data/app')).toBe(2);
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

describe('what nobody uses any more', () => {
  it('is given back when the integration is forgotten', async () => {
    await asking.ask(at());
    asking.source.forget('vault-prod');
    await fake.arrived('revoke-self');
    await vi.waitFor(() => expect(asking.clock.pending).toBe(0));
  });

  it('is given back when the integration has other credentials', async () => {
    await asking.ask(at());
    await asking.ask(at({ appRole: { ...role, secretId: 'other' } }));
    await fake.arrived('revoke-self');
    expect(fake.proxy.seen.find(({ path }) => path.includes('revoke'))?.headers['x-vault-token']).toBe(
      'token-1',
    );
  });

  it('stays while another integration uses it', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two' }));
    asking.source.forget('one');
    asking.clock.advance(5_000);
    await asking.ask(at({ name: 'two' }));
    expect(fake.count('/login')).toBe(1);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('is given back after half an hour, counted from the last use', async () => {
    fake.on('/login', login('token-1', 7_200, false));
    await asking.ask(at());
    asking.clock.advance(29 * 60_000);
    await asking.ask(at());
    asking.clock.advance(29 * 60_000);
    expect(fake.count('revoke-self')).toBe(0);
    asking.clock.advance(60_000);
    await fake.arrived('revoke-self');
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(2);
  });

  it('is closed only after the reads on their way', async () => {
    const release = fake.hold('/data/app');
    const reading = asking.once(at());
    await fake.arrived('/data/app');
    asking.source.forget('vault-prod');
    expect(fake.count('revoke-self')).toBe(0);
    release();
    expect(gist(await reading)).toEqual({ password: 'hunter2' });
    await fake.arrived('revoke-self');
  });

  it('may be forgotten without having been known', () => {
    expect(() => asking.source.forget('nobody')).not.toThrow();
  });
});

describe('stopping', () => {
  it('gives all tokens back and leaves no timer', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two', appRole: { ...role, roleId: 'role-2' } }));
    await asking.source.stop(AbortSignal.timeout(5_000));
    expect(fake.count('revoke-self')).toBe(2);
    expect(asking.clock.pending).toBe(0);
  });

  it('sends everybody away from then on', async () => {
    await asking.source.stop(AbortSignal.timeout(5_000));
    expect(gist(await asking.once(at()))).toBe('later');
    expect(fake.count()).toBe(0);
  });

  it('ends when its signal comes, though a read hangs', async () => {
    const release = fake.hold('/data/app');
    const reading = asking.once(at());
    await fake.arrived('/data/app');
    const controller = new AbortController();
    const stopped = asking.source.stop(controller.signal);
    controller.abort();
    await stopped;
    expect(gist(await reading)).toBe('Unreachable');
    release();
  });
});

describe('the log', () => {
  it('tells of logins and refusals, and of no credential or value', async () => {
    await asking.ask(at());
    fake.on('/login', refused(400, 'planted'));
    await asking.ask(at({ appRole: { ...role, secretId: 'planted-too' } }));
    expect(asking.logged).toHaveLength(2);
    expect(asking.logged[0]).toContain('logged in to Vault');
    expect(asking.logged[1]).toContain('Vault refused the login');
    expect(asking.logged.join()).not.toMatch(/planted|hunter2|token-1/);
  });
});
