import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startBao } from '../../hack/cluster/bao.ts';
import { connectionLab, stepOf, type ConnectionLab } from '../support/connection-lab.ts';
import { logInAt } from '../support/vault-auth.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';

/** What ConnectionTests leave behind at a real OpenBao, and how many of them there may be. */

const PASSWORD = 'planted-password';
let lab: VaultLab;
let role: { roleId: string; secretId: string };

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/app');
  await lab.put('secret/data/app', { user: 'planted-value' });
  await lab.admin('POST', 'sys/auth/userpass', { type: 'userpass' });
  await lab.admin('POST', 'auth/userpass/users/locked', { password: PASSWORD, token_policies: ['reader'] });
  role = await lab.appRole('tested', { token_policies: ['reader'] });
});
afterAll(() => lab.close());
afterEach(() => {
  lab.proxy.intercept = undefined;
  lab.proxy.forgetSeen();
});

const allowing = (...vaultHosts: string[]): ConnectionLab =>
  connectionLab({ allowed: { vaultHosts, allowHttp: true, tokenAudiences: [] } });
const tests = () => allowing(lab.proxy.address);
const inline = (changes: object = {}) => ({
  integration: { host: lab.proxy.address, path: 'secret/data/app', auth: { appRole: role }, ...changes },
});
const revoked = () => lab.proxy.count('revoke-self');

describe('nothing is left behind', () => {
  it('if the client goes away while a login is on its way', async () => {
    const asked = tests();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    lab.proxy.intercept = ({ path }) => {
      if (!path.endsWith('/login')) return undefined;
      arrive();
      return { kind: 'hold', until: held };
    };
    const leaving = new AbortController();
    const answer = asked.ask(inline(), { signal: leaving.signal }).catch((error: unknown) => error);
    await arrived;
    leaving.abort(new Error('gone'));
    letGo();
    expect(await answer).toMatchObject({ message: 'gone' });
    expect(lab.proxy.seen.map(({ path }) => path)).toEqual([
      '/v1/auth/approle/login',
      '/v1/auth/token/revoke-self',
    ]);
    expect(asked.audit.sink.lines.map(({ outcome, message }) => message ?? outcome)).toEqual([
      undefined,
      'allowed',
      'the test was ended before it was over',
    ]);
  });

  it('of a step that fails after the login', async () => {
    await tests().ask(inline({ path: 'secret/data/denied' }));
    expect(revoked()).toBe(1);
  });
});

describe('limits', () => {
  const wrong = (username: string) => inline({ auth: { userPass: { username, password: 'planted-wrong' } } });

  it('one refused login of an account, whoever tries them and however the name is written', async () => {
    const asked = tests();
    expect(await asked.ask(wrong('LOCKED'), { user: 'ann' })).toMatchObject({ reason: 'CredentialsRefused' });
    const refused = await asked.refused(wrong('locked'), { user: 'dan' });
    expect(refused).toMatchObject({ code: 'TooManyRequests' });
    expect(refused.details.retryAfterSeconds).toBeGreaterThan(800);
    expect(lab.proxy.count('/login/')).toBe(1);
    expect(await logInAt(lab, 'userpass/login/locked', { password: PASSWORD })).toBe(200);
    expect(asked.audit.sink.lines.at(-1)).toMatchObject({
      action: 'test-connection',
      outcome: 'refused',
      reason: 'QuotaExceeded',
      actor: { name: 'dan' },
    });
  });

  it('four at once in all', async () => {
    const asked = tests();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    lab.proxy.intercept = () => ({ kind: 'hold', until: held });
    const auth = { token: { token: await lab.token({ policies: ['reader'] }) } };
    const running = ['a', 'b', 'c', 'd'].map(async (user) => asked.ask(inline({ auth }), { user }));
    const refused = await asked.refused(inline({ auth }), { user: 'e' });
    expect(refused).toMatchObject({ code: 'TooManyRequests', details: { retryAfterSeconds: 5 } });
    letGo();
    expect((await Promise.all(running)).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect((await asked.ask(inline({ auth }))).ok).toBe(true);
  });
});

it('an inline test follows no redirect', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fairlead-redirect-'));
  const other = await startBao({ dir });
  try {
    lab.proxy.intercept = ({ path }) => ({
      kind: 'answer',
      status: 307,
      headers: { location: `${other.address}${path}` },
    });
    const status = await allowing(lab.proxy.address, other.address).ask(inline());
    expect(stepOf(status, 'login')).toMatch(/^Failed: the server redirects to http.*does not follow/);
  } finally {
    await other.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
