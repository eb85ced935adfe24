import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import { key, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** AppRoles whose secret id comes in a response-wrapping token of a real OpenBao. */

let lab: VaultLab;
let asking: Asker;
const others: Asker[] = [];
const DATA = { a: 'planted-value' };
const READ_BY_ANOTHER = 'wrapping token was already used or has expired: someone else may have read it';

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  await lab.put('secret/data/other', DATA);
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await Promise.all(others.splice(0).map((other) => other.close()));
  lab.proxy.forgetSeen();
});

interface Wrapped {
  readonly roleId: string;
  readonly wrapping: string;
}

async function wrap(path: string, ttl: string, body: object = {}): Promise<string> {
  const headers = { 'x-vault-token': lab.bao.rootToken, 'x-vault-wrap-ttl': ttl };
  const answer = await http(`${lab.bao.address}/v1/${path}`, { method: 'POST', headers, body });
  return answer.json<{ wrap_info: { token: string } }>().wrap_info.token;
}

async function wrapped(name: string, options: object = {}, ttl = '5m'): Promise<Wrapped> {
  const { roleId } = await lab.appRole(name, { token_policies: ['reader'], ...options });
  return { roleId, wrapping: await wrap(`auth/approle/role/${name}/secret-id`, ttl) };
}

const at = ({ roleId, wrapping }: Wrapped, changes: Partial<Wanted> = {}) =>
  wanted({
    host: lab.proxy.address,
    auth: { appRole: { roleId, secretIdRef: key('secretId'), wrapped: true } },
    secrets: { login: { secretId: wrapping } },
    ...changes,
  });

describe('a wrapped secret id', () => {
  it('is unwrapped once, and goes on working after the token has expired', async () => {
    const login = await wrapped('once', { token_ttl: '2s', token_max_ttl: '2s' });
    for (let round = 0; round < 3; round += 1) {
      expect(gist(await asking.ask(at(login)))).toEqual(DATA);
      asking.clock.advance(5_000);
    }
    const again = ['login 200', 'read 200'];
    expect(asking.requests).toEqual(['unwrap 200', ...again, ...again, ...again]);
    expect(await asking.ask(at(login))).toMatchObject({ authMethod: 'appRole' });
  });

  it('may stand among white space', async () => {
    const login = await wrapped('trimmed');
    expect(gist(await asking.ask(at({ ...login, wrapping: ` \n${login.wrapping}\n` })))).toEqual(DATA);
  });

  it('is shared by integrations that name the same Secret, also if they differ otherwise', async () => {
    const login = await wrapped('shared');
    const redirectHosts = [lab.proxy.address.replace('127.0.0.1', 'localhost')];
    const answers = await Promise.all([
      asking.ask(at(login)),
      asking.ask(at(login, { name: 'path', path: 'secret/data/other' })),
      asking.ask(at(login, { name: 'connection', redirectHosts })),
    ]);
    expect(answers.map(gist)).toEqual([DATA, DATA, DATA]);
    expect(lab.proxy.count('unwrap')).toBe(1);
    expect(lab.proxy.count('/login')).toBe(2);
  });

  it('that a second process finds used is refused, in words that raise the alarm, and left alone', async () => {
    const login = await wrapped('second');
    await asking.ask(at(login));
    const second = asker();
    others.push(second);
    const answer = await second.ask(at(login));
    expect(answer).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 900_000,
      message: expect.stringContaining(READ_BY_ANOTHER),
    });
    expect(answer).toHaveProperty(
      'message',
      expect.stringMatching(
        /write a new one into the credentials Secret.*POST .*\/v1\/sys\/wrapping\/unwrap answered HTTP 400/,
      ),
    );
    for (let minute = 0; minute < 14; minute += 1) {
      second.clock.advance(60_000);
      expect(gist(await second.ask(at(login)))).toBe('CredentialsRefused');
    }
    expect(second.requests).toEqual(['unwrap 400']);
    const fresh = await wrapped('second');
    expect(gist(await second.ask(at(fresh)))).toEqual(DATA);
  });

  const broken: Record<string, () => Promise<string>> = {
    'that is no wrapping token': async () => 'hvs.planted-garbage',
    'that has expired': async () => {
      const wrapping = await wrap('auth/approle/role/broken/secret-id', '1s');
      const isThere = async () =>
        (
          await http(`${lab.bao.address}/v1/sys/wrapping/lookup`, {
            method: 'POST',
            body: { token: wrapping },
          })
        ).status === 200;
      await expect.poll(isThere, { timeout: 10_000 }).toBe(false);
      return wrapping;
    },
    'that somebody has looked into': async () => {
      const wrapping = await wrap('auth/approle/role/broken/secret-id', '5m');
      const headers = { 'x-vault-token': wrapping };
      await http(`${lab.bao.address}/v1/sys/wrapping/unwrap`, { method: 'POST', headers, body: {} });
      return wrapping;
    },
    'that is an ordinary token': () => lab.token({ policies: ['reader'] }),
  };
  it.each(Object.entries(broken))('%s is refused in the same words', async (_, make) => {
    const { roleId } = await lab.appRole('broken', { token_policies: ['reader'] });
    const login = { roleId, wrapping: await make() };
    const answer = await asking.ask(at(login));
    expect(answer).toMatchObject({
      reason: 'CredentialsRefused',
      retryAfterMs: 900_000,
      message: expect.stringContaining(READ_BY_ANOTHER),
    });
    expect(lab.proxy.count('/login')).toBe(0);
    const said = inspect([answer, asking.logged], { depth: Infinity, showHidden: true });
    for (const planted of ['planted', login.wrapping]) expect(said).not.toContain(planted);
  });

  it('that is refused is no bad login: however many there were, a good one works at once', async () => {
    const login = await wrapped('replaced');
    for (let round = 0; round < 5; round += 1) {
      expect(gist(await asking.ask(at({ ...login, wrapping: `hvs.planted-${round}` })))).toBe(
        'CredentialsRefused',
      );
    }
    expect(gist(await asking.ask(at(login)))).toEqual(DATA);
  });

  it('must be a secret id', async () => {
    const { roleId } = await lab.appRole('else', { token_policies: ['reader'] });
    const login = { roleId, wrapping: await wrap('sys/wrapping/wrap', '5m', { secret: 'planted' }) };
    const answer = await asking.ask(at(login));
    expect(answer).toMatchObject({
      reason: 'CredentialsRefused',
      message: expect.stringMatching(
        /wraps no secret id: wrap the answer of auth\/<mount>\/role\/<role>\/secret-id/,
      ),
    });
    expect(JSON.stringify(answer)).not.toContain('planted');
  });

  it('is not what wrapped: false means: then the token is sent as the secret id, and refused', async () => {
    const login = await wrapped('plain');
    const auth = { appRole: { roleId: login.roleId, secretIdRef: key('secretId') } };
    expect(gist(await asking.ask(at(login, { auth })))).toBe('CredentialsRefused');
    expect(lab.proxy.count('unwrap')).toBe(0);
  });
});
