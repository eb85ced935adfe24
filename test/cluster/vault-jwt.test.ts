import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { readPolicy } from '../../hack/vault-admin.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { loginAccount, loginSecret, settled, vaultIntegration } from '../support/vault-product.ts';

/**
 * OpenBao's jwt auth method with the keys of the real API server, through the whole of Fairlead. OpenBao gets them
 * from the API server itself (jwks_url), which tells them to everybody once a binding says so.
 */

let p: Platform;
let namespace: string;
let host: string;
const MOUNT = 'jwt-login';
const PATH = 'secret/data/jwt-login';
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const DISCOVERY = 'jwt-login-discovery';
const SUBJECT = `system:serviceaccount:${SYSTEM}:jwt-login`;

beforeAll(async () => {
  p = await platform('jwt-login');
  host = p.vault.address;
  namespace = await p.namespace('jwt');
  await p.vault.put(PATH, { a: 'one' });
  await p.vault.policy('jwt-login', readPolicy(PATH));
  await p.k.apply(loginAccount('jwt-login', { host }), {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: DISCOVERY },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:service-account-issuer-discovery',
    },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
  });
  await p.vault.call('POST', `sys/auth/${MOUNT}`, { type: 'jwt' });
  await p.vault.call('POST', `auth/${MOUNT}/config`, {
    jwks_url: `${p.cluster.server}/openid/v1/jwks`,
    jwks_ca_pem: await readFile(p.cluster.caFile, 'utf8'),
    bound_issuer: ISSUER,
  });
  const role = {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_subject: SUBJECT,
    token_policies: ['jwt-login'],
    token_ttl: '1h',
  };
  await p.vault.call('POST', `auth/${MOUNT}/role/app`, { ...role, bound_audiences: ['vault'] });
  await p.vault.call('POST', `auth/${MOUNT}/role/others`, { ...role, bound_audiences: ['others'] });
  await p.vault.call('POST', `auth/${MOUNT}/role/foreign`, {
    ...role,
    bound_audiences: ['vault'],
    bound_subject: 'system:serviceaccount:elsewhere:app',
  });
});
afterAll(async () => {
  for (const name of ['jwt-login', 'jwt-kept', 'jwt-refused']) {
    await p.k.remove('vaultintegration', SYSTEM, name);
    await p.k.remove('secret', SYSTEM, name);
  }
  await p.k.remove('serviceaccount', SYSTEM, 'jwt-login');
  await p.k.run('delete', 'clusterrolebinding', DISCOVERY, '--ignore-not-found');
  await p.vault.call('DELETE', `sys/auth/${MOUNT}`);
  await p?.stop();
});

const integration = (name: string, jwt: object) =>
  vaultIntegration(name, { host, path: PATH, auth: { jwt: { mountPath: MOUNT, role: 'app', ...jwt } } });
const byAccount = { serviceAccountRef: { name: 'jwt-login' }, audiences: ['vault'] };
const bySecret = (name: string) => ({ secretRef: { name, key: 'jwt' } });

/** Made by the API server, as by whoever keeps a token in a Secret. */
async function token(audience = 'vault', duration = '10m'): Promise<string> {
  const args = [
    'create',
    'token',
    'jwt-login',
    '-n',
    SYSTEM,
    `--audience=${audience}`,
    `--duration=${duration}`,
  ];
  return (await p.k.run(...args)).trim();
}

describe('a login by jwt auth', () => {
  it('with a fresh token of a ServiceAccount gives a pod its value', async () => {
    await p.k.apply(
      integration('jwt-login', byAccount),
      reference('warehouse', namespace, { A: 'VAULT/jwt-login/a' }),
    );
    expect(await settled(p, 'jwt-login', 'Connected')).toMatchObject({ authMethod: 'jwt', keyCount: 1 });
    await p.pod(namespace, 'runs');
    await p.released(namespace, 'runs');
    expect(await p.delivered(namespace, 'runs')).toEqual({ A: 'one' });
  });

  it('with a token that is kept in a Secret does the same', async () => {
    await p.k.apply(
      loginSecret('jwt-kept', { host }, { jwt: `\n${await token()}\n` }),
      integration('jwt-kept', bySecret('jwt-kept')),
      reference('kept', namespace, { A: 'VAULT/jwt-kept/a' }),
    );
    expect(await settled(p, 'jwt-kept', 'Connected')).toMatchObject({ authMethod: 'jwt' });
    await p.pod(namespace, 'kept', 'kept');
    await p.released(namespace, 'kept');
    expect(await p.delivered(namespace, 'kept')).toEqual({ A: 'one' });
  });

  const MENDED = 'Vault refuses the token or does not know the role: check spec.auth.jwt.role';
  const refused: Record<string, [reason: string, says: string, jwt: () => Promise<object>]> = {
    'a token for another audience than that of the role': [
      'CredentialsRefused',
      MENDED,
      async () => ({ ...byAccount, role: 'others' }),
    ],
    'a token of another subject than that of the role': [
      'CredentialsRefused',
      MENDED,
      async () => ({ ...byAccount, role: 'foreign' }),
    ],
    'a role that Vault does not know': [
      'CredentialsRefused',
      MENDED,
      async () => ({ ...byAccount, role: 'zz' }),
    ],
    'a kept token for another audience': [
      'CredentialsRefused',
      MENDED,
      async () => kept(await token('others')),
    ],
    'a kept token that has expired': ['CredentialsRefused', MENDED, async () => kept(await expired())],
    'a kept token that somebody else signed': [
      'CredentialsRefused',
      MENDED,
      async () => kept(`${(await token()).split('.').slice(0, 2).join('.')}.${'A'.repeat(342)}`),
    ],
    'what is no token': ['CredentialsRefused', MENDED, async () => kept('planted-no-token')],
    'a mount that does not exist': [
      'LoginFailed',
      'there is no JWT login at this mount',
      async () => ({ ...byAccount, mountPath: 'nowhere' }),
    ],
    'an audience that the operator does not allow': [
      'NotSupportedHere',
      'the operator does not allow the audience "others"',
      async () => ({ ...byAccount, audiences: ['others'] }),
    ],
  };

  async function kept(jwt: string): Promise<object> {
    await p.k.remove('secret', SYSTEM, 'jwt-refused');
    await p.k.apply(loginSecret('jwt-refused', { host }, { jwt }));
    return bySecret('jwt-refused');
  }

  /** The API server makes none that lives for less than ten minutes: it is signed here, with the cluster's key. */
  async function expired(): Promise<string> {
    const { createPrivateKey, sign } = await import('node:crypto');
    const [header = '', claims = ''] = (await token()).split('.');
    const now = Math.floor(Date.now() / 1000);
    const old = {
      ...JSON.parse(Buffer.from(claims, 'base64url').toString()),
      iat: now - 7200,
      nbf: now - 7200,
      exp: now - 3600,
    };
    const text = `${header}.${Buffer.from(JSON.stringify(old)).toString('base64url')}`;
    const key = createPrivateKey(await readFile(`${p.cluster.dir}/pki/service-accounts.key`));
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }

  it.each(Object.entries(refused))('is refused with %s', async (_, [reason, says, jwt]) => {
    await p.k.remove('vaultintegration', SYSTEM, 'jwt-refused');
    await p.k.apply(integration('jwt-refused', await jwt()));
    const { ready, authMethod } = await settled(p, 'jwt-refused', reason);
    expect(ready.message).toContain(says);
    expect(ready.message).not.toMatch(/planted|eyJ/);
    expect(authMethod).toBeUndefined();
  });

  it('with a kept token that was refused works once the Secret holds a good one', async () => {
    await p.k.remove('vaultintegration', SYSTEM, 'jwt-refused');
    await p.k.apply(integration('jwt-refused', await kept('planted-no-token')));
    await settled(p, 'jwt-refused', 'CredentialsRefused');
    await p.k.apply(loginSecret('jwt-refused', { host }, { jwt: await token() }));
    await settled(p, 'jwt-refused', 'Connected');
  });

  it('shows no token in any status, event or log line', async () => {
    const said = [
      await p.logs(),
      JSON.stringify(await p.k.list('vaultintegrations', SYSTEM)),
      JSON.stringify(await p.k.list('events.events.k8s.io', SYSTEM)),
    ].join('\n');
    expect(said).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}|planted-no-token/);
  });
});
