import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { VaultClient } from './client.ts';
import type { LoginMethod } from './credentials.ts';
import { VaultError } from './errors.ts';
import type { Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import { parseJson } from '../../json/json.ts';
import { isPolicyDenial, life, logIn, lookupFault } from './login.ts';

const from = { secretName: 'vault-prod', revision: '1' };
const appRole: LoginMethod = {
  kind: 'appRole',
  mount: 'team/approle',
  roleId: 'role-1',
  secretId: new Hidden('planted-secret-id'),
  ...from,
};
const token: LoginMethod = { kind: 'token', token: new Hidden('planted-token'), ...from };
const { signal } = new AbortController();

function answer(status: number, body: unknown): Answer {
  return { status, body: typeof body === 'string' ? undefined : parseJson(JSON.stringify(body)) };
}

const errors = (...texts: string[]) => ({ errors: texts });

/** Logs in against a server that gives one answer; tells what it was asked. */
async function attempt(method: LoginMethod, given: Answer, namespace?: string) {
  const asked: unknown[] = [];
  const client = (token: Hidden | undefined): VaultClient => ({
    read: (path) => {
      asked.push({ path, token: token?.reveal() });
      return Promise.resolve(given);
    },
    write: (path, body) => {
      asked.push({ path, body, token: token?.reveal() });
      return Promise.resolve(given);
    },
  });
  const result = await logIn(method, {
    namespace,
    signal,
    ask: (_operation, token, request) => request(client(token)),
  }).catch((error: unknown) => error);
  return { result, asked };
}

describe('an AppRole login', () => {
  const auth = { client_token: 'planted-new-token', lease_duration: 3600, renewable: true };

  it('posts role id and secret id to its mount, without a token', async () => {
    const { asked } = await attempt(appRole, answer(200, { auth }));
    expect(asked).toEqual([
      {
        path: 'auth/team/approle/login',
        body: { role_id: 'role-1', secret_id: 'planted-secret-id' },
        token: undefined,
      },
    ]);
  });

  it('gives a token of ours with its life', async () => {
    const { result } = await attempt(appRole, answer(200, { auth }));
    expect(result).toMatchObject({ ours: true, verified: true, renewable: true, lifeMs: 3_600_000 });
    expect((result as { token: Hidden }).token.reveal()).toBe('planted-new-token');
  });

  const rows: Record<string, [given: Answer, reason: string, says: string, namespace?: string]> = {
    'with a wrong secret id is refused': [
      answer(400, errors('invalid role or secret ID')),
      'CredentialsRefused',
      'write a new secret id',
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
    'in a namespace that does not exist says so': [
      answer(404, errors('no handler for route')),
      'NamespaceNotFound',
      'spec.namespace',
      'team-a',
    ],
    'that breaks inside Vault fails': [answer(500, errors('planted')), 'LoginFailed', "see Vault's log"],
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
    'at a sealed Vault is Sealed': [answer(503, errors('Vault is sealed')), 'Sealed', 'unseal it'],
    'over a quota is RateLimited': [answer(429, errors('quota')), 'RateLimited', 'raise the quota'],
    'that is redirected is Unreachable': [answer(307, ''), 'Unreachable', 'redirects'],
    'answered by something else is Unreachable': [answer(404, '<html>'), 'Unreachable', 'not from Vault'],
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, says, namespace]) => {
    const { result } = await attempt(appRole, given, namespace);
    expect(result).toBeInstanceOf(VaultError);
    expect(result).toMatchObject({
      code: reason,
      fault: { scope: 'connection', status: given.status, request: 'POST /v1/auth/team/approle/login' },
    });
    expect((result as VaultError).message).toContain(says);
    expect(inspect(result, { depth: Infinity, showHidden: true })).not.toContain('planted');
  });

  it('encodes its mount', async () => {
    const { asked } = await attempt({ ...appRole, mount: 'my role/ü' }, answer(200, { auth }));
    expect(asked).toMatchObject([{ path: 'auth/my%20role/%C3%BC/login' }]);
  });
});

describe('a token from a Secret', () => {
  it('looks itself up', async () => {
    const { result, asked } = await attempt(token, answer(200, { data: { ttl: 60, renewable: true } }));
    expect(asked).toEqual([{ path: 'auth/token/lookup-self', token: 'planted-token' }]);
    expect(result).toMatchObject({ ours: false, verified: true, renewable: true, lifeMs: 60_000 });
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
    expect((await attempt(token, given)).result).toMatchObject({ ours: false, ...grant });
  });

  const rows: Record<string, [given: Answer, reason: string, namespace?: string]> = {
    'fails at what is no Vault': [answer(404, errors('x')), 'LoginFailed'],
    'finds no namespace': [answer(404, errors('namespace not found')), 'NamespaceNotFound', 'team-a'],
    'finds an internal error': [answer(500, errors('x')), 'Unreachable'],
    'finds a sealed Vault': [answer(503, errors('x')), 'Sealed'],
    'finds a used-up quota': [answer(429, errors('x')), 'RateLimited'],
    'finds a firewall': [answer(403, '<html>'), 'Unreachable'],
  };
  it.each(Object.entries(rows))('%s', async (_, [given, reason, namespace]) => {
    const { result } = await attempt(token, given, namespace);
    expect(result).toMatchObject({
      code: reason,
      fault: { scope: 'connection', status: given.status, request: 'GET /v1/auth/token/lookup-self' },
    });
  });
});

describe('lookup-self', () => {
  it.each([200, 403])('with status %d is no fault', (status) => {
    expect(lookupFault(answer(status, errors()), undefined)).toBeUndefined();
  });

  const denials: Record<string, [given: Answer, isDenial: boolean]> = {
    'is denied by a policy': [answer(403, errors('1 error occurred:\n\t* permission denied\n\n')), true],
    'is denied to a dead token': [answer(403, errors('permission denied')), false],
    'is denied to an invalid token': [
      answer(403, errors('2 errors occurred:\n\t* permission denied')),
      false,
    ],
    'is denied without words': [answer(403, errors()), false],
    'is denied by something else': [answer(403, '<html>'), false],
    'is broken': [answer(500, errors('1 error occurred')), false],
  };
  it.each(Object.entries(denials))('%s', (_, [given, isDenial]) => {
    expect(isPolicyDenial(given)).toBe(isDenial);
  });
});

describe('the life of a token', () => {
  it.each([
    [
      { ttl: 60, renewable: true },
      { renewable: true, lifeMs: 60_000 },
    ],
    [
      { ttl: 0, renewable: true },
      { renewable: true, lifeMs: Infinity },
    ],
    [
      { ttl: '60', renewable: 'true' },
      { renewable: false, lifeMs: Infinity },
    ],
    [{}, { renewable: false, lifeMs: Infinity }],
  ])('in %j is %j', (source, expected) => {
    expect(life(parseJson(JSON.stringify(source)), 'ttl')).toEqual(expected);
  });
});
