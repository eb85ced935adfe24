import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { key, logInAt, wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** Logins by user name and password against a real OpenBao, which locks a user after five bad ones. */

let lab: VaultLab;
let asking: Asker;
const DATA = { a: 'b' };
const GOOD = 'planted-good-password';

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  await lab.admin('POST', 'sys/auth/userpass', { type: 'userpass' });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  lab.proxy.forgetSeen();
});

async function user(name: string, mount = 'userpass'): Promise<void> {
  await lab.admin('POST', `auth/${mount}/users/${name}`, { password: GOOD, token_policies: ['reader'] });
}

/** Past Fairlead: 200 if the user is not locked. */
const logIn = (name: string, password = GOOD) => logInAt(lab, `userpass/login/${name}`, { password });

const at = (username: string, password: string, name = 'vault-prod', mountPath?: string) =>
  wanted({
    name,
    host: lab.proxy.address,
    auth: {
      userPass: { username, passwordRef: key('password'), ...(mountPath !== undefined && { mountPath }) },
    },
    secrets: { login: { password } },
  });

describe('a user and a password', () => {
  it('read, and say so', async () => {
    await user('plain');
    expect(await asking.ask(at('plain', GOOD))).toMatchObject({ kind: 'fields', authMethod: 'userPass' });
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('may stand among white space, and the user name may be in any case', async () => {
    await user('blank');
    expect(gist(await asking.ask(at(' Blank ', `\n ${GOOD}\r\n`)))).toEqual(DATA);
  });

  it('may be at another mount', async () => {
    await lab.admin('POST', 'sys/auth/team/people', { type: 'userpass' });
    await user('elsewhere', 'team/people');
    expect(gist(await asking.ask(at('elsewhere', GOOD, 'vault-prod', 'team/people/')))).toEqual(DATA);
  });

  it('may have a name with dots, dashes and underscores', async () => {
    await user('first.last-2_x');
    expect(gist(await asking.ask(at('first.last-2_x', GOOD)))).toEqual(DATA);
  });

  it('that are refused are not tried again until the Secret changes, or for a quarter of an hour', async () => {
    await user('wrong');
    const answer = await asking.ask(at('wrong', 'planted-wrong'));
    expect(answer).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 900_000,
      message: expect.stringMatching(
        /write a new password.*\/v1\/auth\/userpass\/login\/wrong answered HTTP 400/,
      ),
    });
    for (let minute = 0; minute < 14; minute += 1) {
      asking.clock.advance(60_000);
      expect(gist(await asking.ask(at('wrong', 'planted-wrong')))).toBe('CredentialsRefused');
    }
    expect(asking.requests).toEqual(['login 400']);
    expect(gist(await asking.ask(at('wrong', GOOD)))).toEqual(DATA);
    expect(await logIn('wrong')).toBe(200);
    expect(inspect([answer, asking.logged], { depth: Infinity })).not.toContain('planted');
  });

  it('that do not exist are refused in the same words', async () => {
    expect(await asking.ask(at('nobody', GOOD))).toMatchObject({ reason: 'CredentialsRefused' });
  });
});

describe('several integrations with wrong passwords for the same user', () => {
  it('are left alone after the fourth, so that the user is not locked out', async () => {
    await user('many');
    const wrong = (n: number) => at(n % 2 === 0 ? 'many' : 'MANY', `planted-wrong-${n}`, `integration-${n}`);
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 8; n += 1) {
        expect(gist(await asking.ask(wrong(n)))).toBe('CredentialsRefused');
        asking.clock.advance(1_000);
      }
    }
    expect(asking.requests).toEqual(Array.from({ length: 4 }, () => 'login 400'));
    const barred = await asking.ask(wrong(7));
    expect(barred).toMatchObject({
      message: expect.stringMatching(
        /several logins of this account were refused.*check the credentials of all integrations/,
      ),
    });
    // Not even the right password, until the quarter of an hour is over.
    expect(gist(await asking.ask(at('many', GOOD, 'right')))).toBe('CredentialsRefused');
    expect(lab.proxy.count('/login')).toBe(4);
    expect(await logIn('many')).toBe(200);
    asking.clock.advance(15 * 60_000);
    expect(gist(await asking.ask(at('many', GOOD, 'right')))).toEqual(DATA);
    expect(inspect([barred, asking.logged], { depth: Infinity })).not.toContain('planted');
  });

  it('do not concern other users', async () => {
    await user('careful');
    for (let n = 0; n < 5; n += 1) await asking.ask(at('careless', `planted-${n}`, `integration-${n}`));
    expect(gist(await asking.ask(at('careful', GOOD, 'careful')))).toEqual(DATA);
  });

  it('count the same for AppRoles', async () => {
    const { roleId, secretId } = await lab.appRole('many', { token_policies: ['reader'] });
    const role = (n: number, secret: string) =>
      wanted({
        name: `role-${n}`,
        host: lab.proxy.address,
        auth: { appRole: { roleId, secretIdRef: key('secretId') } },
        secrets: { login: { secretId: secret } },
      });
    for (let n = 0; n < 8; n += 1) {
      expect(gist(await asking.ask(role(n, `planted-${n}`)))).toBe('CredentialsRefused');
    }
    expect(lab.proxy.count('/login')).toBe(4);
    expect(await logInAt(lab, 'approle/login', { role_id: roleId, secret_id: secretId })).toBe(200);
  });
});

describe('a user whom others have locked out', () => {
  it('is LoginFailed, tried again rarely, and works once the lock is gone', async () => {
    await user('locked');
    for (let n = 0; n < 5; n += 1) await logIn('locked', `wrong-${n}`);
    expect(await logIn('locked')).toBe(403);
    const answer = await asking.ask(at('locked', GOOD));
    expect(answer).toMatchObject({
      reason: 'LoginFailed',
      message: expect.stringMatching(/the user is locked out after bad logins.*answered HTTP 403/),
    });
    const mounts = await lab.admin('GET', 'sys/auth');
    const { accessor } = (mounts.body.data ?? {})['userpass/'] as { accessor: string };
    await lab.admin('POST', `sys/locked-users/${accessor}/unlock/locked`);
    asking.clock.advance(60_000);
    expect(gist(await asking.ask(at('locked', GOOD)))).toEqual(DATA);
  });
});
