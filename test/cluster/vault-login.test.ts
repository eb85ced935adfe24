import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';

/** Logins by AppRole against a real OpenBao, and what becomes of the tokens. */

let lab: VaultLab;
let asking: Asker;
const DATA = { a: 'b' };
/** When a token of twenty minutes is renewed, with a random number of 0.5. */
const RENEWAL_MS = 20 * 60_000 * (2 / 3) * 0.925;

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  lab.proxy.forgetSeen();
  lab.proxy.intercept = undefined;
});

const at = (changes: Partial<TargetOptions>) => target({ host: lab.proxy.address, ...changes });
const appRole = (name: string, options: object = {}) =>
  lab.appRole(name, { token_policies: ['reader'], ...options });

/** Looked up by root: what the server knows about a token. */
async function lookUp(token: string): Promise<number> {
  const { status } = await http(`${lab.bao.address}/v1/auth/token/lookup`, {
    method: 'POST',
    body: { token },
    headers: { 'x-vault-token': lab.bao.rootToken },
  });
  return status;
}

const tokenSent = () =>
  String(lab.proxy.seen.findLast(({ path }) => path.includes('/data/'))?.headers['x-vault-token']);

describe('an AppRole', () => {
  it('reads, and says so', async () => {
    const role = await appRole('plain');
    expect(await asking.ask(at({ appRole: role }))).toMatchObject({ kind: 'fields', authMethod: 'appRole' });
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('may be mounted elsewhere', async () => {
    await lab.admin('POST', 'sys/auth/team/roles', { type: 'approle' });
    await lab.admin('POST', 'auth/team/roles/role/app', { token_policies: ['reader'] });
    const roleId = await lab.admin('GET', 'auth/team/roles/role/app/role-id');
    const secretId = await lab.admin('POST', 'auth/team/roles/role/app/secret-id', {});
    const role = {
      roleId: String(roleId.body.data?.['role_id']),
      secretId: String(secretId.body.data?.['secret_id']),
      mountPath: 'team/roles',
    };
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
  });

  it('may give batch tokens', async () => {
    const role = await appRole('batch', { token_type: 'batch', token_ttl: '1h' });
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
    await asking.close();
  });

  it('may give tokens that cannot look themselves up', async () => {
    const role = await appRole('bare', { token_no_default_policy: true });
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
    asking.clock.advance(5_000);
    const denied = at({ appRole: role, path: 'closed/data/app' });
    expect(gist(await asking.ask(denied))).toBe('PermissionDenied');
    // The token lives, but is older than the policies may be: one login tells.
    const fresh = ['read 403', 'lookup-self 403', 'login 200', 'read 403'];
    expect(asking.requests).toEqual(['login 200', 'read 200', ...fresh]);
  });

  it('whose role gets a policy later is read after one fresh login', async () => {
    await lab.admin('POST', 'sys/mounts/later', { type: 'kv', options: { version: '2' } });
    await expect
      .poll(() =>
        lab.put('later/data/app', DATA).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await lab.policy('later', 'later/data/*');
    const role = await appRole('stale');
    const of = at({ appRole: role, path: 'later/data/app' });
    expect(gist(await asking.ask(of))).toBe('PermissionDenied');
    expect(asking.requests).toEqual(['login 200', 'read 403']);
    const outdated = tokenSent();
    await lab.admin('POST', 'auth/approle/role/stale', { token_policies: ['reader', 'later'] });
    asking.clock.advance(10_000);
    expect(gist(await asking.ask(of))).toEqual(DATA);
    // That the token lives was known: it had been made just before the denial.
    expect(asking.requests.slice(2)).toEqual(['read 403', 'login 200', 'read 200']);
    // Those who use the outdated token still may end first; then it is given back.
    expect(await lookUp(outdated)).toBe(200);
    asking.clock.advance(20_000);
    await expect.poll(() => lookUp(outdated), { timeout: 10_000 }).not.toBe(200);
    expect(await lookUp(tokenSent())).toBe(200);
  });

  it('that stays denied logs in more and more rarely', async () => {
    const denied = at({ appRole: await appRole('denied'), path: 'closed/data/app' });
    const logins = async (minutes: number) => {
      const before = lab.proxy.count('/login');
      for (let step = 0; step < minutes * 12; step += 1) {
        asking.clock.advance(5_000);
        expect(gist(await asking.ask(denied))).toBe('PermissionDenied');
      }
      return lab.proxy.count('/login') - before;
    };
    expect(gist(await asking.ask(denied))).toBe('PermissionDenied');
    // After 0, 2, 6 and 14 minutes, each up to a minute late, since a denied path is asked for only so often.
    expect(await logins(1)).toBe(1);
    expect(await logins(6)).toBe(2);
    expect(await logins(20)).toBeLessThanOrEqual(2);
  });

  const refused: Record<string, () => Promise<{ roleId: string; secretId: string }>> = {
    'with a wrong secret id': async () => ({ ...(await appRole('wrong')), secretId: 'planted-secret-id' }),
    'with a wrong role id': async () => ({ ...(await appRole('wrong')), roleId: 'planted-role' }),
    'with a secret id that is used up': async () => {
      const role = await appRole('once', { secret_id_num_uses: 1 });
      await lab.admin('POST', 'auth/approle/login', { role_id: role.roleId, secret_id: role.secretId });
      return role;
    },
    'with a secret id that expired': async () => {
      const role = await appRole('expiring', { secret_id_ttl: '1s' });
      const isLeft = async () =>
        (
          await http(`${lab.bao.address}/v1/auth/approle/role/expiring/secret-id/lookup`, {
            method: 'POST',
            body: { secret_id: role.secretId },
            headers: { 'x-vault-token': lab.bao.rootToken },
          })
        ).status === 200;
      await expect.poll(isLeft, { timeout: 10_000 }).toBe(false);
      return role;
    },
    'with a secret id that was destroyed': async () => {
      const role = await appRole('destroyed');
      await lab.admin('POST', 'auth/approle/role/destroyed/secret-id/destroy', { secret_id: role.secretId });
      return role;
    },
    'that was deleted': async () => {
      const role = await appRole('deleted');
      await lab.admin('DELETE', 'auth/approle/role/deleted');
      return role;
    },
  };
  it.each(Object.entries(refused))(
    '%s is refused, and left alone for a quarter of an hour',
    async (_, make) => {
      const role = await make();
      const answer = await asking.ask(at({ appRole: role }));
      expect(answer).toMatchObject({ reason: 'CredentialsRefused', retryAfterMs: 900_000 });
      expect(answer).toHaveProperty(
        'message',
        expect.stringMatching(/write a new secret id.*\/v1\/auth\/approle\/login answered HTTP 400/),
      );
      for (let minute = 0; minute < 14; minute += 1) {
        asking.clock.advance(60_000);
        expect(gist(await asking.ask(at({ appRole: role })))).toBe('CredentialsRefused');
      }
      expect(asking.requests).toEqual(['login 400']);
      const everything = inspect([answer, asking.logged], { depth: Infinity });
      for (const planted of [role.secretId, role.roleId]) expect(everything).not.toContain(planted);
    },
  );

  it('that is refused is not locked by Fairlead, and works at once with the right secret id', async () => {
    const role = await appRole('locked');
    for (let round = 0; round < 20; round += 1) {
      await asking.ask(at({ appRole: { ...role, secretId: 'wrong' } }));
      asking.clock.advance(30_000);
    }
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
    expect(lab.proxy.count('/login')).toBe(2);
  });

  it('at a mount that does not exist fails, and is tried again', async () => {
    const role = { ...(await appRole('nowhere')), mountPath: 'nowhere' };
    const answer = await asking.ask(at({ appRole: role }));
    expect(answer).toMatchObject({ reason: 'LoginFailed', retryAfterMs: expect.any(Number) });
    expect(answer).toHaveProperty(
      'message',
      expect.stringMatching(/mountPath.*auth\/nowhere\/login.*HTTP 403/),
    );
    await lab.admin('POST', 'sys/auth/nowhere', { type: 'approle' });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at({ appRole: role })))).toBe('CredentialsRefused');
  });

  it('whose token was revoked logs in again, once, and reads', async () => {
    const role = await appRole('revoked');
    const paths = ['app', 'app2', 'app3'].map((name) =>
      at({ name, appRole: role, path: `secret/data/${name}` }),
    );
    await lab.put('secret/data/app2', DATA);
    await lab.put('secret/data/app3', DATA);
    for (const path of paths) expect(gist(await asking.ask(path))).toEqual(DATA);
    const token = tokenSent();
    await lab.admin('POST', 'auth/token/revoke', { token });
    asking.clock.advance(5_000);
    const again = await Promise.all(paths.map((path) => asking.ask(path)));
    expect(again.map(gist)).toEqual([DATA, DATA, DATA]);
    expect(lab.proxy.count('/login')).toBe(2);
    expect(tokenSent()).not.toBe(token);
  });

  it('logs in again when its token has expired', async () => {
    const role = await appRole('short', { token_ttl: '2s', token_max_ttl: '2s' });
    await asking.ask(at({ appRole: role }));
    asking.clock.advance(3_000);
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
    expect(asking.requests).toEqual(['login 200', 'read 200', 'login 200', 'read 200']);
  });

  it('has its token renewed, which Vault honours', async () => {
    const role = await appRole('renewed', { token_ttl: '20m', token_max_ttl: '24h' });
    await asking.ask(at({ appRole: role }));
    const token = tokenSent();
    asking.clock.advance(RENEWAL_MS);
    await vi.waitFor(() => expect(asking.requests.at(-1)).toBe('renew-self 200'), { timeout: 10_000 });
    asking.clock.advance(10 * 60_000);
    expect(gist(await asking.ask(at({ appRole: role })))).toEqual(DATA);
    expect(tokenSent()).toBe(token);
  });

  it('has its token given back when Fairlead stops', async () => {
    const role = await appRole('stopped');
    await asking.ask(at({ appRole: role }));
    const token = tokenSent();
    expect(await lookUp(token)).toBe(200);
    await asking.close();
    expect(await lookUp(token)).not.toBe(200);
  });

  it('has its token given back when its integration is gone', async () => {
    const role = await appRole('gone');
    await asking.ask(at({ appRole: role }));
    const token = tokenSent();
    asking.source.forget('vault-prod');
    await expect.poll(() => lookUp(token), { timeout: 10_000 }).not.toBe(200);
  });
});

describe('two methods', () => {
  it('are tried in their order: AppRole first', async () => {
    const role = await appRole('first');
    const token = await lab.token({ policies: ['reader'] });
    expect(await asking.ask(at({ appRole: role, token }))).toMatchObject({ authMethod: 'appRole' });
  });

  it('give way to the token if the AppRole is refused', async () => {
    const role = { ...(await appRole('second')), secretId: 'wrong' };
    const token = await lab.token({ policies: ['reader'] });
    const of = at({ appRole: role, token });
    expect(await asking.ask(of)).toMatchObject({ kind: 'fields', authMethod: 'token' });
    await lab.admin('POST', 'auth/token/revoke', { token });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of))).toBe('CredentialsRefused');
    expect(lab.proxy.count('/login')).toBe(1);
  });
});
