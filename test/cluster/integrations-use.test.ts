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
const USE_ALL_BUNDLES = { apiGroups: ['fairlead.dev'], resources: ['resourcebundles'], verbs: ['use'] };
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
    ...user('iu-all', [WRITE, ...allBut(), USE_ALL_BUNDLES]),
    ...user('iu-no-bundle', [WRITE, ...allBut()]),
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
const ALL_BUNDLES = `needs the permission to use all resourcebundles.fairlead.dev in namespace ${SYSTEM}`;

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
    expect(await as('iu-no-bundle').refused(create, bundled)).toContain(
      'needs the permission to use resourcebundles.fairlead.dev/iu-finance',
    );
    for (const who of ['iu-bundle', 'iu-all']) await accepted(who, bundled);
  });

  it('needs it on all bundles for one that has none', async () => {
    const unbundled = vaultIntegration(NAME, { ...base, auth: { token } });
    for (const who of ['iu-no-bundle', 'iu-bundle'])
      expect(await as(who).refused(create, unbundled)).toContain(
        `creating an integration that has no bundle ${ALL_BUNDLES}`,
      );
    await accepted('iu-all', unbundled);
  });
});

describe('whoever changes an integration that somebody else wrote', () => {
  const standing = vaultIntegration(NAME, {
    ...base,
    auth: { token },
    tls: { caConfigMapRef: { name: 'iu-ca' } },
  });
  beforeAll(async () => p.k.apply(standing));
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

  // The garbage collector deletes what belongs to something that is not there.
  const ownedBy = (uid: string) => [{ apiVersion: 'v1', kind: 'ConfigMap', name: NAME, uid }];
  const finalizers = ['example.com/keep'];

  it.each<[string, object]>([
    ['an owner', { metadata: { ownerReferences: ownedBy('of-nothing') } }],
    ['a finalizer', { metadata: { finalizers } }],
    ['both together with a label', { metadata: { ownerReferences: ownedBy('x'), finalizers, labels: {} } }],
  ])('needs what deletion needs for %s', async (_, body) => {
    for (const who of ['iu-none', 'iu-no-bundle', 'iu-bundle'])
      expect(await as(who).refused(patch(body))).toContain(ALL_BUNDLES);
    await as('iu-all').run(...patch(body));
  });

  it('needs it to take an owner away, but not for a finalizer, nor where both stay', async () => {
    await p.k.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: SYSTEM } });
    const { uid } = (await p.k.get('configmap', SYSTEM, NAME)).metadata;
    const metadata = { ...standing.metadata, ownerReferences: ownedBy(uid), finalizers };
    await p.k.apply({ ...standing, metadata });
    expect(await as('iu-none').refused(patch({ metadata: { ownerReferences: null } }))).toContain(
      ALL_BUNDLES,
    );
    await as('iu-none').run(...patch({ metadata: { labels: { a: 'b' } } }));
    await as('iu-none').run(...patch({ metadata: { finalizers: null } }));
    await p.k.apply(standing);
    await p.k.remove('configmap', SYSTEM, NAME);
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
