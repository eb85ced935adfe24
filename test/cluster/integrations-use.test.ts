import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, until, type Kube } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { vaultIntegration } from '../support/vault-product.ts';

/** Real users at a real API server: who may write an integration that names a credential or sends it somewhere. */

let p: Platform;
const NAME = 'integrations-use';
const create = ['create', '--dry-run=server', '-f', '-'];

/** Where an integration names a Secret or a ServiceAccount, and which. */
const NAMED = [
  ['secrets', 'iu-jwt'],
  ['secrets', 'iu-role-id'],
  ['secrets', 'iu-secret-id'],
  ['secrets', 'iu-token'],
  ['secrets', 'iu-password'],
  ['secrets', 'iu-ca'],
  ['secrets', 'iu-client'],
  ['serviceaccounts', 'iu-kubernetes-account'],
  ['serviceaccounts', 'iu-jwt-account'],
] as const;
const nameOf = Object.fromEntries(NAMED.map(([, name]) => [name, { name }]));
const key = (name: string) => ({ name, key: 'x' });

const tls = { caSecretRef: nameOf['iu-ca'], clientCertSecretRef: nameOf['iu-client'] };
const kubernetes = { role: 'app', serviceAccountRef: nameOf['iu-kubernetes-account'], audiences: ['vault'] };
const jwtKept = { role: 'app', secretRef: key('iu-jwt') };
const jwtFresh = { role: 'app', serviceAccountRef: nameOf['iu-jwt-account'], audiences: ['vault'] };
const appRole = { roleIdRef: key('iu-role-id'), secretIdRef: key('iu-secret-id') };
const token = { secretRef: key('iu-token') };
const userPass = { username: 'app', passwordRef: key('iu-password') };

const base = { host: 'https://vault.example.com:8200', path: 'secret/data/app' };
/** With all methods at once, so that each name stands at a place of its own in the policy's list. */
const whole = (jwt: object) =>
  vaultIntegration(NAME, { ...base, auth: { jwt, kubernetes, appRole, token, userPass }, tls });
/** With one method alone, so that its name is the only one. */
const alone: Record<string, object> = {
  'iu-jwt': { auth: { jwt: jwtKept } },
  'iu-secret-id': { auth: { appRole: { roleId: 'r', secretIdRef: key('iu-secret-id') } } },
  'iu-token': { auth: { token } },
  'iu-password': { auth: { userPass } },
  'iu-kubernetes-account': { auth: { kubernetes } },
  'iu-jwt-account': { auth: { jwt: jwtFresh } },
};

const USE = (resource: string, names: readonly string[]) => ({
  apiGroups: [resource === 'resourcebundles' ? 'fairlead.dev' : ''],
  resources: [resource],
  resourceNames: names,
  verbs: ['use'],
});
const WRITE = { apiGroups: ['fairlead.dev'], resources: ['vaultintegrations'], verbs: ['*'] };

/** A user of this name with these rights in the system namespace. */
const user = (name: string, rules: object[]) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name, namespace: SYSTEM, labels: { 'integrations-use': 'test' } },
    rules,
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name, namespace: SYSTEM, labels: { 'integrations-use': 'test' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  },
];
const allBut = (left?: string) =>
  ['secrets', 'serviceaccounts'].map((resource) =>
    USE(
      resource,
      NAMED.flatMap(([of, name]) => (of === resource && name !== left ? [name] : [])),
    ),
  );
const as = (name: string): Kube => kube(p.cluster, `--as=${name}`);

beforeAll(async () => {
  p = await platform(NAME);
  await p.k.apply(
    ...user('iu-all', [WRITE, ...allBut()]),
    ...user('iu-none', [WRITE]),
    ...user('iu-bundle', [WRITE, ...allBut(), USE('resourcebundles', ['iu-finance'])]),
    // `use` on things of these names elsewhere, or on other things of these names, is not it.
    ...user('iu-beside', [
      WRITE,
      USE(
        'configmaps',
        NAMED.map(([, name]) => name),
      ),
    ]),
    ...NAMED.flatMap(([, name]) => user(`without-${name}`, [WRITE, ...allBut(name)])),
  );
  await until('the rights to arrive', async () => {
    await as('iu-all').run('auth', 'can-i', 'use', 'secrets/iu-token', '-n', SYSTEM);
    await as('without-iu-jwt-account').run('auth', 'can-i', 'create', 'vaultintegrations', '-n', SYSTEM);
    return true;
  });
});
afterAll(async () => {
  await p.k.run('delete', 'role,rolebinding', '-l', 'integrations-use=test', '-n', SYSTEM);
  await p.k.remove('vaultintegration', SYSTEM, NAME);
  await p?.stop();
});

const says = (resource: string, name: string) =>
  `needs the permission to use ${resource}/${name} in namespace ${SYSTEM}`;

describe('whoever writes an integration', () => {
  it('may name what they may use', async () => {
    for (const jwt of [jwtKept, jwtFresh]) await accepted('iu-all', whole(jwt));
    for (const spec of Object.values(alone))
      await accepted('iu-all', vaultIntegration(NAME, { ...base, ...spec }));
  });

  it.each(NAMED)(
    'needs use on each that they name, whatever else they may use: %s %s',
    async (resource, name) => {
      const manifest = whole(name === 'iu-jwt-account' ? jwtFresh : jwtKept);
      expect(await as(`without-${name}`).refused(create, manifest)).toContain(says(resource, name));
    },
  );

  it.each(Object.entries(alone))('needs it for a name that stands alone, too: %s', async (name, spec) => {
    const [[resource = ''] = []] = NAMED.filter(([, one]) => one === name);
    const manifest = vaultIntegration(NAME, { ...base, ...spec });
    for (const who of ['iu-none', 'iu-beside'])
      expect(await as(who).refused(create, manifest)).toContain(says(resource, name));
  });

  it('needs it on the bundle as well', async () => {
    const bundled = vaultIntegration(NAME, { ...base, auth: { token }, resourceBundle: 'iu-finance' });
    expect(await as('iu-all').refused(create, bundled)).toContain(
      'needs the permission to use resourcebundles.fairlead.dev/iu-finance',
    );
    await accepted('iu-bundle', bundled);
  });
});

describe('whoever changes an integration that somebody else wrote', () => {
  beforeAll(async () => {
    await p.k.apply(
      vaultIntegration(NAME, { ...base, auth: { token }, tls: { caConfigMapRef: { name: 'iu-ca' } } }),
    );
  });
  const patch = (body: object) => [
    'patch',
    'vaultintegration',
    NAME,
    '-n',
    SYSTEM,
    '--dry-run=server',
    '--type=merge',
    '-p',
    JSON.stringify(body),
  ];

  it.each<[string, object]>([
    ['where it goes', { host: 'https://other.example.com' }],
    ['what it reads', { path: 'secret/data/payroll' }],
    ['the HashiCorp namespace', { namespace: 'other' }],
    ['the HashiCorp namespace of the login', { auth: { namespace: 'other' } }],
    ['whom it serves', { domains: ['marketing'] }],
    ['whom it trusts', { tls: { caConfigMapRef: { name: 'other' } } }],
    ['whom it trusts, to everybody', { tls: null }],
    ['where redirects lead', { redirectHosts: ['https://other.example.com'] }],
    ['with which tokens it reads', { scopedTokens: { policies: ['other'] } }],
    ['how it logs in', { auth: { token: { secretRef: { name: 'iu-token', key: 'other' } } } }],
  ])('needs use on what it names: %s', async (_, spec) => {
    expect(await as('iu-none').refused(patch({ spec }))).toContain(says('secrets', 'iu-token'));
    await as('iu-all').run(...patch({ spec }));
  });

  it('needs use on what they name newly', async () => {
    const spec = { auth: { userPass } };
    expect(await as('without-iu-password').refused(patch({ spec }))).toContain(
      says('secrets', 'iu-password'),
    );
    await as('iu-all').run(...patch({ spec }));
  });

  it.each<[string, object]>([
    ['labels', { metadata: { labels: { a: 'b' } } }],
    ['annotations', { metadata: { annotations: { a: 'b' } } }],
    ['the name that people see', { spec: { displayName: 'other' } }],
  ])('needs nothing more for %s', async (_, body) => {
    await as('iu-none').run(...patch(body));
  });
});

async function accepted(who: string, manifest: object): Promise<void> {
  const refusal = await as(who)
    .refused(create, manifest)
    .catch(() => 'accepted');
  expect(refusal).toBe('accepted');
}
