import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../hack/cluster/pki.ts';
import { asks, errors, expectRow, TEXT, type Row } from '../support/vault-answers.ts';
import { jwtSigner } from '../support/vault-auth.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';

/* What a Vault-compatible server answers to logins; vault-answers.test.ts says where Fairlead's part is tested. */

let lab: VaultLab;
let role: { roleId: string; secretId: string };
const signer = jwtSigner();

beforeAll(async () => {
  lab = await startLab();
  role = await lab.appRole('app', { token_policies: ['reader'], secret_id_num_uses: 1 });
  await asks(lab, 'POST', 'auth/approle/login', { body: { role_id: role.roleId, secret_id: role.secretId } });
  await lab.admin('POST', 'sys/auth/userpass', { type: 'userpass' });
  await lab.admin('POST', 'auth/userpass/users/app', { password: 'good' });
  await lab.admin('POST', 'auth/userpass/users/locked', { password: 'good' });
  for (let n = 0; n < 5; n += 1)
    await asks(lab, 'POST', 'auth/userpass/login/locked', { body: { password: 'bad' } });
  await lab.admin('POST', 'sys/auth/jwt', { type: 'jwt' });
  await lab.admin('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [signer.publicKey] });
  const bound = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'] };
  await lab.admin('POST', 'auth/jwt/role/app', bound);
  const names = { bound_service_account_names: ['app'], bound_service_account_namespaces: ['*'] };
  for (const mount of ['kubernetes', 'unset']) {
    await lab.admin('POST', `sys/auth/${mount}`, { type: 'kubernetes' });
    await lab.admin('POST', `auth/${mount}/role/app`, names);
  }
  await lab.admin('POST', 'auth/kubernetes/config', {
    kubernetes_host: 'https://127.0.0.1:1',
    kubernetes_ca_cert: (await createAuthority('nobody')).cert,
    token_reviewer_jwt: 'nobody',
    disable_local_ca_jwt: true,
  });
});
afterAll(() => lab.close());

async function wrap(): Promise<{ wrap_info: Record<string, unknown> }> {
  const headers = { 'x-vault-wrap-ttl': '5m' };
  return (
    await asks(lab, 'POST', 'auth/approle/role/app/secret-id', {
      token: lab.bao.rootToken,
      body: {},
      headers,
    })
  ).json();
}

const jwt = (claims: object) =>
  signer.sign({ sub: 'app', iat: 1_700_000_000, exp: 4_000_000_000, ...claims });
const ACCOUNT = {
  iss: 'kubernetes/serviceaccount',
  'kubernetes.io': { namespace: 'x', serviceaccount: { name: 'app', uid: 'u' } },
};

const rows: Record<string, Row> = {
  'garbage to unwrap is 400': [
    ['POST', 'sys/wrapping/unwrap', { token: 'hvs.nobody-knows', body: {} }],
    400,
    errors(/wrapping token is not valid or does not exist/),
  ],
  'a wrong role id is 400': [
    ['POST', 'auth/approle/login', { body: { role_id: 'x', secret_id: 'y' } }],
    400,
    errors(/invalid role or secret ID/),
  ],
  'a wrong secret id is 400 in the same words': [
    ['POST', 'auth/approle/login', () => ({ body: { role_id: role.roleId, secret_id: 'y' } })],
    400,
    errors(/invalid role or secret ID/),
  ],
  'a used-up secret id is 400 in the same words': [
    ['POST', 'auth/approle/login', () => ({ body: { role_id: role.roleId, secret_id: role.secretId } })],
    400,
    errors(/invalid role or secret ID/),
  ],
  'no secret id is 400 in other words': [
    ['POST', 'auth/approle/login', () => ({ body: { role_id: role.roleId } })],
    400,
    errors(/missing secret_id/),
  ],
  'an unknown auth mount is 403': [
    ['POST', 'auth/none/login', { body: {} }],
    403,
    errors(/permission denied/),
  ],
  'a JWT for somebody else is 400': [
    ['POST', 'auth/jwt/login', () => ({ body: { role: 'app', jwt: jwt({ aud: 'other' }) } })],
    400,
    errors(/error validating/),
  ],
  'an expired JWT is 400': [
    [
      'POST',
      'auth/jwt/login',
      () => ({ body: { role: 'app', jwt: jwt({ aud: 'vault', exp: 1_700_000_060 }) } }),
    ],
    400,
    errors(/error validating token/),
  ],
  'a JWT without iat and nbf that lives for long is 400, too: it counts as not yet valid': [
    ['POST', 'auth/jwt/login', () => ({ body: { role: 'app', jwt: jwt({ aud: 'vault', iat: undefined }) } })],
    400,
    errors(/error validating token/),
  ],
  'an unknown role of the jwt method is 400': [
    ['POST', 'auth/jwt/login', () => ({ body: { role: 'zz', jwt: jwt({ aud: 'vault' }) } })],
    400,
    errors(/role "zz" could not be found/),
  ],
  'kubernetes auth that does not reach the API server is 403': [
    ['POST', 'auth/kubernetes/login', () => ({ body: { role: 'app', jwt: jwt(ACCOUNT) } })],
    403,
    errors(/permission denied/),
  ],
  'an unknown role of kubernetes auth is 400': [
    ['POST', 'auth/kubernetes/login', () => ({ body: { role: 'zz', jwt: jwt(ACCOUNT) } })],
    400,
    errors(/./),
  ],
  'kubernetes auth that is not configured is 500': [
    ['POST', 'auth/unset/login', () => ({ body: { role: 'app', jwt: jwt(ACCOUNT) } })],
    500,
    errors(/could not load backend configuration/),
  ],
  'a wrong password is 400': [
    ['POST', 'auth/userpass/login/app', { body: { password: 'bad' } }],
    400,
    errors(/invalid username or password/),
  ],
  'a locked user is 403, also with the right password': [
    ['POST', 'auth/userpass/login/locked', { body: { password: 'good' } }],
    403,
    errors(/permission denied/),
  ],
};

describe('a Vault-compatible server', () => {
  it.each(Object.entries(rows))('says: %s', async (_, row) => expectRow(lab, row));

  it('says: a wrapped secret id comes as wrap_info, and is unwrapped once', async () => {
    const wrapped = (await wrap()).wrap_info;
    expect(wrapped).toMatchObject({
      token: TEXT,
      accessor: TEXT,
      ttl: 300,
      creation_time: TEXT,
      creation_path: 'auth/approle/role/app/secret-id',
    });
    const unwrap = () =>
      asks(lab, 'POST', 'sys/wrapping/unwrap', { token: String(wrapped['token']), body: {} });
    expect((await unwrap()).json()).toMatchObject({ data: { secret_id: TEXT } });
    const again = await unwrap();
    expect([again.status, again.json()]).toEqual([
      400,
      errors(/wrapping token is not valid or does not exist/),
    ]);
  });
});
