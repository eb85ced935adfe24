import { describe, expect, it } from 'vitest';
import type { ResourceBundleSpec } from '../../api/resource-bundle.ts';
import { bundleOfRole, grantsOf, PERMISSIONS, roleName } from './grants.ts';

const owner = { name: 'finance', namespace: 'sys', uid: 'u1' };
const jane = { kind: 'User', name: 'jane' } as const;
const team = { kind: 'Group', name: 'team' } as const;
const argo = { kind: 'ServiceAccount', name: 'argo', namespace: 'gitops' } as const;
const RBAC = 'rbac.authorization.k8s.io';

/** What a bundle grants, in short: the verbs, the integrations and the subjects of each permission. */
function granted(permissions: ResourceBundleSpec['permissions'], integrations: string[]) {
  return Object.fromEntries(
    [...grantsOf(owner, { permissions }, integrations)].map(([permission, { role, binding }]) => [
      permission,
      [role.rules[0]?.verbs, role.rules[0]?.resourceNames, binding.subjects.map(({ name }) => name)],
    ]),
  );
}

describe('a bundle grants', () => {
  it.each<[string, ResourceBundleSpec['permissions'], string[], object]>([
    [
      'each permission on each of its integrations',
      [{ subjects: [jane], allow: ['View', 'Use', 'Update'] }],
      ['b', 'a'],
      {
        View: [['get'], ['a', 'b'], ['jane']],
        Use: [['use'], ['a', 'b'], ['jane']],
        Update: [['get', 'update', 'patch'], ['a', 'b'], ['jane']],
      },
    ],
    [
      'one permission to all who are allowed it, each once',
      [
        { subjects: [jane, argo], allow: ['Use'] },
        { subjects: [team, jane], allow: ['Use'] },
      ],
      ['a'],
      { Use: [['use'], ['a'], ['team', 'argo', 'jane']] },
    ],
    [
      'nothing that nobody is allowed',
      [{ subjects: [jane], allow: ['View'] }],
      ['a'],
      { View: [['get'], ['a'], ['jane']] },
    ],
    [
      'nothing without integrations, since no names would mean all',
      [{ subjects: [jane], allow: ['Use'] }],
      [],
      {},
    ],
    ['nothing without permissions', [], ['a'], {}],
    ['nothing if it says nothing', undefined, ['a'], {}],
  ])('%s', (_, permissions, integrations, expected) => {
    expect(granted(permissions, integrations)).toEqual(expected);
  });

  it('the same whatever the order of its permissions', () => {
    const a = { subjects: [jane], allow: ['Use'] } as never;
    const b = { subjects: [argo], allow: ['Use'] } as never;
    expect(grantsOf(owner, { permissions: [a, b] }, ['x'])).toEqual(
      grantsOf(owner, { permissions: [b, a] }, ['x']),
    );
  });
});

describe('the Role and its binding', () => {
  const { role, binding } = grantsOf(owner, { permissions: [{ subjects: [jane, argo], allow: ['Use'] }] }, [
    'a',
  ]).get('Use')!;

  it('have one name, the label of the bundle, and the bundle as their owner', () => {
    expect(role.metadata).toEqual({
      name: 'fairlead-bundle-finance-use',
      namespace: 'sys',
      labels: { 'fairlead.dev/resource-bundle': 'finance', 'app.kubernetes.io/managed-by': 'fairlead' },
      ownerReferences: [
        {
          apiVersion: 'fairlead.dev/v1alpha1',
          kind: 'ResourceBundle',
          name: 'finance',
          uid: 'u1',
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
    });
    expect(binding.metadata).toEqual(role.metadata);
  });

  it('are about integrations and nothing else', () => {
    expect(role.rules).toEqual([
      { apiGroups: ['fairlead.dev'], resources: ['vaultintegrations'], resourceNames: ['a'], verbs: ['use'] },
    ]);
  });

  it('lead to the Role, and name people as RBAC does', () => {
    expect(binding.roleRef).toEqual({ apiGroup: RBAC, kind: 'Role', name: 'fairlead-bundle-finance-use' });
    expect(binding.subjects).toEqual([argo, { apiGroup: RBAC, ...jane }]);
  });
});

describe('the name of a Role', () => {
  it.each(['finance', 'finance-view', 'a.b', 'view', 'x'.repeat(63)])('tells its bundle: %s', (bundle) => {
    for (const permission of PERMISSIONS) expect(bundleOfRole(roleName(bundle, permission))).toBe(bundle);
  });

  it('is of no other bundle', () => {
    const bundles = ['a', 'a-view', 'a-view-use', 'view', 'a.view'];
    const names = bundles.flatMap((bundle) => PERMISSIONS.map((permission) => roleName(bundle, permission)));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(['fairlead-controller', 'fairlead-bundle-finance', 'fairlead-bundle--view', 'finance-view', ''])(
    'is not taken for one: "%s"',
    (name) => {
      expect(bundleOfRole(name)).toBeUndefined();
    },
  );
});
