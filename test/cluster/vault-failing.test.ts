import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import type { VaultTarget } from '../../src/sources/vault/target.ts';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';
import type { ProxyFault } from '../support/vault-proxy.ts';

/** A real OpenBao that fails and comes back, and what Fairlead asks of it meanwhile. */

let lab: VaultLab;
let asking: Asker;
let role: { roleId: string; secretId: string };
const DATA = { password: 'planted-value' };
const HEALTH = 'sys/health';

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  await lab.put('secret/data/other', DATA);
  role = await lab.appRole('reader', { token_policies: ['reader'] });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  lab.proxy.intercept = undefined;
  await asking.close();
  lab.proxy.forgetSeen();
});

const at = (changes: Partial<TargetOptions> = {}) =>
  target({ host: lab.proxy.address, appRole: role, ...changes });

interface Pestered {
  /** Without the looks at `sys/health`. */
  readonly requests: number;
  readonly looks: number;
  readonly gists: unknown[];
}

/** Two callers ask ten times a second for so many seconds; says how many requests there were and what they got. */
async function pester(of: VaultTarget, seconds: number): Promise<Pestered> {
  const [before, looksBefore] = [lab.proxy.count(), lab.proxy.count(HEALTH)];
  const gists = new Set<unknown>();
  for (let tick = 0; tick < seconds * 10; tick += 1) {
    await advance(100);
    gists.add(gist(await asking.once(of)));
    gists.add(gist(await asking.once(of, 0)));
  }
  const looks = lab.proxy.count(HEALTH) - looksBefore;
  return { requests: lab.proxy.count() - before - looks, looks, gists: [...gists] };
}

/** Moves the clock, and waits for the answers to all that has arrived: looks at a server run beside the callers. */
async function advance(ms: number): Promise<void> {
  asking.clock.advance(ms);
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
  await vi.waitFor(() => expect(asking.requests.length).toBeGreaterThanOrEqual(lab.proxy.count()), {
    timeout: 15_000,
    interval: 1,
  });
}

/** How long it takes until somebody who waits is told. */
async function untilTold(): Promise<number> {
  const began = asking.clock.now();
  while (asking.recovered.length === 0 && asking.clock.now() - began < 60_000) await advance(100);
  return asking.clock.now() - began;
}

/** Nothing that was said anywhere holds a credential or a value. */
function expectSecrecy(...said: unknown[]): void {
  const everything = inspect([...said, asking.logged, asking.requests], {
    depth: Infinity,
    showHidden: true,
  });
  const token = String(
    lab.proxy.seen.find(({ headers }) => headers['x-vault-token'])?.headers['x-vault-token'],
  );
  for (const secret of [role.secretId, lab.bao.rootToken, token, 'planted']) {
    expect(everything).not.toContain(secret);
  }
}

interface Outage {
  readonly begin: () => Promise<unknown> | void;
  readonly end: () => Promise<unknown> | void;
  readonly reason: string;
  readonly says: RegExp;
  /** The whole server is down: nothing but its health is asked for, and whoever waits is told when it is back. */
  readonly isDown?: true;
  /** It does not pass by itself. */
  readonly isForPeople?: true;
}

const intercepted = (fault: ProxyFault): Pick<Outage, 'begin' | 'end'> => ({
  begin: () => void (lab.proxy.intercept = () => fault),
  end: () => void (lab.proxy.intercept = undefined),
});

const answered = (status: number, body: string, headers: Record<string, string> = {}) =>
  intercepted({ kind: 'answer', status, body, headers });

const outages: Record<string, Outage> = {
  'is sealed': {
    begin: () => lab.bao.seal(),
    end: () => lab.bao.unseal(),
    reason: 'Sealed',
    says: /Vault is sealed: unseal it.*answered HTTP 503/,
    isDown: true,
  },
  'is stopped': {
    begin: () => lab.bao.stop(),
    end: () => lab.bao.start(),
    reason: 'Unreachable',
    says: /the connection broke/,
    isDown: true,
  },
  'is over its quota': {
    begin: async () => {
      const quota = { path: 'secret', rate: 1, interval: '1h' };
      await lab.admin('POST', 'sys/quotas/rate-limit/tight', quota);
      const isLeft = async () => (await http(`${lab.bao.address}/v1/secret/data/app`)).status !== 429;
      await expect.poll(isLeft, { timeout: 10_000 }).toBe(false);
    },
    end: () => lab.admin('DELETE', 'sys/quotas/rate-limit/tight'),
    reason: 'RateLimited',
    says: /raise the quota.*answered HTTP 429/,
    isForPeople: true,
  },
  'breaks every connection': {
    ...intercepted({ kind: 'cut' }),
    reason: 'Unreachable',
    says: /broke/,
    isDown: true,
  },
  'breaks every answer': {
    ...intercepted({ kind: 'answer', status: 200, body: '{"data":{"data":{"a":"planted', cutShort: true }),
    reason: 'Unreachable',
    says: /broke/,
  },
  'is a standby that redirects': {
    ...answered(307, '', { location: 'http://127.0.0.1:1/v1/secret/data/app' }),
    reason: 'Unreachable',
    says: /redirects.*answered HTTP 307/,
  },
  'is behind a gateway without servers': {
    ...answered(502, '<html>planted</html>'),
    reason: 'Unreachable',
    says: /not from Vault.*answered HTTP 502/,
    isDown: true,
  },
  'is behind a page that wants a login': {
    ...answered(200, '<html>planted</html>'),
    reason: 'Unreachable',
    says: /not from Vault.*answered HTTP 200/,
  },
};

describe('while Vault', () => {
  it.each(Object.entries(outages))(
    '%s, it is asked less than once a second, and then works by itself',
    async (_, outage) => {
      const { begin, end, reason, says, isDown } = outage;
      expect(gist(await asking.ask(at()))).toEqual(DATA);
      await begin();
      asking.clock.advance(2_000);
      const first = await asking.ask(at());
      expect(first).toMatchObject({ kind: 'failed', reason, retryAfterMs: expect.any(Number) });
      expect(first.kind === 'failed' && first.message).toMatch(says);
      const { requests, looks, gists } = await pester(at(), 60);
      expect(gists).toEqual([reason]);
      if (isDown) {
        expect(requests).toBe(0);
        expect(looks).toBeGreaterThanOrEqual(38);
        expect(looks).toBeLessThanOrEqual(41);
      } else {
        expect(looks).toBe(0);
        expect(requests).toBeGreaterThan(2);
        // What somebody has to mend is looked at less and less often.
        expect(requests).toBeLessThan(outage.isForPeople ? 10 : 45);
      }
      expectSecrecy(first);

      expect(asking.recovered).toEqual([]);
      await end();
      if (isDown) expect(await untilTold()).toBeLessThanOrEqual(3_000);
      else await advance(60_000);
      expect(gist(await asking.ask(at()))).toEqual(DATA);
      expect(new Set(asking.recovered)).toEqual(new Set(['vault-prod']));
    },
  );

  it('cannot be logged in to, it is asked as rarely', async () => {
    lab.proxy.intercept = ({ path }) =>
      path.includes('/login') ? { kind: 'answer', status: 500, body: '{"errors":["planted"]}' } : undefined;
    const first = await asking.ask(at());
    expect(first).toMatchObject({ reason: 'LoginFailed' });
    const { requests, gists } = await pester(at(), 60);
    expect(gists).toEqual(['LoginFailed']);
    expect(requests).toBeLessThan(45);
    expectSecrecy(first);
  });

  it('denies one path, the other paths of the connection are read', async () => {
    const closed = at({ name: 'closed', path: 'closed/data/app' });
    expect(gist(await asking.ask(closed))).toBe('PermissionDenied');
    for (let second = 0; second < 30; second += 1) {
      asking.clock.advance(1_000);
      expect(gist(await asking.ask(closed))).toBe('PermissionDenied');
      expect(gist(await asking.ask(at()))).toEqual(DATA);
    }
    expect(lab.proxy.count('/closed/')).toBeLessThan(8);
    // The second is for policies that the first token may lack.
    expect(lab.proxy.count('/login')).toBe(2);
    expect(lab.proxy.count('lookup-self')).toBe(1);
  });
});

describe('a Vault that does not answer', () => {
  it('is given up after ten seconds, and the next one does not wait', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    lab.proxy.intercept = () => ({ kind: 'hold', until: promise });
    const slow = asking.once(at());
    await vi.waitFor(() => expect(lab.proxy.count('/data/app')).toBe(2), { timeout: 10_000 });
    asking.clock.advance(9_999);
    expect(lab.proxy.count(HEALTH)).toBe(0);
    asking.clock.advance(1);
    // One look tells whether it is the server; that, too, is given up.
    await vi.waitFor(() => expect(lab.proxy.count(HEALTH)).toBe(1), { timeout: 10_000 });
    asking.clock.advance(2_000);
    expect(await slow).toMatchObject({ reason: 'Unreachable', message: expect.stringMatching(/in time/) });
    expect(gist(await asking.once(at()))).toBe('Unreachable');
    resolve();
  });

  it('holds only so many callers of one integration, and none of another', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    lab.proxy.intercept = ({ path }) =>
      path.includes('/data/app') ? { kind: 'hold', until: promise } : undefined;
    const crowd = Array.from({ length: 32 }, () => asking.once(at()));
    expect(gist(await asking.ask(at({ name: 'other', path: 'secret/data/other' })))).toEqual(DATA);
    expect((await Promise.all(crowd.slice(24))).map(gist)).toEqual(Array.from({ length: 8 }, () => 'later'));
    resolve();
    expect((await Promise.all(crowd.slice(0, 24))).every(({ kind }) => kind === 'fields')).toBe(true);
    expect(lab.proxy.count('/data/app')).toBe(2);
  });
});

describe('after Vault was started again', () => {
  it('everybody on the connection is told, and the tokens of before still work', async () => {
    const names = ['app', 'other'].map((name) => at({ name, path: `secret/data/${name}` }));
    for (const name of names) await asking.ask(name);
    await lab.bao.stop();
    asking.clock.advance(5_000);
    for (const name of names) expect(gist(await asking.ask(name))).toBe('Unreachable');
    await lab.bao.start();
    expect(await untilTold()).toBeLessThanOrEqual(3_000);
    expect(asking.recovered.toSorted()).toEqual(['app', 'other']);
    for (const name of names) expect(gist(await asking.ask(name))).toEqual(DATA);
    expect(lab.proxy.count('/login')).toBe(1);
  });
});

describe('a rotated secret', () => {
  it('is seen by everybody who came after the rotation, also during a burst', async () => {
    for (let round = 0; round < 5; round += 1) {
      await lab.put('secret/data/rotating', { round: String(round) });
      asking.clock.advance(1);
      const callers = Array.from({ length: 10 }, () => asking.ask(at({ path: 'secret/data/rotating' })));
      for (const answer of await Promise.all(callers)) expect(gist(answer)).toEqual({ round: String(round) });
    }
    expect(lab.proxy.count('/rotating')).toBe(5);
  });
});
