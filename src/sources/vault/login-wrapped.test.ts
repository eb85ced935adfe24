import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { appRole } from '../../../test/support/vault-connection.ts';
import { answer, attempt, errors, expectFault, welcome } from '../../../test/support/vault-login.ts';
import type { Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import type { Unwrapped } from './login.ts';

const UNWRAP = 'sys/wrapping/unwrap';
const wrapped = (token = 'planted-wrapping-token') => appRole({ wrapped: true, secretId: new Hidden(token) });
const inside = (secretId: unknown) => answer(200, { data: { secret_id: secretId, secret_id_ttl: 0 } });
const opened = { [UNWRAP]: inside('planted-unwrapped-id') };

describe('a wrapped secret id', () => {
  it('is taken out with the wrapping token, and then used without one', async () => {
    const { asked, operations } = await attempt(wrapped(), welcome, { at: opened });
    expect(asked).toEqual([
      { path: UNWRAP, body: {}, token: 'planted-wrapping-token' },
      {
        path: 'auth/approle/login',
        body: { role_id: 'role-1', secret_id: 'planted-unwrapped-id' },
        token: undefined,
      },
    ]);
    expect(operations).toEqual(['unwrap', 'login']);
  });

  it('is taken out once: later logins use the same one', async () => {
    const unwrapped: Unwrapped = new Map();
    await attempt(wrapped(), welcome, { at: opened, unwrapped });
    const { asked } = await attempt(wrapped(), welcome, { unwrapped });
    expect(asked).toMatchObject([
      { path: 'auth/approle/login', body: { secret_id: 'planted-unwrapped-id' } },
    ]);
  });

  it('is taken out once for all who log in at the same time', async () => {
    const unwrapped: Unwrapped = new Map();
    const both = await Promise.all(
      [1, 2].map(async () => attempt(wrapped(), welcome, { at: opened, unwrapped })),
    );
    expect(both.flatMap(({ operations }) => operations).toSorted()).toEqual(['login', 'login', 'unwrap']);
  });

  it('is asked for again if it could not be taken out', async () => {
    const unwrapped: Unwrapped = new Map();
    await attempt(wrapped(), welcome, { at: { [UNWRAP]: answer(503, errors('sealed')) }, unwrapped });
    expect((await attempt(wrapped(), welcome, { at: opened, unwrapped })).grant().ours).toBe(true);
  });

  it('is kept though the login fails: it cannot be taken out again', async () => {
    const unwrapped: Unwrapped = new Map();
    await attempt(wrapped(), answer(500, errors('x')), { at: opened, unwrapped });
    expect((await attempt(wrapped(), welcome, { unwrapped })).grant().ours).toBe(true);
  });

  it('is not that of another wrapping token or another namespace', async () => {
    const unwrapped: Unwrapped = new Map();
    await attempt(wrapped(), welcome, { at: opened, unwrapped });
    for (const [method, namespace] of [
      [wrapped('other'), undefined],
      [wrapped(), 'team-a'],
    ] as const) {
      const { operations } = await attempt(method, welcome, { at: opened, unwrapped, namespace });
      expect(operations).toEqual(['unwrap', 'login']);
    }
  });

  it('is not kept where it can be read', async () => {
    const unwrapped: Unwrapped = new Map();
    await attempt(wrapped(), welcome, { at: opened, unwrapped });
    expect(inspect(unwrapped, { depth: Infinity, showHidden: true })).not.toContain('planted');
  });
});

describe('taking out a wrapped secret id', () => {
  const used = 'wrapping token was already used or has expired: someone else may have read it';
  const rows: Record<string, [given: Answer, reason: string, says: string]> = {
    'twice says that somebody else may have read it': [
      answer(400, errors('wrapping token is not valid or does not exist')),
      'CredentialsRefused',
      used,
    ],
    'with a token that Vault does not know at all says so, too': [
      answer(403, errors('permission denied')),
      'CredentialsRefused',
      used,
    ],
    'of something else says what to wrap': [
      answer(200, { data: { password: 'planted' } }),
      'CredentialsRefused',
      'the wrapping token wraps no secret id: wrap the answer of auth/<mount>/role/<role>/secret-id',
    ],
    'of a secret id that is empty says what to wrap': [
      inside(''),
      'CredentialsRefused',
      'wraps no secret id',
    ],
    'of a secret id that is no text says what to wrap': [
      inside(7),
      'CredentialsRefused',
      'wraps no secret id',
    ],
    'at a Vault that breaks inside fails': [answer(500, errors('planted')), 'LoginFailed', "see Vault's log"],
    'at a sealed Vault is Sealed': [answer(503, errors('x')), 'Sealed', 'unseal it'],
    'over a quota is RateLimited': [answer(429, errors('x')), 'RateLimited', 'raise the quota'],
    'answered by something else is Unreachable': [answer(200, '<html>'), 'Unreachable', 'not from Vault'],
  };
  it.each(Object.entries(rows))('%s, and there is no login', async (_, [given, reason, says]) => {
    const outcome = await attempt(wrapped(), welcome, { at: { [UNWRAP]: given } });
    const { status } = given;
    expectFault(outcome, { reason, says, status, request: `POST /v1/${UNWRAP}` });
    expect(outcome.operations).toEqual(['unwrap']);
  });
});
