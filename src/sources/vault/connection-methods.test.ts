import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appRole,
  connect,
  givenToken,
  jwt,
  kubernetes,
  userPass,
  type Connected,
} from '../../../test/support/vault-connection.ts';
import { login, ok, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';

let fake: FakeVault;
let at: Connected;

beforeEach(async () => {
  fake = await startFake();
  at = connect(fake);
});
afterEach(async () => {
  await at.close();
  await fake.close();
});

describe('several methods', () => {
  const all = [kubernetes(), appRole(), givenToken(), userPass()];

  it('are tried in the order in which they are given, until one works', async () => {
    fake.on('/login', refused(403, 'permission denied'));
    fake.on('/login/ann', login('token-9'));
    fake.on('lookup-self', refused(404, 'x'));
    expect(await at.tokenOf(all)).toBe('token-9');
    expect(fake.proxy.seen.map(({ path }) => path)).toEqual([
      '/v1/auth/kubernetes/login',
      '/v1/auth/approle/login',
      '/v1/auth/token/lookup-self',
      '/v1/auth/userpass/login/ann',
    ]);
  });

  it('say of those before the one that worked why they did not', async () => {
    fake.on('/login', refused(403, 'permission denied'));
    const session = await at.connection.session([appRole(), givenToken()], at.attempt());
    expect(session.method.kind).toBe('token');
    expect(session.passed).toEqual([expect.stringMatching(/^appRole: there is no AppRole login/)]);
  });

  it('say nothing of those after it', async () => {
    const session = await at.connection.session([appRole(), givenToken()], at.attempt());
    expect(session.passed).toEqual([]);
  });

  it('say of each why it does not work if none does', async () => {
    fake.on('/login', refused(400, 'x'));
    fake.on('lookup-self', refused(404, 'x'));
    const fault = await at.faultOf([appRole(), givenToken()]);
    expect(fault.what).toMatch(/^no login method works: appRole: Vault refuses .*; token: the server does/);
    expect(fault).toMatchObject({ reason: 'LoginFailed', request: 'GET /v1/auth/token/lookup-self' });
  });

  it('are refused only if all are', async () => {
    fake.on('/login', refused(400, 'x'));
    expect(await at.faultOf([appRole(), userPass()])).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 900_000,
    });
  });
});

describe('an odd answer to one method', () => {
  type Reply = Parameters<FakeVault['on']>[1];
  const odd: Record<string, [reply: Reply, says: RegExp]> = {
    'is a page that forbids it': [
      { kind: 'answer', status: 403, body: '<html>' },
      /^jwt: the answer is not from Vault/,
    ],
    'is a page': [{ kind: 'answer', status: 200, body: '<html>' }, /^jwt: the answer is not from Vault/],
    'breaks off': [
      { kind: 'answer', status: 200, body: '{', cutShort: true },
      /^jwt: the connection broke before the answer was complete/,
    ],
    'is a redirect': [{ status: 307 }, /^jwt: the server redirects/],
    'is an internal error': [refused(500, 'x'), /^jwt: the login failed inside Vault/],
  };
  it.each(Object.entries(odd))('leaves room for the next one: it %s', async (_, [reply, says]) => {
    fake.on('/jwt/login', reply);
    const session = await at.connection.session([jwt(), appRole()], at.attempt());
    expect(session.method.kind).toBe('appRole');
    expect(session.passed).toEqual([expect.stringMatching(says)]);
  });

  const final: Record<string, [reply: Reply, reason: string]> = {
    'is from a sealed Vault': [refused(503, 'x'), 'Sealed'],
    'is from a gateway without a Vault': [{ kind: 'answer', status: 502, body: '<html>' }, 'Unreachable'],
    'does not come': [{ kind: 'cut' }, 'Unreachable'],
    'is that a quota is used up': [refused(429, 'x'), 'RateLimited'],
  };
  it.each(Object.entries(final))('ends the login if it %s', async (_, [reply, reason]) => {
    fake.on('/jwt/login', reply);
    expect(await at.faultOf([jwt(), appRole()])).toMatchObject({ reason });
    expect(fake.count('/approle/login')).toBe(0);
  });
});

describe('a secret id that several connections take out of its wrapping', () => {
  it('is there for the others when the connection that asked for it closes', async () => {
    fake.on('sys/wrapping/unwrap', ok({ data: { secret_id: 'planted-unwrapped' } }));
    const other = connect(fake, { clock: at.clock, memory: at.memory });
    const method = [appRole({ wrapped: true })];
    const release = fake.hold('sys/wrapping/unwrap');
    const first = at.faultOf(method);
    await fake.arrived('sys/wrapping/unwrap');
    const second = other.tokenOf(method);
    await at.connection.close(AbortSignal.timeout(5_000));
    release();
    expect(await second).toMatch(/^token-/);
    expect((await first).reason).toBe('Unreachable');
    expect(fake.count('sys/wrapping/unwrap')).toBe(1);
    await other.close();
  });
});

describe('a login whose credential is made anew each time', () => {
  it('asks for a new one each time, and is tried again at once after a refusal', async () => {
    let count = 0;
    const seen: unknown[] = [];
    at = connect(fake, {
      requestToken: async (wanted) => {
        seen.push(wanted);
        return Promise.resolve({ refused: `HTTP 403, ${(count += 1)}` });
      },
    });
    expect((await at.faultOf([kubernetes()])).what).toContain('HTTP 403, 1');
    expect((await at.faultOf([kubernetes()])).what).toContain('HTTP 403, 2');
    expect(seen).toEqual([
      { serviceAccount: 'vault-login', audiences: ['vault'] },
      { serviceAccount: 'vault-login', audiences: ['vault'] },
    ]);
  });

  it('is not refused for a quarter of an hour', async () => {
    fake.on('/login', refused(400, 'x'));
    const fault = await at.faultOf([kubernetes({ kind: 'jwt' })]);
    expect(fault.reason).toBe('CredentialsRefused');
    expect(fault).not.toHaveProperty('retryAfterMs');
    await at.faultOf([kubernetes({ kind: 'jwt' })]);
    expect(fake.count('/login')).toBe(2);
  });
});

describe('a login whose answer does not come through', () => {
  const rows: Record<string, [reply: Parameters<FakeVault['on']>[1], reason: string]> = {
    'breaks off': [{ kind: 'answer', status: 200, body: '{"auth":', cutShort: true }, 'Unreachable'],
    'is over four mebibytes': [ok({ planted: 'x'.repeat(4 * 1024 * 1024) }), 'TooLarge'],
  };
  it.each(Object.entries(rows))('since it %s concerns the whole connection', async (_, [reply, reason]) => {
    fake.on('/login', reply);
    expect(await at.faultOf([appRole()])).toMatchObject({ reason, scope: 'connection' });
  });
});
