import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../hack/cluster/pki.ts';
import { LIMITS } from '../../src/api/names.ts';
import { AUTH_METHODS, type AuthMethod, type VaultAuth } from '../../src/api/vault-auth.ts';
import {
  integrationOutcome,
  statusFields,
  type Found,
} from '../../src/controllers/vault-integration/decide.ts';
import { Hidden } from '../../src/sources/vault/hidden.ts';
import type { VaultTarget } from '../../src/sources/vault/target.ts';
import { account, jwtSigner, key, made, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** Several login methods in one integration against a real OpenBao: in which order, and what is said of them. */

let lab: VaultLab;
let asking: Asker;
let good: Record<string, string>;
let auth: VaultAuth;
const DATA = { a: 'b' };
const signer = jwtSigner();
const PASSWORD = 'planted-password';
/** What each method sends to Vault. */
const REQUESTS: Record<AuthMethod, string> = {
  jwt: '/v1/auth/jwt/login',
  kubernetes: '/v1/auth/kubernetes/login',
  appRole: '/v1/auth/approle/login',
  token: '/v1/auth/token/lookup-self',
  userPass: '/v1/auth/userpass/login/app',
};

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  await lab.admin('POST', 'sys/auth/jwt', { type: 'jwt' });
  await lab.admin('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [signer.publicKey] });
  await lab.admin('POST', 'auth/jwt/role/app', {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['vault'],
    token_policies: ['reader'],
  });
  // Its API server is one that answers nobody: vault-kubernetes.test.ts has the real one.
  await lab.admin('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
  await lab.admin('POST', 'auth/kubernetes/config', {
    kubernetes_host: 'https://127.0.0.1:1',
    kubernetes_ca_cert: (await createAuthority('nobody')).cert,
    disable_local_ca_jwt: true,
  });
  const names = { bound_service_account_names: ['app'], bound_service_account_namespaces: ['*'] };
  await lab.admin('POST', 'auth/kubernetes/role/app', { ...names, token_policies: ['reader'] });
  await lab.admin('POST', 'sys/auth/userpass', { type: 'userpass' });
  await lab.admin('POST', 'auth/userpass/users/app', { password: PASSWORD, token_policies: ['reader'] });
  const role = await lab.appRole('app', { token_policies: ['reader'] });
  const iat = Math.floor(Date.now() / 1000);
  good = {
    jwt: signer.sign({ sub: 'app', aud: 'vault', iat, exp: iat + 3600 }),
    secretId: role.secretId,
    token: await lab.token({ policies: ['reader'] }),
    password: PASSWORD,
  };
  auth = {
    userPass: { username: 'app', passwordRef: key('password') },
    token: { secretRef: key('token') },
    appRole: { roleId: role.roleId, secretIdRef: key('secretId') },
    kubernetes: { role: 'app', serviceAccountRef: { name: 'app' }, audiences: ['vault'] },
    jwt: { role: 'app', secretRef: key('jwt') },
  };
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker({ requestToken: async () => ({ token: new Hidden(good['jwt'] ?? '') }) });
});
afterEach(async () => {
  await asking.close();
  lab.proxy.forgetSeen();
});

/** All five, of which those whose key is not among these are wrong. */
function at(right: readonly string[], changes: Partial<Wanted> = {}): VaultTarget {
  return wanted(options(right, changes));
}

function options(right: readonly string[], changes: Partial<Wanted> = {}): Wanted {
  const login = Object.fromEntries(
    Object.entries(good).map(([of, value]) => [of, right.includes(of) ? value : `planted-wrong-${of}`]),
  );
  return {
    host: lab.proxy.address,
    auth,
    secrets: { login },
    objects: { serviceAccount: () => account(lab.proxy.address) },
    ...changes,
  };
}

/** In the order in which they were tried first: that a token is wrong, the read tells, and the others get another try. */
const logins = () => [
  ...new Set(lab.proxy.seen.map(({ path }) => path).filter((path) => path.includes('/auth/'))),
];
const refreshMs = 1_000;

describe('several login methods', () => {
  it.each([
    ['jwt', ['jwt', 'secretId', 'token', 'password'], 1],
    ['appRole', ['secretId', 'token', 'password'], 3],
    ['token', ['token', 'password'], 4],
    ['userPass', ['password'], 5],
  ] as const)('are tried in their order until one works: %s', async (method, right, tried) => {
    const of = at(right);
    const answer = await asking.ask(of);
    expect(answer).toMatchObject({ kind: 'fields', authMethod: method });
    expect(logins()).toEqual(AUTH_METHODS.slice(0, tried).map((one) => REQUESTS[one]));
    if (answer.kind !== 'fields') return;

    const seen = await asking.source.inspect(of, false, new AbortController().signal);
    const found: Found = { answer, seen, unusable: of.unusable };
    expect(statusFields(of.secretPath, found).authMethod).toBe(method);
    const { message } = integrationOutcome(found, undefined, refreshMs);
    const passed = AUTH_METHODS.slice(0, tried - 1);
    expect(message.startsWith(`1 keys at ${lab.proxy.address}/v1/secret/data/app`)).toBe(true);
    if (passed.length > 0)
      expect(message).toContain(`; logged in with ${method}, not with jwt: Vault refuses`);
    for (const one of passed) expect(message).toContain(`${one}: `);
    expectBoundedAndSecret(message, answer);
  });

  it('are all named when none works, with what to do about each', async () => {
    const answer = await asking.ask(at([]));
    expect(logins()).toEqual(AUTH_METHODS.map((one) => REQUESTS[one]));
    // Of the one that is worth another try: the review of a ServiceAccount's token.
    expect(answer).toMatchObject({ kind: 'failed', reason: 'LoginFailed' });
    const message = answer.kind === 'failed' ? answer.message : '';
    expect(message).toMatch(
      /^no login method works: jwt: .*; kubernetes: .*; appRole: .*; token: .*; userPass/,
    );
    expectBoundedAndSecret(message);
  });

  it('that need nobody to look at them again are left alone, while the others are tried on', async () => {
    await asking.ask(at([]));
    lab.proxy.forgetSeen();
    asking.clock.advance(5 * 60_000);
    expect(gist(await asking.ask(at([])))).toBe('LoginFailed');
    expect(logins()).toEqual([REQUESTS.kubernetes]);
  });

  it('that cannot even be tried are passed over, and named, too', async () => {
    const of = at(['password'], { auth: { ...auth, token: { secretRef: key('token', 'missing') } } });
    expect(of.unusable).toMatchObject([{ method: 'token', reason: 'CredentialsMissing' }]);
    const answer = await asking.ask(of);
    expect(answer).toMatchObject({ authMethod: 'userPass' });
    expect(logins()).not.toContain(REQUESTS.token);
    if (answer.kind !== 'fields') return;
    const { message } = integrationOutcome({ answer, seen: {}, unusable: of.unusable }, undefined, refreshMs);
    expect(message).toContain('token: there is no Secret missing of type fairlead.dev/vault-credentials');
    expectBoundedAndSecret(message);
  });

  it('none of which can be tried say all that is missing at once', () => {
    const failed = made(options([], { secrets: {}, objects: {} }));
    expect(failed).toMatchObject({ kind: 'failed', reason: 'CredentialsMissing' });
    const message = failed.kind === 'failed' ? failed.message : '';
    expect(message).toMatch(
      /^no login method can be tried: jwt: .*kubernetes: there is no ServiceAccount app/,
    );
    for (const one of AUTH_METHODS) expect(message).toContain(`${one}: `);
    expectBoundedAndSecret(message);
  });

  it('keep to 1 KiB even where every name is as long as it may be', async () => {
    const role = 'r'.repeat(253);
    const long = 'm'.repeat(250);
    const all: VaultAuth = {
      jwt: { role, mountPath: long, secretRef: key('jwt') },
      kubernetes: {
        role,
        mountPath: long,
        serviceAccountRef: { name: 'a'.repeat(253) },
        audiences: ['vault'],
      },
      appRole: { roleId: role, mountPath: long, secretIdRef: key('secretId') },
      token: { secretRef: key('token') },
      userPass: { username: 'u'.repeat(253), mountPath: long, passwordRef: key('password') },
    };
    const answer = await asking.ask(at([], { auth: all }));
    const message = answer.kind === 'failed' ? answer.message : '';
    for (const one of AUTH_METHODS) expect(message).toContain(`${one}: `);
    expectBoundedAndSecret(message);
  });
});

function expectBoundedAndSecret(message: string, ...more: unknown[]): void {
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
  const said = inspect([message, more, asking.logged, asking.requests], {
    depth: Infinity,
    showHidden: true,
  });
  for (const planted of ['planted', ...Object.values(good)]) expect(said).not.toContain(planted);
}
