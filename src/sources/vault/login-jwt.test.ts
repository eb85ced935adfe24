import { describe, expect, it } from 'vitest';
import { jwt, kubernetes } from '../../../test/support/vault-connection.ts';
import { answer, attempt, errors, expectFault, welcome } from '../../../test/support/vault-login.ts';
import type { Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import type { ServiceAccountToken } from './methods.ts';

type Rows = Record<string, [given: Answer, reason: string, says: string]>;

const anyLogin: Rows = {
  'at a sealed Vault is Sealed': [answer(503, errors('Vault is sealed')), 'Sealed', 'unseal it'],
  'over a quota is RateLimited': [answer(429, errors('quota')), 'RateLimited', 'raise the quota'],
  'that is redirected is Unreachable': [answer(308, ''), 'Unreachable', 'redirects'],
  'answered by something else is Unreachable': [answer(403, '<html>'), 'Unreachable', 'not from Vault'],
  'at a mount that is not configured fails': [
    answer(500, errors('could not load backend configuration: planted')),
    'LoginFailed',
    'may not be configured for it (auth/<mount>/config)',
  ],
  'that gives nothing fails': [answer(200, {}), 'LoginFailed', 'gave no token'],
};

describe('a JWT login', () => {
  it('posts role and token to its mount, without a token of Vault', async () => {
    const { asked } = await attempt(jwt({ mount: 'team/jwt' }), welcome);
    expect(asked).toEqual([
      { path: 'auth/team/jwt/login', body: { role: 'role-1', jwt: 'planted-jwt' }, token: undefined },
    ]);
  });

  it('gives a token of ours with its life', async () => {
    const grant = (await attempt(jwt(), welcome)).grant();
    expect(grant).toMatchObject({ ours: true, verified: true, lifeMs: 3_600_000 });
  });

  const rows: Rows = {
    'with a token that Vault does not take is refused': [
      answer(400, errors('error validating token: planted')),
      'CredentialsRefused',
      "check spec.auth.jwt.role, the role's bound audiences and claims, and who signs the token",
    ],
    'with a role that Vault does not know is refused': [
      answer(400, errors('role "zz" could not be found')),
      'CredentialsRefused',
      'does not know the role',
    ],
    'that is not authorized is refused': [
      answer(401, errors('x')),
      'CredentialsRefused',
      'refuses the token',
    ],
    'at a mount that does not exist fails': [
      answer(403, errors('permission denied')),
      'LoginFailed',
      'check spec.auth.jwt.mountPath',
    ],
    'at a path that does not exist fails': [
      answer(404, errors('no handler for route')),
      'LoginFailed',
      'check spec.auth.jwt.mountPath',
    ],
    ...anyLogin,
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says]) => {
    const { status } = given;
    const outcome = await attempt(jwt(), given);
    expectFault(outcome, { reason, says, status, request: 'POST /v1/auth/jwt/login' });
  });
});

describe('a Kubernetes login', () => {
  it('posts role and token to its mount', async () => {
    const { asked } = await attempt(kubernetes({ mount: 'my kube' }), welcome);
    expect(asked).toEqual([
      {
        path: 'auth/my%20kube/login',
        body: { role: 'role-1', jwt: 'planted-fresh-jwt' },
        token: undefined,
      },
    ]);
  });

  const rows: Rows = {
    'with a role that Vault does not know fails': [
      answer(400, errors('invalid role name "zz"')),
      'LoginFailed',
      'correct spec.auth.kubernetes.role',
    ],
    'with a token that Vault does not take, or at no mount, fails': [
      answer(403, errors('permission denied')),
      'LoginFailed',
      'that Vault reaches the API server and may create TokenReviews',
    ],
    'of a ServiceAccount that the role is not for fails': [
      answer(403, errors('service account name not authorized')),
      'LoginFailed',
      "the role's bound names and namespaces",
    ],
    'at a path that does not exist fails': [
      answer(404, errors('no handler for route')),
      'LoginFailed',
      'check spec.auth.kubernetes (mountPath, role, audiences)',
    ],
    ...anyLogin,
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says]) => {
    const { status } = given;
    const outcome = await attempt(kubernetes(), given);
    expectFault(outcome, { reason, says, status, request: 'POST /v1/auth/kubernetes/login' });
  });
});

describe('a token of a ServiceAccount', () => {
  it.each(['jwt', 'kubernetes'] as const)('is asked for anew at each login: %s', async (kind) => {
    const wanted: ServiceAccountToken[] = [];
    let count = 0;
    const requestToken = async (one: ServiceAccountToken) => {
      wanted.push(one);
      return Promise.resolve({ token: new Hidden(`jwt-${(count += 1)}`) });
    };
    const method = kubernetes({ kind });
    const first = await attempt(method, welcome, { requestToken });
    const second = await attempt(method, welcome, { requestToken });
    expect([...first.asked, ...second.asked]).toMatchObject([
      { body: { jwt: 'jwt-1' } },
      { body: { jwt: 'jwt-2' } },
    ]);
    expect(wanted).toEqual([
      { serviceAccount: 'vault-login', audiences: ['vault'] },
      { serviceAccount: 'vault-login', audiences: ['vault'] },
    ]);
  });

  it('that the API server does not give is a failed login, and Vault is not asked', async () => {
    const requestToken = async () => Promise.resolve({ refused: 'HTTP 403 (Forbidden)' });
    const outcome = await attempt(kubernetes(), welcome, { requestToken });
    expectFault(outcome, {
      reason: 'LoginFailed',
      says: 'the API server gives no token of ServiceAccount vault-login: HTTP 403 (Forbidden)',
      scope: 'connection',
    });
    expect(outcome.asked).toEqual([]);
  });

  it('that is not asked for because all ends is no fault', async () => {
    const reason = new Error('enough');
    const requestToken = async () => Promise.reject(reason);
    expect((await attempt(kubernetes(), welcome, { requestToken })).result).toBe(reason);
  });
});
