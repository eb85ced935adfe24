import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectionLab, letters, stepOf, type ConnectionLab } from '../support/connection-lab.ts';
import { jwtSigner, lookUp } from '../support/vault-auth.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';
import { startTlsLab, type TlsLab } from '../support/vault-tls.ts';
import { freePort } from '../../hack/fairlead.ts';

/** Inline ConnectionTests against a real OpenBao: every step fails once, and every login works. */

const VALUE = 'planted-value';
const PASSWORD = 'planted-password';
const signer = jwtSigner();
let lab: VaultLab;
let tls: TlsLab;
let role: { roleId: string; secretId: string };
let jwt: string;

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/app', 'secret/data/gone', 'old/data/app');
  await lab.put('secret/data/app', { user: VALUE, password: VALUE });
  await lab.put('secret/data/team/a', { user: VALUE });
  await lab.admin('PUT', 'sys/policies/acl/folder', {
    policy: 'path "secret/metadata/team/*" { capabilities = ["list"] }',
  });
  await lab.admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  await lab.admin('POST', 'old/data/app', { user: VALUE });
  await lab.admin('POST', 'sys/auth/userpass', { type: 'userpass' });
  await lab.admin('POST', 'auth/userpass/users/ann', { password: PASSWORD, token_policies: ['reader'] });
  await lab.admin('POST', 'sys/auth/jwt', { type: 'jwt' });
  await lab.admin('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [signer.publicKey] });
  await lab.admin('POST', 'auth/jwt/role/app', {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['vault'],
    token_policies: ['reader'],
  });
  role = await lab.appRole('tested', { token_policies: ['reader'] });
  const now = Math.floor(Date.now() / 1000);
  jwt = signer.sign({ sub: 'app', aud: 'vault', iat: now, exp: now + 3600 });
  tls = await startTlsLab('connection-test');
  await tls.admin('POST', 'secret/data/app', { data: { user: VALUE } });
});
afterAll(async () => {
  await lab.close();
  await tls.close();
});
afterEach(() => {
  lab.proxy.intercept = undefined;
  lab.proxy.forgetSeen();
});

const allowing = (...vaultHosts: string[]): ConnectionLab =>
  connectionLab({ allowed: { vaultHosts, allowHttp: true, tokenAudiences: [] } });
const tests = () => allowing(lab.proxy.address, lab.bao.address, tls.bao.address);
const inline = (changes: object = {}) => ({
  integration: { host: lab.proxy.address, path: 'secret/data/app', auth: { appRole: role }, ...changes },
});
const revoked = () => lab.proxy.count('revoke-self');

describe('everything passes', () => {
  const logins: Record<string, [auth: () => object, revokes: number]> = {
    appRole: [() => ({ appRole: role }), 1],
    userPass: [() => ({ userPass: { username: 'ann', password: PASSWORD } }), 1],
    jwt: [() => ({ jwt: { role: 'app', token: jwt } }), 1],
  };
  for (const [method, [auth, revokes]] of Object.entries(logins)) {
    it(`with ${method}, and its token is given back`, async () => {
      const asked = tests();
      const status = await asked.ask(inline({ auth: auth() }));
      expect(status).toMatchObject({
        ok: true,
        reason: 'Connected',
        keyCount: 2,
        authMethod: method,
        mount: 'secret',
        secretPath: 'app',
      });
      expect(letters(status)).toBe('PPSPPPPPP');
      expect(revoked()).toBe(revokes);
      const sent = lab.proxy.seen.find(({ path }) => path.includes('/data/'))?.headers['x-vault-token'];
      expect(await lookUp(lab, { token: String(sent) })).not.toBe(200);
      expect(asked.seen()).not.toContain('planted');
      expect(asked.seen()).not.toContain(role.secretId);
      expect(asked.seen()).not.toContain(jwt);
      expect(asked.seen()).not.toContain(String(sent));
    });
  }

  it('with a token, which is left as it is', async () => {
    const token = await lab.token({ policies: ['reader'] });
    const asked = tests();
    const status = await asked.ask(inline({ auth: { token: { token } } }));
    expect(letters(status)).toBe('PPSPPPPPP');
    expect(stepOf(status, 'lookup-self')).toMatch(/policies: default, reader/);
    expect(revoked()).toBe(0);
    expect(await lookUp(lab, { token })).toBe(200);
    expect(asked.seen()).not.toContain(token);
  });

  it('with the next login, and says why the first did not work', async () => {
    const auth = { appRole: { ...role, secretId: 'planted-wrong' }, token: { token: await lab.token() } };
    const status = await tests().ask(inline({ auth }));
    expect(status).toMatchObject({ ok: true, authMethod: 'token' });
    expect(stepOf(status, 'login')).toMatch(/the token is accepted, not with appRole: .*use a new secret id/);
  });

  it('behind TLS with a client certificate, and says who issued that of the server', async () => {
    const { cert: certificate, key } = tls.client;
    const asked = tests();
    const status = await asked.ask({
      integration: {
        host: tls.bao.address,
        path: 'secret/data/app',
        auth: { token: { token: tls.bao.rootToken } },
        tls: { caBundle: tls.ca, clientCertificate: { certificate, key } },
      },
    });
    expect(letters(status)).toBe('PPPPPPPPP');
    expect(stepOf(status, 'TLS')).toMatch(/issued by "vault-ca", good until \d{4}-\d\d-\d\d/);
    expect(asked.seen()).not.toContain('PRIVATE KEY');
  });

  it('of a folder, which has no keys of its own', async () => {
    const token = await lab.token({ policies: ['folder'] });
    const status = await tests().ask(inline({ path: 'secret/data/team', auth: { token: { token } } }));
    expect(status).toMatchObject({ ok: true, message: expect.stringMatching(/a folder with 1 entries at /) });
    expect(letters(status)).toBe('PPSPPPPPS');
  });

  it('with a token that is good for one request', async () => {
    const few = await lab.appRole('few', { token_policies: ['reader'], token_num_uses: 1 });
    const status = await tests().ask(inline({ auth: { appRole: few } }));
    expect(status).toMatchObject({ ok: true, keyCount: 2 });
    expect(letters(status)).toBe('PPSPSSSPP');
  });
});

describe('a step fails', () => {
  interface Case {
    readonly changes: () => object | Promise<object>;
    readonly letters: string;
    readonly reason: string;
    readonly says: RegExp;
  }
  const token = async (...policies: string[]) => ({
    auth: { token: { token: await lab.token({ policies }) } },
  });
  const cases: Record<string, Case> = {
    'resolve name, of a name that is not there': {
      changes: () => ({ host: 'http://no-such-vault.invalid:8200' }),
      letters: 'FSSSSSSSS',
      reason: 'Unreachable',
      says: /^resolve name: .*spec\.integration\.host and DNS/,
    },
    'TCP, on a port that is closed': {
      changes: async () => ({ host: `http://127.0.0.1:${await freePort()}` }),
      letters: 'PFSSSSSSS',
      reason: 'Unreachable',
      says: /^TCP: the connection is refused.*tried 127\.0\.0\.1, port \d+/,
    },
    'TLS, with another CA': {
      changes: () => ({ host: tls.bao.address, tls: { caBundle: tls.otherCa } }),
      letters: 'PPFSSSSSS',
      reason: 'TLSVerificationFailed',
      says: /^TLS: .*put its CA into spec\.integration\.tls\.caBundle/,
    },
    'TLS, with none there': {
      changes: () => ({ host: lab.bao.address.replace('http:', 'https:') }),
      letters: 'PPFSSSSSS',
      reason: 'Unreachable',
      says: /^TLS: the server does not speak TLS/,
    },
    'login, with a wrong secret id': {
      changes: () => ({ auth: { appRole: { ...role, secretId: 'planted-wrong' } } }),
      letters: 'PPSFSSSSS',
      reason: 'CredentialsRefused',
      says: /^login: .*use a new secret id, or correct spec\.integration\.auth\.appRole/,
    },
    'login, with a mount that is not there': {
      changes: () => ({ auth: { appRole: { ...role, mountPath: 'nowhere' } } }),
      letters: 'PPSFSSSSS',
      reason: 'LoginFailed',
      says: /^login: there is no AppRole login at this mount/,
    },
    'login, with a token that was never good': {
      changes: () => ({ auth: { token: { token: 's.planted-never-good' } } }),
      letters: 'PPSFSSSSS',
      reason: 'CredentialsRefused',
      says: /^login: Vault refuses the token.*use a new one/,
    },
    'capabilities, with a policy for something else': {
      changes: async () => ({ path: 'secret/data/denied', ...(await token('reader')) }),
      letters: 'PPSPPFSSS',
      reason: 'PermissionDenied',
      says: /^capabilities: .*grant it `read`.*it may: deny/,
    },
    'mount, of KV version 1': {
      changes: async () => ({ path: 'old/data/app', ...(await token('reader')) }),
      letters: 'PPSPPPFSS',
      reason: 'NotKVv2',
      says: /^mount: .*KV version 1/,
    },
    'read, of a path without a secret': {
      changes: async () => ({ path: 'secret/data/gone', ...(await token('reader')) }),
      letters: 'PPSPPPPFS',
      reason: 'PathNotFound',
      says: /^read: there is no secret at this path/,
    },
    'login, in a namespace that is not there': {
      changes: () => ({ namespace: 'nowhere' }),
      letters: 'PPSFSSSSS',
      reason: 'NamespaceNotFound',
      says: /^login: .*namespace/,
    },
  };
  for (const [what, { changes, letters: steps, reason, says }] of Object.entries(cases)) {
    it(what, async () => {
      const given = (await changes()) as { host?: string };
      const asked = allowing(lab.proxy.address, tls.bao.address, given.host ?? lab.proxy.address);
      const status = await asked.ask(inline(given));
      expect([letters(status), status.reason, status.ok]).toEqual([steps, reason, false]);
      expect(status.message).toMatch(says);
      expect(asked.seen()).not.toContain('planted');
      expect(revoked()).toBe(steps.startsWith('PPSP') && !('auth' in given) ? 1 : 0);
    });
  }

  it('the certificate is for another name', async () => {
    const host = tls.bao.address.replace('127.0.0.1', 'localhost');
    const status = await allowing(host).ask(inline({ host, tls: { caBundle: tls.ca } }));
    expect(stepOf(status, 'TLS')).toMatch(/is not for this host.*it is for ".*127\.0\.0\.1"/);
  });

  it('login, while Vault is sealed', async () => {
    await lab.bao.seal();
    try {
      const status = await tests().ask(inline());
      expect([letters(status), status.reason]).toEqual(['PPSFSSSSS', 'Sealed']);
      expect(status.message).toMatch(/Vault is sealed: unseal it/);
    } finally {
      await lab.bao.unseal();
    }
  });

  it('the token may not ask anything: the steps between are skipped, and the read tells', async () => {
    const bare = await lab.appRole('bare', { token_policies: ['reader'], token_no_default_policy: true });
    const status = await tests().ask(inline({ auth: { appRole: bare } }));
    expect([letters(status), status.ok]).toEqual(['PPSPSSPPP', true]);
    expect(stepOf(status, 'capabilities')).toMatch(/may not ask what it may do/);
  });
});
