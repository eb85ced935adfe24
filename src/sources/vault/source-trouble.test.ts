import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  health,
  login,
  policyDenial,
  refused,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';

type Reply = Parameters<FakeVault['on']>[1];

let fake: FakeVault;
let asking: Asker;
let told: string[];

beforeEach(async () => {
  fake = await startFake();
  start();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

function start(random = () => 0.5): void {
  asking = asker({ random });
  told = [];
  asking.source.onRecovered((name, { path, version }) => told.push(`${name} ${path ?? ''} ${version ?? ''}`));
}

const role = { roleId: 'role-1', secretId: 'planted' };
const otherRole = { roleId: 'role-2', secretId: 'planted-2', mountPath: 'second' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

const html = (status: number): Reply => ({ kind: 'answer', status, body: '<html>' });
const works = { password: 'hunter2' };

describe('one path that fails while the server says that it is well', () => {
  const failures: Record<string, [reply: Reply, reason: string]> = {
    'is cut off': [{ kind: 'cut' }, 'Unreachable'],
    'is answered by a gateway': [html(502), 'Unreachable'],
    'is answered by another gateway': [html(503), 'Unreachable'],
    'is said to be sealed': [refused(503, 'Vault is sealed'), 'Sealed'],
    'breaks inside': [refused(500, 'x'), 'Unreachable'],
    'is over its own quota': [{ ...refused(429, 'quota'), headers: { 'retry-after': '300' } }, 'RateLimited'],
  };
  it.each(Object.entries(failures))('holds up no other path and no other login: it %s', async (_, given) => {
    const [reply, reason] = given;
    await asking.once(at({ name: 'other', path: 'secret/data/other' }));
    asking.clock.advance(5_000);
    fake.on('/v1/secret/data/app', reply);
    expect(gist(await asking.once(at()))).toBe(reason);
    expect(gist(await asking.once(at()))).toBe(reason);
    expect(fake.count('/v1/secret/data/app')).toBe(1);
    expect(gist(await asking.once(at({ name: 'other', path: 'secret/data/other' })))).toEqual(works);
    expect(gist(await asking.once(at({ name: 'new', path: 'secret/data/new' })))).toEqual(works);
    expect(gist(await asking.once(at({ appRole: otherRole, path: 'secret/data/far' })))).toEqual(works);
  });

  it('is not asked again before Retry-After is over', async () => {
    fake.on('/data/app', { ...refused(503, 'x'), headers: { 'retry-after': '30' } });
    expect(await asking.once(at())).toMatchObject({ retryAfterMs: 30_000 });
    fake.on('/data/app', { ...refused(500, 'x'), headers: { 'retry-after': '40' } });
    asking.clock.advance(30_000);
    expect(await asking.once(at())).toMatchObject({ reason: 'Unreachable', retryAfterMs: 40_000 });
    asking.clock.advance(39_999);
    await asking.once(at());
    expect(fake.count('/v1/secret/data/app')).toBe(2);
  });

  it('is announced with its place alone when it works again', async () => {
    const places = ['db', 'ui'].map((path) => at({ place: { path } }));
    const [db, ui] = places as [VaultTarget, VaultTarget];
    const pinned = at({ name: 'second', path: 'secret/data/app/db' });
    fake.on('/data/app/db', { kind: 'cut' });
    for (const one of [db, ui, pinned]) await asking.once(one);
    fake.on('/data/app/db', secret({ a: 'b' }));
    asking.clock.advance(5_000);
    expect(gist(await asking.once(ui))).toEqual(works);
    expect(told).toEqual([]);
    expect(gist(await asking.once(db))).toEqual({ a: 'b' });
    expect(told).toEqual(['vault-prod db ', 'second  ']);
  });

  it('is not asked again and again because others work', async () => {
    fake.on('/data/app', refused(500, 'x'));
    await asking.once(at());
    for (const name of ['a', 'b', 'c']) await asking.once(at({ name, path: `secret/data/${name}` }));
    expect(gist(await asking.once(at()))).toBe('Unreachable');
    expect(fake.count('/v1/secret/data/app')).toBe(1);
    expect(told).toEqual([]);
  });

  it.each([
    ['a secret that is missing', refused(404)],
    ['a policy that denies', policyDenial],
  ])('lets the others try again once Vault answers for it: %s', async (_, reply) => {
    const [one, two] = ['one', 'two'].map((name) => at({ name, path: `secret/data/${name}` }));
    fake.on('/data/', refused(500, 'x'));
    for (const path of [one, two]) await asking.once(path as VaultTarget);
    fake.on('/data/', secret({ a: 'b' }));
    fake.on('/data/one', reply);
    asking.clock.advance(2_400);
    await asking.once(one as VaultTarget);
    expect(told).toEqual(['two  ']);
    expect(gist(await asking.once(two as VaultTarget))).toEqual({ a: 'b' });
  });
});

/** Someone who comes back when he is told to, or when his place is announced. */
interface Waiter {
  readonly target: VaultTarget;
  wakeAt: number;
  flight: { readonly startedAt: number; readonly hangs: boolean; readonly done: Promise<void> } | undefined;
  readAt: number | undefined;
  toldAt: number | undefined;
}

const TICK = 100;
const TIME_OUT = 10_000;

/** Paths whose callers come back as the controllers do, until they have been read. */
class Crowd {
  readonly waiters: readonly Waiter[];
  /** Reads that begin now are not answered. */
  hangs = false;
  #flights = fake.count('/data/');

  constructor(count: number) {
    const now = asking.clock.now();
    // One by one, or those that hang would keep the others from being sent.
    this.waiters = Array.from({ length: count }, (_, index) => ({
      target: at({ name: `vault-${index}`, path: `secret/data/app-${index}` }),
      wakeAt: now + 1_500 * index,
      flight: undefined,
      readAt: undefined,
      toldAt: undefined,
    }));
    asking.source.onRecovered((name) => {
      const waiter = this.waiters.find(({ target: { name: own } }) => own === name) as Waiter;
      const now = asking.clock.now();
      waiter.toldAt ??= now;
      waiter.wakeAt = now;
    });
  }

  /** Counts what is asked from now on. */
  restart(): void {
    this.#flights = 0;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK) {
      asking.clock.advance(TICK);
      await this.#tick();
    }
  }

  /** What can end without more time ends, and whoever may come back then does. */
  async #tick(): Promise<void> {
    const now = asking.clock.now();
    const due = () =>
      this.waiters.filter((one) => !one.flight && one.readAt === undefined && one.wakeAt <= now);
    while (due().length > 0 || this.#ending(now).length > 0) {
      const asked = due();
      for (const waiter of asked) this.#ask(waiter);
      await new Promise(setImmediate);
      this.#flights += asked.filter(({ flight }) => flight).length;
      await Promise.all(this.#ending(now).map(async ({ flight }) => flight?.done));
      if (this.hangs) await fake.arrived('/data/', this.#flights);
    }
  }

  #ending(now: number): readonly Waiter[] {
    return this.waiters.filter(({ flight, toldAt }) => {
      if (!flight) return false;
      return !flight.hangs || flight.startedAt + TIME_OUT <= now || toldAt !== undefined;
    });
  }

  #ask(waiter: Waiter): void {
    const startedAt = asking.clock.now();
    waiter.wakeAt = Infinity;
    const ask = async () => {
      const answer = await asking.once(waiter.target);
      const now = asking.clock.now();
      waiter.flight = undefined;
      if (answer.kind === 'fields') waiter.readAt = now;
      else waiter.wakeAt = Math.min(waiter.wakeAt, now + Math.max(waitOf(answer), 1));
    };
    waiter.flight = { startedAt, hangs: this.hangs, done: ask() };
  }
}

function waitOf(answer: object): number {
  const { afterMs, retryAfterMs = 1_000 } = answer as { afterMs?: number; retryAfterMs?: number };
  return afterMs ?? retryAfterMs;
}

/** Always the same numbers, without a pattern. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const never = { kind: 'hold', until: new Promise(() => {}) } as const;
const reads = (reply: Reply) => () => fake.on('/data/', reply);
const everything = (reply: Reply) => () => {
  fake.on('/data/', reply);
  fake.on('/login', reply);
};

describe('an outage of a server that says that it is well', () => {
  const outages: Record<string, [begin: () => void, state: Reply]> = {
    'in which every read is cut': [reads({ kind: 'cut' }), health()],
    'in which every read breaks inside': [reads(refused(500, 'x')), health()],
    'in which a gateway answers every read': [reads(html(502)), health()],
    'in which every read hangs': [reads(never), health()],
    'without an active node': [
      everything(refused(500, 'local node not active but active cluster node not found')),
      health(429, { standby: true }),
    ],
  };
  const rows = Object.entries(outages).flatMap(([name, outage]) =>
    [1, 2, 3].map((seed) => [name, seed, ...outage] as const),
  );

  it.each(rows)(
    '%s ends for twenty paths within three seconds (chance %d)',
    async (_, seed, begin, state) => {
      await asking.close();
      start(chance(seed));
      // Without an active node nobody has a token yet; in the others all have one.
      begin();
      const isLogin = fake.proxy.intercept?.({ method: 'POST', path: '/v1/auth/approle/login', headers: {} });
      if (isLogin?.kind === 'answer' && isLogin.status === 200) {
        fake.on('/data/warm', secret({}));
        await asking.once(at({ name: 'warm', path: 'secret/data/warm' }));
      }
      fake.on('sys/health', state);
      const crowd = new Crowd(20);
      crowd.hangs = begin === outages['in which every read hangs']?.[0];
      await crowd.pass(45_000);

      // All have failed once.
      fake.proxy.forgetSeen();
      crowd.restart();
      await crowd.pass(60_000);
      const asked = fake.count('/data/') + fake.count('/login');
      expect(asked).toBeGreaterThan(15);
      expect(asked).toBeLessThan(60);
      expect(crowd.waiters.filter(({ readAt }) => readAt !== undefined)).toEqual([]);

      fake.on('/data/', secret({ a: 'b' }));
      fake.on('/login', login('token-9'));
      crowd.hangs = false;
      const backAt = asking.clock.now();
      await crowd.pass(3_000);
      for (const { readAt, toldAt } of crowd.waiters) {
        expect(readAt).toBeLessThanOrEqual(backAt + 3_000);
        expect(toldAt).toBeLessThanOrEqual(backAt + 3_000);
      }
      expect(fake.count('/login')).toBeLessThan(60);
    },
  );
});
