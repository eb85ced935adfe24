import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  appRole,
  HOST,
  make,
  secret,
  target,
  TOKEN,
  type Setting,
} from '../../../test/support/vault-integration.ts';
import { AUTH_METHODS, type VaultAuth } from '../../api/vault-auth.ts';
import type { BoundObject } from './credentials.ts';
import { account, identity, type LoginMethod } from './methods.ts';

const token = { secretRef: { name: 'vault-prod', key: 'token' } };
const userPass = { username: 'ann', passwordRef: { name: 'vault-prod', key: 'password' } };
const jwt = { role: 'role-1', secretRef: { name: 'vault-prod', key: 'jwt' } };
const kubernetes = { role: 'role-1', serviceAccountRef: { name: 'vault-login' }, audiences: ['vault'] };
const all = { userPass, token, appRole, kubernetes, jwt };
const planted = { token: TOKEN, secretId: 'planted-id', password: 'planted-password', jwt: 'planted.jwt' };

/** A ServiceAccount that is bound to the integration's host. */
const account1 = (changes: { uid?: string; host?: string; bundle?: string } = {}): BoundObject => ({
  metadata: {
    uid: changes.uid ?? 'uid-sa',
    annotations: {
      'fairlead.dev/vault-host': changes.host ?? HOST,
      ...(changes.bundle !== undefined && { 'fairlead.dev/resource-bundle': changes.bundle }),
    },
  },
});

function setting(
  auth: VaultAuth,
  changes: Setting = {},
  found: BoundObject | undefined = account1(),
): Setting {
  return {
    secret: secret({ data: planted }),
    objects: {
      serviceAccount: (name) => (['vault-login', 'fairlead-controller'].includes(name) ? found : undefined),
    },
    ...changes,
    spec: { ...changes.spec, auth },
  };
}

function methods(auth: VaultAuth, changes: Setting = {}): readonly LoginMethod[] {
  return target(setting(auth, changes)).methods;
}

function only(auth: VaultAuth, changes: Setting = {}): LoginMethod {
  const [method] = methods(auth, changes);
  if (!method) throw new Error('there is no method');
  return method;
}

describe('the login methods of an integration', () => {
  it('are tried in the order jwt, kubernetes, appRole, token, userPass, however they are written', () => {
    expect(methods(all).map(({ kind }) => kind)).toEqual(AUTH_METHODS);
    expect(AUTH_METHODS).toEqual(['jwt', 'kubernetes', 'appRole', 'token', 'userPass']);
  });

  const made: Record<string, [auth: VaultAuth, method: object]> = {
    'jwt with a token from a Secret': [
      { jwt },
      { kind: 'jwt', mount: 'jwt', role: 'role-1', source: 'Secret vault-prod' },
    ],
    'jwt with a fresh token': [
      { jwt: { role: 'r', serviceAccountRef: { name: 'vault-login' }, audiences: ['vault'] } },
      {
        kind: 'jwt',
        jwt: { serviceAccount: 'vault-login', audiences: ['vault'] },
        source: 'ServiceAccount vault-login',
        revision: 'uid-sa',
      },
    ],
    kubernetes: [
      { kubernetes },
      {
        kind: 'kubernetes',
        mount: 'kubernetes',
        role: 'role-1',
        jwt: { serviceAccount: 'vault-login', audiences: ['vault'] },
      },
    ],
    'appRole with its role id in the spec': [
      { appRole: { ...appRole, roleId: ' role-1\n' } },
      { kind: 'appRole', mount: 'approle', roleId: 'role-1', wrapped: false },
    ],
    'appRole with its role id in a Secret': [
      { appRole: { roleIdRef: { name: 'vault-prod', key: 'password' }, secretIdRef: appRole.secretIdRef } },
      {
        kind: 'appRole',
        roleId: 'planted-password',
        source: 'Secret vault-prod and Secret vault-prod',
        revision: expect.stringMatching(/^uid-1\/\S+ uid-1\/\S+$/),
      },
    ],
    'appRole with a wrapped secret id': [
      { appRole: { ...appRole, wrapped: true } },
      { kind: 'appRole', wrapped: true },
    ],
    token: [{ token }, { kind: 'token', source: 'Secret vault-prod' }],
    userPass: [
      { userPass: { ...userPass, username: ' ann ' } },
      { kind: 'userPass', mount: 'userpass', username: 'ann' },
    ],
  };
  it.each(Object.entries(made))('can be %s', (_, [auth, method]) => {
    expect(only(auth)).toMatchObject(method);
  });

  it.each(['jwt', 'kubernetes', 'appRole', 'userPass'] as const)('can be at any mount: %s', (method) => {
    const auth = { [method]: { ...all[method], mountPath: 'team/logins/' } };
    expect(only(auth)).toMatchObject({ mount: 'team/logins' });
  });

  it('take credentials without the white space around them', () => {
    const data = Object.fromEntries(
      Object.entries(planted).map(([key, value]) => [key, `\r\n ${value}\t\n`]),
    );
    const [first, , third, fourth, fifth] = methods(all, { secret: secret({ data }) });
    const revealed = [
      first && 'jwt' in first && 'reveal' in first.jwt && first.jwt.reveal(),
      third?.kind === 'appRole' && third.secretId.reveal(),
      fourth?.kind === 'token' && fourth.token.reveal(),
      fifth?.kind === 'userPass' && fifth.password.reveal(),
    ];
    expect(revealed).toEqual(['planted.jwt', 'planted-id', TOKEN, 'planted-password']);
  });

  it('show no credential when they are printed', () => {
    expect(inspect(methods(all), { depth: Infinity, showHidden: true })).not.toContain('planted');
    expect(JSON.stringify(methods(all))).not.toContain('planted');
  });
});

describe('a method is left out, and said why, beside one that can be used', () => {
  const rows: Record<string, [auth: VaultAuth, reason: string, message: string, found?: BoundObject]> = {
    'if the ServiceAccount is one that Fairlead runs under': [
      { kubernetes: { ...kubernetes, serviceAccountRef: { name: 'fairlead-controller' } } },
      'NotSupportedHere',
      "ServiceAccount fairlead-controller is one of Fairlead's own: use another one",
    ],
    'if there is no ServiceAccount': [
      { kubernetes: { ...kubernetes, serviceAccountRef: { name: 'nobody' } } },
      'CredentialsMissing',
      'there is no ServiceAccount nobody in the system namespace',
    ],
    'if the ServiceAccount is for another host': [
      { kubernetes },
      'CredentialsRefused',
      `annotation fairlead.dev/vault-host of ServiceAccount vault-login must be ${HOST}`,
      account1({ host: 'https://evil.example' }),
    ],
    'if the ServiceAccount is for no host: it is not meant for Vault at all': [
      { kubernetes },
      'CredentialsRefused',
      'annotation fairlead.dev/vault-host of ServiceAccount vault-login',
      { metadata: { uid: '1' } },
    ],
    'if the ServiceAccount is for another bundle': [
      { jwt: { role: 'r', serviceAccountRef: { name: 'vault-login' }, audiences: ['vault'] } },
      'CredentialsRefused',
      'ServiceAccount vault-login must have no annotation fairlead.dev/resource-bundle',
      account1({ bundle: 'finance' }),
    ],
    'if the operator does not allow the audience': [
      { kubernetes: { ...kubernetes, audiences: ['vault', 'https://kubernetes.default.svc'] } },
      'NotSupportedHere',
      'the operator does not allow the audience "https://kubernetes.default.svc" (--token-audiences)',
    ],
    'if there is no audience: the API server itself would accept such a token': [
      { kubernetes: { ...kubernetes, audiences: [] } },
      'NotSupportedHere',
      'the operator does not allow the audience ""',
    ],
    'if its mount leads elsewhere': [
      { appRole: { ...appRole, mountPath: '../../sys' } },
      'LoginFailed',
      'spec.auth.appRole.mountPath must be a mount path such as approle or team/approle',
    ],
    'if its Secret is missing': [
      { userPass: { ...userPass, passwordRef: { name: 'other', key: 'password' } } },
      'CredentialsMissing',
      'there is no Secret other of type fairlead.dev/vault-credentials',
    ],
    'if the role id is missing in its Secret': [
      { appRole: { roleIdRef: { name: 'vault-prod', key: 'none' }, secretIdRef: appRole.secretIdRef } },
      'CredentialsMissing',
      'Secret vault-prod has no key "none", or it is empty',
    ],
    'if a JWT could end a header': [
      { jwt: { role: 'r', secretRef: { name: 'vault-prod', key: 'words' } } },
      'CredentialsRefused',
      'key "words" of Secret vault-prod holds characters that no credential has',
    ],
    'if a wrapping token could end a header': [
      { appRole: { ...appRole, secretIdRef: { name: 'vault-prod', key: 'words' }, wrapped: true } },
      'CredentialsRefused',
      'key "words" of Secret vault-prod holds characters that no credential has',
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [auth, reason, message, found]) => {
    const data = { ...planted, words: 'planted words' };
    const changes = { secret: secret({ data }) };
    const one = target(setting({ ...auth, token }, changes, found ?? account1()));
    expect(one.methods.map(({ kind }) => kind)).toEqual(['token']);
    expect(one.unusable).toMatchObject([{ reason, message: expect.stringContaining(message) }]);
    expect(one.unusable.map(({ method }) => method)).toEqual(Object.keys(auth));

    const alone = make(setting(auth, changes, found ?? account1()));
    expect(alone).toMatchObject({ kind: 'failed', reason, message: expect.stringContaining(message) });
    expect(inspect([one, alone], { depth: Infinity })).not.toContain('planted words');
  });

  it('all by name if none can be used', () => {
    const made = make(setting({ token, userPass }, { secret: 'none' }));
    expect(made).toMatchObject({
      reason: 'CredentialsMissing',
      message: expect.stringMatching(
        /^no login method can be tried: token: there is no .*; userPass: there is no /,
      ),
    });
  });

  it('may be given by the operator: more audiences', () => {
    const auth = { kubernetes: { ...kubernetes, audiences: ['openbao'] } };
    expect(make(setting(auth)).kind).toBe('failed');
    expect(make(setting(auth, { tokenAudiences: ['vault', 'openbao'] })).kind).toBe('target');
  });
});

describe('two logins are the same', () => {
  const id = (auth: VaultAuth, changes: Setting = {}, found?: BoundObject) => {
    const [method] = target(setting(auth, changes, found)).methods;
    return (
      method && inspect(identity(method).map((part) => (typeof part === 'string' ? part : part.reveal())))
    );
  };
  const other: Record<string, [auth: VaultAuth, changed: VaultAuth]> = {
    'role of jwt': [{ jwt }, { jwt: { ...jwt, role: 'other' } }],
    'mount of jwt': [{ jwt }, { jwt: { ...jwt, mountPath: 'other' } }],
    'role of kubernetes': [{ kubernetes }, { kubernetes: { ...kubernetes, role: 'other' } }],
    'role id': [{ appRole }, { appRole: { ...appRole, roleId: 'other' } }],
    'way of wrapping': [{ appRole }, { appRole: { ...appRole, wrapped: true } }],
    user: [{ userPass }, { userPass: { ...userPass, username: 'other' } }],
    'mount of userPass': [{ userPass }, { userPass: { ...userPass, mountPath: 'other' } }],
  };
  it.each(Object.entries(other))('but not with another %s', (_, [auth, changed]) => {
    expect(id(auth)).toBe(id(auth));
    expect(id(auth)).not.toBe(id(changed));
  });

  it.each(Object.entries({ jwt, appRole, token, userPass }))(
    'but not with another credential: %s',
    (method, given) => {
      const data = { token: 'a', secretId: 'b', password: 'c', jwt: 'd' };
      const auth = { [method]: given };
      expect(id(auth)).not.toBe(id(auth, { secret: secret({ data }) }));
    },
  );

  it('though the Secret was written again with the same credential', () => {
    expect(id({ token })).toBe(id({ token }, { secret: secret({ data: planted, uid: 'uid-2' }) }));
  });

  it('but not with a ServiceAccount that was deleted and made again', () => {
    expect(id({ kubernetes })).not.toBe(id({ kubernetes }, {}, account1({ uid: 'uid-2' })));
  });

  it('but not with other audiences', () => {
    const changed = { kubernetes: { ...kubernetes, audiences: ['vault', 'more'] } };
    expect(id({ kubernetes })).not.toBe(id(changed, { tokenAudiences: ['vault', 'more'] }));
  });
});

describe('the account that Vault counts bad logins for', () => {
  it('is the user, whatever the password and the case', () => {
    const changed = { userPass: { ...userPass, username: 'ANN' } };
    expect(account(only({ userPass }))).toBe(
      account(only(changed, { secret: secret({ data: { password: 'other' } }) })),
    );
  });

  it('is the role of an AppRole, whatever the secret id', () => {
    expect(account(only({ appRole }))).toBe(
      account(only({ appRole }, { secret: secret({ data: { secretId: 'other' } }) })),
    );
  });

  it.each([{ jwt }, { kubernetes }, { token }])('does not exist for %j', (auth) => {
    expect(account(only(auth))).toBeUndefined();
  });
});
