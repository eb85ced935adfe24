import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, integration } from '../../hack/demo/objects.ts';
import { readPolicy } from '../../hack/vault-admin.ts';
import { kube, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { ACTIONS, refusalOf, USERS, type ActionName, type User } from '../support/permission-matrix.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { bind, bundle, grant, named, revoke, type SubjectOf } from '../support/rbac.ts';
import { storage } from '../support/storage.ts';

let p: Platform;
/** A namespace of the domain, one of the other domain, and one without a domain. */
let own: string;
let other: string;
let free: string;
/** One of the other domain, in which the owner holds what an owner holds in a namespace. */
let lent: string;

const FINANCE = 'matrix-finance';
const OTHER = 'matrix-other';
/** An integration without a bundle. */
const ALL = 'matrix-all';
const person = (user: User): SubjectOf =>
  user === 'gitops'
    ? { kind: 'ServiceAccount', name: 'gitops', namespace: own }
    : { kind: 'User', name: `matrix-${user}` };
const as = (user: User): Kube =>
  kube(p.cluster, user === 'gitops' ? `--as=system:serviceaccount:${own}:gitops` : `--as=matrix-${user}`);

const wanted = (name: string, of: string, secret = `login-${of}`) =>
  integration(name, {
    host: 'https://vault.example.com',
    path: 'secret/data/app',
    domains: [of],
    appRole: { roleId: 'r', secretId: 's' },
    secret,
    ...(of !== ALL && { bundle: of }),
  });
const namespaces = { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'update', 'patch'] };

beforeAll(async () => {
  p = await platform('permissions', { keysApi: true });
  own = await p.namespace(FINANCE);
  other = await p.namespace(OTHER);
  free = await p.namespace('');
  lent = await p.namespace(OTHER);
  await p.store(FINANCE, { a: 'planted' });
  await p.vault.put(`secret/data/${FINANCE}`, { k: 'planted' });
  await p.vault.policy(FINANCE, readPolicy(`secret/data/${FINANCE}`));
  const login = await p.vault.appRole(FINANCE, [FINANCE]);
  await p.k.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'gitops', namespace: own } },
    credentials(`login-${FINANCE}`, p.vault.address, login.secretId, FINANCE),
    integration(FINANCE, {
      ...{ host: p.vault.address, path: `secret/data/${FINANCE}`, domains: [FINANCE], appRole: login },
      ...{ secret: `login-${FINANCE}`, bundle: FINANCE },
    }),
    wanted(OTHER, OTHER),
    wanted(ALL, ALL),
    bundle(FINANCE, [
      { subjects: [person('owner')], allow: ['Update'] },
      { subjects: [person('user'), person('gitops')], allow: ['Use'] },
    ]),
    bundle(OTHER, [{ subjects: [person('stranger')], allow: ['View', 'Use'] }]),
    reference('there', own, { A: `KUBERNETES/${FINANCE}/a` }),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'matrix-namespaces' },
      rules: [namespaces],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'matrix-assign' },
      rules: [named('domains', FINANCE, 'assign')],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'matrix-write' },
      rules: [named('domains', FINANCE, 'write')],
    },
  );
  await bind(p.k, 'fairlead-platform-admin', person('admin'));
  await bind(p.k, 'fairlead-domain-owner', person('owner'), SYSTEM);
  for (const namespace of [own, lent]) await bind(p.k, 'fairlead-domain-owner', person('owner'), namespace);
  for (const user of ['owner', 'user', 'userWithoutUse', 'gitops'] as const)
    await bind(p.k, 'fairlead-domain-user', person(user), own);
  for (const user of ['user', 'userWithoutUse', 'stranger'] as const)
    await bind(p.k, 'fairlead-domain-user', person(user), SYSTEM);
  await bind(p.k, 'fairlead-domain-user', person('stranger'), other);
  for (const namespace of [own, SYSTEM]) await bind(p.k, 'fairlead-viewer', person('viewer'), namespace);
  for (const user of ['admin', 'gitops'] as const) await bind(p.k, 'matrix-namespaces', person(user));
  await bind(p.k, 'matrix-assign', person('gitops'));
  await bind(p.k, 'matrix-write', person('owner'));
  await grant(p.k, 'matrix-owner', person('owner'), [
    named('resourcebundles', FINANCE, 'own', 'use'),
    { apiGroups: [''], resources: ['secrets'], resourceNames: [`login-${FINANCE}`], verbs: ['use'] },
  ]);
  // Rights take a moment to be known.
  await until('the Use of the bundle', async () =>
    tryTo('nameIntegration', 'gitops').then((no) => no === undefined),
  );
  await until('the Update of the bundle', async () =>
    tryTo('renameIntegration', 'owner').then((no) => no === undefined),
  );
  await until('the write of the domain', async () =>
    tryTo('createKey', 'owner').then((no) => no === undefined),
  );
});
afterAll(async () => {
  await p?.k.remove('secret', SYSTEM, `login-${FINANCE}`);
  for (const kind of ['vaultintegration', 'resourcebundle'])
    for (const name of [FINANCE, OTHER, ALL]) await p?.k.remove(kind, SYSTEM, name);
  await p?.k.run('delete', 'clusterrolebinding', '-l', 'test=permissions');
  await p?.k.run('delete', 'rolebinding', '-n', SYSTEM, '-l', 'test=permissions');
  await p?.k.run(
    'delete',
    'clusterrole',
    'matrix-namespaces',
    'matrix-assign',
    'matrix-write',
    '--ignore-not-found',
  );
  if (p) await revoke(p.k, 'matrix-owner');
  await p?.stop();
});

type Try = () => readonly [args: readonly string[], stdin?: object];
const DRY = '--dry-run=server';
const create =
  (object: () => object): Try =>
  () => [['create', DRY, '-f', '-'], object()];
const patch =
  (kind: string, name: string, change: object): Try =>
  () => [['patch', kind, name, '-n', SYSTEM, DRY, '--type=merge', '-p', JSON.stringify(change)]];
const remove =
  (kind: string, name: string): Try =>
  () => [['delete', kind, name, '-n', SYSTEM, DRY]];
const label =
  (domain: string): Try =>
  () => [['label', 'namespace', free, DRY, `fairlead.dev/domain=${domain}`]];
const names = (source: string): Try =>
  create(() => reference('tried', own, { A: `${source}/a` as `VAULT/${string}/a` }));
const stores = (source: string): Try =>
  create(() => storage('tried', own, { secret: `${source}/a`, access: `${source}/b` }));
const KEYS = 'keys.fairlead.dev/v1alpha1';
const key = (verb: 'create' | 'replace', domain: string, name: string, where = () => own): Try => {
  const metadata = () => ({ name: `kubernetes:${domain}:${name}`, namespace: where() });
  return () => [
    [verb, DRY, '-f', '-'],
    { apiVersion: KEYS, kind: 'SecretKey', metadata: metadata(), spec: { value: 'planted' } },
  ];
};
const test = (spec: () => object): Try =>
  create(() => ({
    ...{ apiVersion: KEYS, kind: 'ConnectionTest', metadata: { name: 'tried', namespace: own } },
    spec: spec(),
  }));
const inline = () => ({
  integration: { host: p.vault.address, path: 'secret/data/app', auth: { token: { token: 'planted' } } },
});
const permissions = { spec: { permissions: [] } };

/** What is tried; nothing is written, but everything is asked that would be. */
const TRIES: Record<ActionName, Try> = {
  listIntegrations: () => [['get', 'vaultintegrations', '-n', SYSTEM]],
  viewIntegration: () => [['get', 'vaultintegration', FINANCE, '-n', SYSTEM]],
  createIntegration: create(() => wanted('matrix-new', FINANCE)),
  createElsewhere: create(() => wanted('matrix-new', OTHER, `login-${FINANCE}`)),
  createForAll: create(() => wanted('matrix-new', ALL, `login-${FINANCE}`)),
  createWithLogin: create(() => wanted('matrix-new', FINANCE, `login-${OTHER}`)),
  renameIntegration: patch('vaultintegration', FINANCE, { spec: { displayName: 'Renamed' } }),
  redirectIntegration: patch('vaultintegration', FINANCE, { spec: { domains: ['*'] } }),
  changeElsewhere: patch('vaultintegration', OTHER, { spec: { displayName: 'Renamed' } }),
  deleteIntegration: remove('vaultintegration', FINANCE),
  deleteElsewhere: remove('vaultintegration', OTHER),
  deleteForAll: remove('vaultintegration', ALL),
  readReferences: () => [['get', 'secretreference', 'there', '-n', own]],
  nameStore: names(`KUBERNETES/${FINANCE}`),
  nameIntegration: names(`VAULT/${FINANCE}`),
  nameElsewhere: names(`VAULT/${OTHER}`),
  nameForeignStore: names(`KUBERNETES/${OTHER}`),
  readStorages: () => [['get', 'storageconfigs', '-n', own]],
  storeInStorage: stores(`KUBERNETES/${FINANCE}`),
  integrationInStorage: stores(`VAULT/${FINANCE}`),
  foreignStoreInStorage: stores(`KUBERNETES/${OTHER}`),
  ownBundle: patch('resourcebundle', FINANCE, permissions),
  deleteBundle: remove('resourcebundle', FINANCE),
  ownElsewhere: patch('resourcebundle', OTHER, permissions),
  assignDomain: label(FINANCE),
  assignElsewhere: label(OTHER),
  listKeys: () => [['get', 'secretkeys', '-n', own]],
  seeKeysOfIntegration: () => [['get', 'secretkey', `vault:${FINANCE}:k`, '-n', own]],
  createKey: key('create', FINANCE, 'new'),
  replaceKey: key('replace', FINANCE, 'a'),
  deleteKey: () => [['delete', 'secretkey', `kubernetes:${FINANCE}:a`, '-n', own, DRY]],
  createKeyElsewhere: key('create', OTHER, 'new'),
  createKeyWithoutWrite: key('create', OTHER, 'new', () => lent),
  createGlobalKey: key('create', 'global', 'new'),
  testConnection: test(() => ({ integrationRef: { name: FINANCE } })),
  testOtherPath: test(() => ({ integrationRef: { name: FINANCE }, path: 'secret/data/other' })),
  testInline: test(inline),
  readSecrets: () => [['get', 'secrets', '-n', SYSTEM]],
  writeRoles: create(() => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'tried', namespace: SYSTEM },
    rules: [named('vaultintegrations', FINANCE, 'use')],
  })),
};

/** What the API server says to this user; undefined if it lets them. */
async function tryTo(action: ActionName, user: User): Promise<string | undefined> {
  const [args, stdin] = TRIES[action]();
  return as(user)
    .refused(args, stdin)
    .catch((error: unknown) => {
      if (error instanceof Error && error.message.includes('was not refused')) return undefined;
      throw error;
    });
}

describe.each(Object.keys(USERS) as User[])('the matrix of permissions: %s', (user) => {
  it.each(Object.keys(ACTIONS) as ActionName[])('%s', async (action) => {
    const refusal = refusalOf(action, user);
    const said = await tryTo(action, user);
    if (refusal === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(refusal);
  });
});

describe('a namespace that is moved to another domain', () => {
  it('loses what it had at the next resolve: stores and integrations of the domain that it left', async () => {
    const namespace = await p.namespace('moved-a');
    await p.store('moved-a', { a: 'one' });
    await p.integration('moved-vault', { b: 'two' }, { domains: ['moved-a'] });
    const both = { A: 'KUBERNETES/moved-a/a', B: 'VAULT/moved-vault/b' } as const;
    await p.k.apply(reference('warehouse', namespace, both));
    await p.pod(namespace, 'before');
    await p.released(namespace, 'before');
    await p.k.run('label', 'namespace', namespace, 'fairlead.dev/domain=moved-b', '--overwrite');
    await p.pod(namespace, 'after');
    const { message } = await p.waits(namespace, 'after', 'DomainForbidden');
    expect(message).toContain('A from KUBERNETES/moved-a key a');
    expect(message).toContain('B (DomainForbidden)');
    // What runs keeps what it has, and the reference says so, too.
    expect(await p.delivered(namespace, 'before')).toEqual({ A: 'one', B: 'two' });
    const entries = await until('the status', async () => {
      const { status }: KubeJson = await p.k.get('secretreference', namespace, 'warehouse');
      return status.conditions[0].reason === 'DomainForbidden' && status.entries;
    });
    expect(entries.map(({ state }: KubeJson) => state)).toEqual(['DomainForbidden', 'DomainForbidden']);
  });
});

describe('the ready-made roles', () => {
  it.each<[string, string, string, boolean, string?]>([
    ['reads references through view', 'get', 'view', true],
    ['reads no storages through view, which can hold keys', 'get', 'view', false, 'storageconfigs'],
    ['writes no references through edit', 'create', 'edit', false],
    ['writes no references through admin', 'create', 'admin', false],
  ])(
    'whoever holds the usual ones %s',
    async (_, verb, clusterRole, expected, resource = 'secretreferences') => {
      const rules = await until('the aggregation', async () => {
        const json = JSON.parse(await p.k.run('get', 'clusterrole', clusterRole, '-o', 'json'));
        return json.rules?.length > 0 && (json.rules as KubeJson[]);
      });
      const holds = rules.some(
        ({ resources = [], verbs }) => resources.includes(resource) && verbs.includes(verb),
      );
      expect(holds).toBe(expected);
    },
  );
});
