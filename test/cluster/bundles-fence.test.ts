import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integration } from '../../hack/demo/objects.ts';
import { kube, type KubeJson } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { bundle, named } from '../support/rbac.ts';

/** What Fairlead's own identity can do with Roles and integrations, tried as that identity: a stolen token, say. */
let p: Platform;
beforeAll(async () => {
  p = await platform('bundles-fence');
  const options = {
    host: 'https://vault.example.com',
    path: 'secret/data/app',
    domains: ['*'],
    appRole: { roleId: 'r', secretId: 's' },
    secret: 'nobodys-login',
    bundle: 'b-fence',
  };
  await p.k.apply(integration('b-fenced', options), bundle('b-fence', []));
});
afterAll(async () => {
  await p?.k.remove('vaultintegration', SYSTEM, 'b-fenced');
  await p?.k.remove('resourcebundle', SYSTEM, 'b-fence');
  await p?.stop();
});

const roleOf = (of: string, permission: string) => `fairlead-bundle-${of}-${permission}`;

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
