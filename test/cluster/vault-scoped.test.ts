import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import { key, lookUp, tokensSent, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** spec.scopedTokens against a real OpenBao: what the child tokens may do, and how long they are there. */

let lab: VaultLab;
let asking: Asker;
const DATA = { a: 'planted-value' };
const MAKER = 'path "auth/token/create" { capabilities = ["update"] }';

beforeAll(async () => {
  lab = await startLab();
  await lab.admin('PUT', 'sys/policies/acl/maker', { policy: MAKER });
  await lab.policy('app-only', 'secret/data/app');
  await lab.policy('everything', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  await lab.put('secret/data/other', DATA);
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

async function at(name: string, role: object, changes: Partial<Wanted> = {}) {
  const { roleId, secretId } = await lab.appRole(name, { token_policies: ['maker', 'app-only'], ...role });
  return (more: Partial<Wanted> = {}) =>
    wanted({
      host: lab.proxy.address,
      auth: { appRole: { roleId, secretIdRef: key('secretId') } },
      secrets: { login: { secretId } },
      scopedTokens: { policies: ['app-only'], ttl: '30s' },
      ...changes,
      ...more,
    });
}

interface TokenFacts {
  readonly accessor: string;
  readonly policies: readonly string[];
  readonly num_uses: number;
  readonly ttl: number;
  readonly explicit_max_ttl: number;
  readonly renewable: boolean;
  readonly orphan: boolean;
}

/** While the read is held back: what the server knows about the token that it came with. */
async function childInFlight(read: () => Promise<unknown>): Promise<TokenFacts> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lab.proxy.intercept = ({ path }) =>
    path.includes('/data/') ? { kind: 'hold', until: promise } : undefined;
  const reading = read();
  await vi.waitFor(() => expect(lab.proxy.count('/data/')).toBe(1), { timeout: 10_000 });
  const [token = ''] = tokensSent(lab);
  const answer = await lab.admin('POST', 'auth/token/lookup', { token });
  resolve();
  await reading;
  return answer.body.data as unknown as TokenFacts;
}

/** All tokens that the server has. */
async function accessors(): Promise<readonly string[]> {
  const answer = await lab.admin('GET', 'auth/token/accessors?list=true');
  return answer.body.data?.['keys'] as string[];
}

/** OpenBao takes no used-up token any more, but sweeps it out of its lists a moment later. */
async function expectNoneBeside(before: readonly string[]): Promise<void> {
  const others = async () => (await accessors()).filter((accessor) => !before.includes(accessor));
  await expect.poll(others, { timeout: 10_000 }).toEqual([]);
}

describe('a read with scoped tokens', () => {
  it('is made with a child token of its own, which has only these policies and is gone right after', async () => {
    const of = await at('child', { token_policies: ['maker', 'everything', 'app-only'] });
    const child = await childInFlight(async () => expect(gist(await asking.ask(of()))).toEqual(DATA));
    expect(child).toMatchObject({
      policies: ['app-only'],
      num_uses: 1,
      explicit_max_ttl: 30,
      renewable: false,
      orphan: false,
    });
    expect(child.ttl).toBeLessThanOrEqual(30);
    expect(asking.requests).toEqual(['login 200', 'create-token 200', 'read 200']);
    const [used = ''] = tokensSent(lab);
    const again = await http(`${lab.bao.address}/v1/secret/data/app`, { headers: { 'x-vault-token': used } });
    expect(again.status).toBe(403);
    await expect.poll(() => lookUp(lab, { accessor: child.accessor }), { timeout: 10_000 }).not.toBe(200);
    const [parent = ''] = tokensSent(lab, 'token/create');
    expect(tokensSent(lab)).not.toContain(parent);
    expect(await lookUp(lab, { token: parent })).toBe(200);
  });

  it('leaves no token behind, however often it is made', async () => {
    const of = await at('often', {});
    await asking.ask(of());
    const before = await accessors();
    for (let round = 0; round < 10; round += 1) {
      asking.clock.advance(5_000);
      expect(gist(await asking.ask(of()))).toEqual(DATA);
    }
    expect(lab.proxy.count('token/create')).toBe(11);
    await expectNoneBeside(before);
    expect(lab.proxy.count('/login')).toBe(1);
  });

  it('cannot read what only the login may', async () => {
    const of = await at('narrow', { token_policies: ['maker', 'everything', 'app-only'] });
    expect(gist(await asking.ask(of({ path: 'secret/data/other' })))).toBe('PermissionDenied');
    expect(gist(await asking.ask(of()))).toEqual(DATA);
  });

  it('lives a minute if nothing is said', async () => {
    const of = await at('minute', {});
    const child = await childInFlight(() => asking.ask(of({ scopedTokens: { policies: ['app-only'] } })));
    expect(child.explicit_max_ttl).toBe(60);
  });

  it('has its token revoked, too, if the read breaks before Vault has seen it', async () => {
    const of = await at('broken', {});
    await asking.ask(of());
    const before = await accessors();
    asking.clock.advance(5_000);
    lab.proxy.intercept = ({ path }) => (path.includes('/data/') ? { kind: 'cut' } : undefined);
    expect(gist(await asking.ask(of()))).toBe('Unreachable');
    // Its policies do not even allow that; but it was the one use that it was good for.
    await vi.waitFor(() => expect(asking.requests).toContain('revoke-self 403'), { timeout: 10_000 });
    await expectNoneBeside(before);
  });

  it('finds out which version is missing, each time with another child', async () => {
    const of = await at('version', {});
    expect(gist(await asking.ask(of({ place: { version: 7 } })))).toBe('VersionNotFound');
    expect(tokensSent(lab)).toHaveLength(2);
  });

  const denied: Record<string, { role: object; scoped?: string[]; says: RegExp; status: number }> = {
    'without the right to make tokens': {
      role: { token_policies: ['app-only'] },
      says: /grant it `update` on auth\/token\/create in Vault, or remove spec.scopedTokens.*POST .*\/v1\/auth\/token\/create answered HTTP 403/,
      status: 403,
    },
    'for policies that the login does not have': {
      role: {},
      scoped: ['everything'],
      says: /its policies must be among those of the login.*answered HTTP 4\d\d/,
      status: 400,
    },
    'of a batch token, which has no children': {
      role: { token_type: 'batch', token_ttl: '1h' },
      says: /whose token must be no batch token.*answered HTTP 4\d\d/,
      status: 400,
    },
  };
  it.each(Object.entries(denied))('is PermissionDenied %s', async (what, { role, scoped, says, status }) => {
    const of = await at(`denied-${what.length}`, role);
    const answer = await asking.ask(of(scoped ? { scopedTokens: { policies: scoped } } : {}));
    expect(answer).toMatchObject({
      reason: 'PermissionDenied',
      message: expect.stringMatching(says),
      retryAfterMs: expect.any(Number),
    });
    expect(asking.requests).toContain(`create-token ${status}`);
    expect(lab.proxy.count('/data/')).toBe(0);
  });

  it('logs in again when the token of the login was revoked', async () => {
    const of = await at('revoked', {});
    await asking.ask(of());
    const [parent = ''] = tokensSent(lab, 'token/create');
    await lab.admin('POST', 'auth/token/revoke', { token: parent });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of()))).toEqual(DATA);
    expect(lab.proxy.count('/login')).toBe(2);
  });

  it('says no token and no value anywhere', async () => {
    const of = await at('secrecy', {});
    const answers = [
      await asking.ask(of({ scopedTokens: { policies: ['everything'] } })),
      await asking.ask(of()),
    ];
    const tokens = [...tokensSent(lab, 'token/create'), ...tokensSent(lab)];
    expect(tokens.length).toBeGreaterThanOrEqual(2);
    const said = inspect([answers[0], asking.logged, asking.requests], { depth: Infinity, showHidden: true });
    for (const planted of ['planted', lab.bao.rootToken, ...tokens]) expect(said).not.toContain(planted);
  });
});
