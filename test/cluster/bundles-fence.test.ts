import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integration } from '../../hack/demo/objects.ts';
import { kube, until, type KubeJson } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { bundle, grant, named, revoke } from '../support/rbac.ts';

let p: Platform;
beforeAll(async () => {
  p = await platform('bundles-fence');
  await p.k.apply(member('b-fenced', 'b-fence'), bundle('b-fence', []));
});
afterAll(async () => {
  await p?.k.remove('vaultintegration', SYSTEM, 'b-fenced');
  await p?.k.remove('resourcebundle', SYSTEM, 'b-fence');
  await p?.stop();
});

const member = (name: string, of: string) =>
  integration(name, {
    host: 'https://vault.example.com',
    path: 'secret/data/app',
    domains: ['*'],
    appRole: { roleId: 'r', secretId: 's' },
    secret: 'nobodys-login',
    bundle: of,
  });
const roleOf = (of: string, permission: string) => `fairlead-bundle-${of}-${permission}`;

describe('who may write a bundle', () => {
  const author = { kind: 'User', name: 'bundles-author' } as const;
  const asAuthor = () => kube(p.cluster, `--as=${author.name}`);

  it('needs the verb own on its name, to create, to change and to delete it', async () => {
    await grant(p.k, 'b-author', author, [
      {
        apiGroups: ['fairlead.dev'],
        resources: ['resourcebundles'],
        verbs: ['get', 'create', 'update', 'patch', 'delete'],
      },
    ]);
    const create = ['create', '-f', '-'];
    const says =
      'needs the permission to own resourcebundles.fairlead.dev/b-owned in namespace fairlead-system';
    await until('the right to create', async () =>
      (await asAuthor().refused(create, bundle('b-owned', []))).includes(says),
    );
    await grant(p.k, 'b-author-own', author, [named('resourcebundles', 'b-owned', 'own')]);
    await until('the right to own', async () =>
      asAuthor()
        .apply(bundle('b-owned', []))
        .then(() => true),
    );
    expect(await asAuthor().refused(create, bundle('b-not-owned', []))).toContain(
      'own resourcebundles.fairlead.dev/b-not-owned',
    );
    await asAuthor().apply(bundle('b-owned', [{ subjects: [author], allow: ['View'] }]));
    await revoke(p.k, 'b-author-own');
    const remove = ['delete', 'resourcebundle', 'b-owned', '-n', SYSTEM, '--dry-run=server'];
    await until('the right to be gone', async () => (await asAuthor().refused(remove)).includes(says));
    await expect(asAuthor().apply(bundle('b-owned', []))).rejects.toThrow();
    await revoke(p.k, 'b-author');
    await p.k.remove('resourcebundle', SYSTEM, 'b-owned');
  });

  it('lets the collectors of the cluster delete one whose owner went', async () => {
    const metadata = { name: 'b-owner', namespace: SYSTEM };
    await p.k.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
    const { uid } = (await p.k.get('configmap', SYSTEM, 'b-owner')).metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'b-owner', uid }];
    const owned = (object: object) => {
      const copy = structuredClone(object) as KubeJson;
      copy.metadata.ownerReferences = ownerReferences;
      return copy;
    };
    await p.k.apply(owned(bundle('b-collected', [])), owned(member('b-collected', 'b-collected')));
    await p.k.run('delete', 'configmap', 'b-owner', '-n', SYSTEM);
    for (const kind of ['resourcebundle', 'vaultintegration'])
      await until(`the ${kind} to be collected`, async () => !(await p.k.get(kind, SYSTEM, 'b-collected')));
    // With the namespace, which is not to be tried here.
    const collector = kube(p.cluster, '--as=system:serviceaccount:kube-system:namespace-controller');
    for (const [kind, name] of [
      ['resourcebundle', 'b-fence'],
      ['vaultintegration', 'b-fenced'],
    ])
      await collector.run('delete', kind ?? '', name ?? '', '-n', SYSTEM, '--dry-run=server');
  });
});

/** Tried as Fairlead's own identity: what a stolen token could do with Roles and integrations. */
describe("with the controller's own rights", () => {
  const DRY = ['create', '--dry-run=server', '-f', '-'];
  const RBAC = 'rbac.authorization.k8s.io';
  const metadata = (permission = 'use', more: object = {}) => ({
    name: roleOf('b-forged', permission),
    namespace: SYSTEM,
    labels: { 'fairlead.dev/resource-bundle': 'b-forged' },
    ...more,
  });
  const rule = (more: object = {}) => ({ ...named('vaultintegrations', 'x', 'use'), ...more });
  const aRole = (rules: readonly object[], meta: object = metadata()): KubeJson => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata: meta,
    rules,
  });
  const aBinding = (
    subject: object,
    of: object = { kind: 'Role', name: roleOf('b-forged', 'use') },
    meta: object = metadata(),
  ): KubeJson => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: meta,
    roleRef: { apiGroup: RBAC, ...of },
    subjects: [subject],
  });
  const eve = { apiGroup: RBAC, kind: 'User', name: 'eve' };
  const group = (name: string) => ({ apiGroup: RBAC, kind: 'Group', name });
  const asFairlead = () => kube(p.cluster, '--as=system:serviceaccount:fairlead-system:fairlead-controller');

  // A binding needs its Role to be judged at all, and Fairlead would remove one of a bundle that is not there.
  beforeAll(async () => {
    await p.fairlead.process('controller').stop();
    await p.k.apply(aRole([rule()], metadata('use', { labels: {} })));
  });
  afterAll(async () => p.k.run('delete', 'role', roleOf('b-forged', 'use'), '-n', SYSTEM));

  it('a Role of a bundle and its binding can be written', async () => {
    const view = aRole([rule({ verbs: ['get'] })], metadata('view'));
    await expect(asFairlead().refused(DRY, view)).rejects.toThrow('was not refused');
    await expect(asFairlead().refused(DRY, aBinding(eve))).rejects.toThrow('was not refused');
    const resourceNames = Array.from({ length: 2_000 }, (_, i) => `i${i}-`.padEnd(63, 'x'));
    const large = aRole([rule({ verbs: ['get'], resourceNames })], metadata('view'));
    await expect(asFairlead().refused(DRY, large)).rejects.toThrow('was not refused');
  });

  it.each<[string, () => KubeJson, string]>([
    ['another name', () => aRole([rule()], metadata('use', { name: 'mine' })), 'named fairlead-bundle-'],
    ['the name of no permission', () => aRole([rule()], metadata('admin')), 'named fairlead-bundle-'],
    [
      'no label',
      () => aRole([rule()], metadata('view', { labels: {} })),
      'must have its bundle as the label',
    ],
    [
      'the label of another bundle',
      () => aRole([rule()], metadata('view', { labels: { 'fairlead.dev/resource-bundle': 'x' } })),
      'must have its bundle as the label',
    ],
    [
      'a finalizer',
      () => aRole([rule({ verbs: ['get'] })], metadata('view', { finalizers: ['a.example/b'] })),
      'no finalizer',
    ],
    [
      'no names, which means all',
      () => aRole([rule({ resourceNames: [], verbs: ['get'] })], metadata('view')),
      'named one by one',
    ],
    [
      'two rules',
      () =>
        aRole(
          [rule({ verbs: ['get'] }), rule({ verbs: ['get'], resourceNames: ['other'] })],
          metadata('view'),
        ),
      'named one by one',
    ],
    ['no rule', () => aRole([], metadata('view')), 'named one by one'],
    [
      'another resource that it may read itself',
      () => aRole([rule({ resources: ['resourcebundles'], verbs: ['get'] })], metadata('view')),
      'named one by one',
    ],
    [
      'Secrets, which it may read itself',
      () => aRole([rule({ apiGroups: [''], resources: ['secrets'], verbs: ['get'] })], metadata('view')),
      'named one by one',
    ],
    [
      'the verbs of another permission',
      () => aRole([rule({ verbs: ['get', 'update', 'patch'] })], metadata('view')),
      'must be those of its permission',
    ],
    [
      'a verb that it does not hold',
      () => aRole([rule({ verbs: ['delete'] })], metadata('view')),
      'not currently held',
    ],
    [
      'something that it does not hold',
      () =>
        aRole([rule({ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] })], metadata('view')),
      'not currently held',
    ],
    ['another namespace', () => aRole([rule()], metadata('view', { namespace: 'default' })), 'is forbidden'],
    [
      'the whole cluster',
      () => ({ ...aRole([rule()], { name: roleOf('b-forged', 'view') }), kind: 'ClusterRole' }),
      'is forbidden',
    ],
  ])('no Role can be written with %s', async (_, object, says) => {
    expect(await asFairlead().refused(DRY, object())).toContain(says);
  });

  it.each<[string, () => KubeJson, string]>([
    [
      'another Role',
      () => aBinding(eve, { kind: 'Role', name: 'fairlead-controller' }),
      'lead to the Role of the same name',
    ],
    [
      'a Role that it does not hold itself',
      () => aBinding(eve, { kind: 'ClusterRole', name: 'cluster-admin' }),
      'not currently held',
    ],
    [
      'its own ServiceAccount',
      () => aBinding({ kind: 'ServiceAccount', name: 'fairlead-controller', namespace: SYSTEM }),
      "Fairlead's own ServiceAccounts",
    ],
    [
      'all ServiceAccounts of its namespace',
      () => aBinding(group(`system:serviceaccounts:${SYSTEM}`)),
      "Fairlead's own ServiceAccounts",
    ],
    [
      'itself as a user',
      () => aBinding({ ...eve, name: 'system:serviceaccount:fairlead-system:fairlead-controller' }),
      "Fairlead's own ServiceAccounts",
    ],
    ['everybody', () => aBinding(group('system:authenticated')), 'users and groups of the system'],
    [
      'nobody in particular',
      () => aBinding({ ...eve, name: 'system:anonymous' }),
      'users and groups of the system',
    ],
    [
      'all ServiceAccounts',
      () => aBinding(group('system:serviceaccounts')),
      'users and groups of the system',
    ],
    [
      'another namespace',
      () => aBinding(eve, undefined, metadata('use', { namespace: 'default' })),
      'is forbidden',
    ],
  ])('no binding can be written for %s', async (_, object, says) => {
    expect(await asFairlead().refused(DRY, object())).toContain(says);
  });

  it.each<[string, string[]]>([
    [
      'change an integration',
      [
        'patch',
        'vaultintegration',
        'b-fenced',
        '-n',
        SYSTEM,
        '--type=merge',
        '-p',
        '{"spec":{"displayName":"Evil"}}',
      ],
    ],
    ['label an integration', ['label', 'vaultintegration', 'b-fenced', '-n', SYSTEM, 'a=b']],
    ['delete an integration', ['delete', 'vaultintegration', 'b-fenced', '-n', SYSTEM]],
    [
      'change a bundle',
      [
        'patch',
        'resourcebundle',
        'b-fence',
        '-n',
        SYSTEM,
        '--type=merge',
        '-p',
        '{"spec":{"permissions":[]}}',
      ],
    ],
    ['delete a Role of somebody else', ['delete', 'role', 'fairlead-certificates', '-n', SYSTEM]],
    ['change a Role of somebody else', ['label', 'role', 'fairlead-controller', '-n', SYSTEM, 'a=b']],
  ])('nobody can %s', async (_, args) => {
    expect(await asFairlead().refused(args)).toMatch(/forbidden|only their status|named fairlead-bundle-/);
  });

  it.each(['bind', 'escalate'])('nobody holds %s', async (verb) => {
    const args = ['auth', 'can-i', verb, 'roles.rbac.authorization.k8s.io', '-n', SYSTEM];
    await expect(asFairlead().run(...args)).rejects.toThrow();
  });
});
