import { describe, expect, it } from 'vitest';
import { appRole, givenToken, kubernetes, userPass } from '../../../test/support/vault-connection.ts';
import { answer, attempt, errors, expectFault, welcome } from '../../../test/support/vault-login.ts';
import { Hidden } from './hidden.ts';
import type { Answer } from './faults.ts';
import { repeatsCredential } from './login.ts';

type Rows = Record<string, [given: Answer, reason: string, says: string, namespace?: string]>;

/** What every login that posts a credential can be answered. */
const anyLogin: Rows = {
  'at a sealed Vault is Sealed': [answer(503, errors('Vault is sealed')), 'Sealed', 'unseal it'],
  'over a quota is RateLimited': [answer(429, errors('quota')), 'RateLimited', 'raise the quota'],
  'that is redirected is Unreachable': [answer(307, ''), 'Unreachable', 'redirects'],
  'answered by something else is Unreachable': [answer(404, '<html>'), 'Unreachable', 'not from Vault'],
  'answered by a gateway is Unreachable': [answer(502, '<html>'), 'Unreachable', 'not from Vault'],
  'that breaks inside Vault fails': [answer(500, errors('planted')), 'LoginFailed', "see Vault's log"],
  'in a namespace that does not exist says so': [
    answer(404, errors('no handler for route')),
    'NamespaceNotFound',
    'spec.namespace',
    'team-a',
  ],
  'that wants a second factor fails': [
    answer(200, { auth: { client_token: '', mfa_requirement: {} } }),
    'LoginFailed',
    'second factor',
  ],
  'that gives nothing fails': [answer(200, {}), 'LoginFailed', 'gave no token'],
  'that gives a token of another kind fails': [
    answer(200, { auth: { client_token: 5 } }),
    'LoginFailed',
    'gave no token',
  ],
};

describe('an AppRole login', () => {
  const method = appRole({ mount: 'team/approle' });

  it('posts role id and secret id to its mount, without a token', async () => {
    const { asked, operations } = await attempt(method, welcome);
    expect(asked).toEqual([
      {
        path: 'auth/team/approle/login',
        body: { role_id: 'role-1', secret_id: 'planted-secret-id' },
        token: undefined,
      },
    ]);
    expect(operations).toEqual(['login']);
  });

  it('gives a token of ours with its life and its policies', async () => {
    const grant = (await attempt(method, welcome)).grant();
    expect(grant).toMatchObject({ ours: true, verified: true, renewable: true, lifeMs: 3_600_000 });
    expect(grant.policies).toBe('a b');
    expect(grant.token.reveal()).toBe('planted-new-token');
  });

  const rows: Rows = {
    'with a wrong role id or secret id is refused': [
      answer(400, errors('invalid role or secret ID')),
      'CredentialsRefused',
      "Vault refuses the AppRole's role id or secret id: write a new secret id",
    ],
    'without a secret id is refused': [
      answer(400, errors('missing secret_id')),
      'CredentialsRefused',
      'write a new secret id',
    ],
    'that is not authorized is refused': [
      answer(401, errors('x')),
      'CredentialsRefused',
      'write a new secret id',
    ],
    'at a mount that does not exist fails': [
      answer(403, errors('permission denied')),
      'LoginFailed',
      'check spec.auth.appRole.mountPath',
    ],
    'at a path that does not exist fails': [
      answer(404, errors('no handler for route')),
      'LoginFailed',
      'check spec.auth.appRole.mountPath',
    ],
    ...anyLogin,
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says, namespace]) => {
    const { status } = given;
    const request = 'POST /v1/auth/team/approle/login';
    expectFault(await attempt(method, given, { namespace }), { reason, says, status, request });
  });

  it('encodes its mount', async () => {
    const { asked } = await attempt(appRole({ mount: 'my role/ü' }), welcome);
    expect(asked).toMatchObject([{ path: 'auth/my%20role/%C3%BC/login' }]);
  });
});

describe('a userpass login', () => {
  it('posts the password to the path of the user, without a token', async () => {
    const { asked } = await attempt(userPass({ username: 'ann smith' }), welcome);
    expect(asked).toEqual([
      {
        path: 'auth/userpass/login/ann%20smith',
        body: { password: 'planted-password' },
        token: undefined,
      },
    ]);
  });

  it('gives a token of ours', async () => {
    expect((await attempt(userPass(), welcome)).grant()).toMatchObject({ ours: true, verified: true });
  });

  const rows: Rows = {
    'with a wrong name or password is refused': [
      answer(400, errors('invalid username or password')),
      'CredentialsRefused',
      'Vault refuses the user name or the password: write a new password',
    ],
    'of a user who is locked out fails': [
      answer(403, errors('permission denied')),
      'LoginFailed',
      'the user is locked out after bad logins, or there is no userpass login at this mount',
    ],
    'at a path that does not exist fails': [
      answer(404, errors('no handler for route')),
      'LoginFailed',
      'check spec.auth.userPass.mountPath',
    ],
    ...anyLogin,
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says, namespace]) => {
    const { status } = given;
    const request = 'POST /v1/auth/userpass/login/ann';
    expectFault(await attempt(userPass(), given, { namespace }), { reason, says, status, request });
  });
});

describe('a token from a Secret', () => {
  const token = givenToken();

  it('looks itself up', async () => {
    const { grant, asked, operations } = await attempt(
      token,
      answer(200, { data: { ttl: 60, renewable: true, policies: ['x'] } }),
    );
    expect(asked).toEqual([{ path: 'auth/token/lookup-self', token: 'planted-token' }]);
    expect(operations).toEqual(['lookup-self']);
    expect(grant()).toMatchObject({
      ours: false,
      verified: true,
      renewable: true,
      lifeMs: 60_000,
      policies: 'x',
    });
  });

  const grants: Record<string, [given: Answer, grant: object]> = {
    'lives for ever with a ttl of 0': [
      answer(200, { data: { ttl: 0, renewable: false } }),
      { verified: true, renewable: false, lifeMs: Infinity },
    ],
    'lives for ever if Vault does not say': [answer(200, { data: {} }), { verified: true, lifeMs: Infinity }],
    'is not verified if Vault denies it': [
      answer(403, errors('permission denied')),
      { verified: false, renewable: false, lifeMs: Infinity },
    ],
    'is not verified if Vault calls it invalid': [
      answer(403, errors('2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n')),
      { verified: false },
    ],
    'is verified if it only may not look itself up': [
      answer(403, errors('1 error occurred:\n\t* permission denied\n\n')),
      { verified: true, renewable: false, lifeMs: Infinity },
    ],
  };
  it.each(Object.entries(grants))('%s', async (_, [given, grant]) => {
    expect((await attempt(token, given)).grant()).toMatchObject({ ours: false, ...grant });
  });

  const rows: Record<string, [given: Answer, reason: string, says: string, namespace?: string]> = {
    'fails at what is no Vault': [answer(404, errors('x')), 'LoginFailed', 'check that spec.host is a Vault'],
    'finds no namespace': [
      answer(404, errors('namespace not found')),
      'NamespaceNotFound',
      'no such namespace',
      'team-a',
    ],
    'finds an internal error': [answer(500, errors('planted')), 'Unreachable', 'internal error'],
    'finds a sealed Vault': [answer(503, errors('x')), 'Sealed', 'unseal it'],
    'finds a used-up quota': [answer(429, errors('x')), 'RateLimited', 'raise the quota'],
    'finds a firewall': [answer(403, '<html>'), 'Unreachable', 'not from Vault'],
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says, namespace]) => {
    const { status } = given;
    const request = 'GET /v1/auth/token/lookup-self';
    expectFault(await attempt(token, given, { namespace }), { reason, says, status, request });
  });
});

describe('the same credential is sent again', () => {
  it.each([
    ['by AppRole', appRole(), true],
    ['by userpass', userPass(), true],
    ['by a token', givenToken(), true],
    ['by a JWT from a Secret', kubernetes({ kind: 'jwt', jwt: new Hidden('x') }), true],
    ['but not by a fresh token of a ServiceAccount', kubernetes(), false],
  ])('%s', (_, method, repeats) => {
    expect(repeatsCredential(method)).toBe(repeats);
  });
});
