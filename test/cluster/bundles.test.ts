import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integration } from '../../hack/demo/objects.ts';
import { kube, until, type KubeJson } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { bundle, grant, named, revoke } from '../support/rbac.ts';

let p: Platform;
beforeAll(async () => {
  p = await platform('bundles');
});
afterAll(async () => {
  await p?.k.run('delete', 'resourcebundle,vaultintegration', '-n', SYSTEM, '--all', '--wait=false');
  await p?.stop();
});

const jane = { kind: 'User', name: 'bundles-jane' } as const;
const member = (name: string, of: string) =>
  integration(name, {
    host: 'https://vault.example.com',
    path: 'secret/data/app',
    domains: ['*'],
    appRole: { roleId: 'r', secretId: 's' },
    secret: 'nobodys-login',
    bundle: of,
  });
const ORPHANED = {
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'nothing', uid: 'of-nothing' }],
};
const everything = [{ subjects: [jane], allow: ['View', 'Use', 'Update'] }];
const roleOf = (of: string, permission: string) => `fairlead-bundle-${of}-${permission}`;
const role = async (of: string, permission: string): Promise<KubeJson> =>
  p.k.get('role', SYSTEM, roleOf(of, permission));
const binding = async (of: string, permission: string): Promise<KubeJson> =>
  p.k.get('rolebinding', SYSTEM, roleOf(of, permission));
/** The integrations of a bundle's Role, once they are these; none means that there is no Role. */
const covers = async (of: string, permission: string, names: readonly string[]) =>
  until(`the ${permission} of ${of} to cover ${names.join(', ') || 'nothing'}`, async () => {
    const found = await role(of, permission);
    const said = found?.rules[0].resourceNames ?? [];
    if (JSON.stringify(said) === JSON.stringify(names)) return true;
    throw new Error(JSON.stringify(found?.rules ?? 'no Role'));
  });
const canUse = async (name: string, verb = 'use') => {
  const args = ['auth', 'can-i', verb, `vaultintegrations.fairlead.dev/${name}`, '-n', SYSTEM];
  return kube(p.cluster, `--as=${jane.name}`)
    .run(...args)
    .then(
      () => true,
      () => false,
    );
};

describe('a bundle', () => {
  it('grants just its own integrations, follows them, and goes without a trace', async () => {
    await p.k.apply(
      member('b-one', 'b-follow'),
      member('b-other', 'b-elsewhere'),
      bundle('b-follow', everything),
    );
    for (const permission of ['view', 'use', 'update']) await covers('b-follow', permission, ['b-one']);
    await until('the permission to be known', async () => canUse('b-one'));
    expect(await canUse('b-other')).toBe(false);
    expect(await canUse('b-one', 'delete')).toBe(false);

    await p.k.apply(member('b-two', 'b-follow'));
    await covers('b-follow', 'use', ['b-one', 'b-two']);
    const shown = await until('the status', async () => {
      const { status }: KubeJson = await p.k.get('resourcebundle', SYSTEM, 'b-follow');
      return status?.integrationCount === 2 && status;
    });
    expect(shown).toMatchObject({
      integrations: ['b-one', 'b-two'],
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Granted' }],
    });
    const columns = await p.k.run('get', 'rb', 'b-follow', '-n', SYSTEM);
    expect(columns).toMatch(/NAME\s+INTEGRATIONS\s+READY\s+REASON\s+AGE\s+b-follow\s+2\s+True\s+Granted/);

    // A move: the bundle of an integration is immutable, so it is made anew in the other one.
    await p.k.run('delete', 'vaultintegration', 'b-one', '-n', SYSTEM);
    await p.k.apply(member('b-one', 'b-elsewhere'));
    await covers('b-follow', 'use', ['b-two']);
    await until('the permission to be gone', async () => !(await canUse('b-one')));

    await p.k.run('delete', 'resourcebundle', 'b-follow', '-n', SYSTEM);
    await until('the Roles to be gone', async () => {
      const left = await p.k.list('role,rolebinding', SYSTEM, '-l', 'fairlead.dev/resource-bundle=b-follow');
      return left.length === 0;
    });
    await until('the permission to be gone', async () => !(await canUse('b-two')));
  });

  it('writes no Role while it is empty, since no names would mean all', async () => {
    await p.k.apply(bundle('b-empty', everything));
    await until('the status', async () => {
      const { status }: KubeJson = await p.k.get('resourcebundle', SYSTEM, 'b-empty');
      return status?.conditions?.[0].message.startsWith('no VaultIntegration');
    });
    expect(await role('b-empty', 'use')).toBeUndefined();
    await p.k.apply(member('b-first', 'b-empty'));
    await covers('b-empty', 'use', ['b-first']);
    await p.k.run('delete', 'vaultintegration', 'b-first', '-n', SYSTEM);
    await covers('b-empty', 'use', []);
    expect(await binding('b-empty', 'use')).toBeUndefined();
  });

  it('takes back a permission that nobody has any more', async () => {
    await p.k.apply(member('b-shrinks', 'b-shrink'), bundle('b-shrink', everything));
    await covers('b-shrink', 'update', ['b-shrinks']);
    await p.k.apply(bundle('b-shrink', [{ subjects: [jane], allow: ['View'] }]));
    await covers('b-shrink', 'update', []);
    await covers('b-shrink', 'view', ['b-shrinks']);
    await until('the permission to be gone', async () => !(await canUse('b-shrinks')));
    // View is get by name; a list goes by no names.
    const asJane = kube(p.cluster, `--as=${jane.name}`);
    await asJane.run('get', 'vaultintegration', 'b-shrinks', '-n', SYSTEM);
    expect(await asJane.refused(['get', 'vaultintegrations', '-n', SYSTEM])).toContain('is forbidden');
  });

  it('gives by Update what leads nowhere else; the rest needs use on the bundle and the login, too', async () => {
    await p.k.apply(
      member('b-edited', 'b-edit'),
      bundle('b-edit', [{ subjects: [jane], allow: ['Update'] }]),
    );
    const asJane = kube(p.cluster, `--as=${jane.name}`);
    const patch = (spec: object, metadata: object = {}) => [
      'patch',
      'vaultintegration',
      'b-edited',
      '-n',
      SYSTEM,
      '--type=merge',
      '-p',
      JSON.stringify({ metadata, spec }),
    ];
    await until('the permission to be known', async () =>
      asJane.run(...patch({ displayName: 'Edited' })).then(() => true),
    );
    // Nor does it end the integration, by an owner that is not there.
    const owned = [...patch({}, ORPHANED), '--dry-run=server'];
    expect(await asJane.refused(owned)).toContain('use resourcebundles.fairlead.dev/b-edit');
    const path = { path: 'secret/data/payroll' };
    expect(await asJane.refused(patch(path))).toContain('use secrets/nobodys-login');
    await grant(p.k, 'b-edit-more', jane, [
      named('resourcebundles', 'b-edit', 'use'),
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['nobodys-login'], verbs: ['use'] },
    ]);
    await until('the permission to be known', async () => asJane.run(...patch(path)).then(() => true));
    await asJane.run(...owned);
    await revoke(p.k, 'b-edit-more');
  });
});

describe('while the policies do not stand', () => {
  const policy = 'fairlead-fence-pod-status';
  const file = new URL('../../config/policies/fence-pod-status.yaml', import.meta.url).pathname;
  afterAll(async () => p.k.run('apply', '-f', file));

  it('a subject that leaves loses its rights all the same, and who stays has theirs back afterwards', async () => {
    const joe = { kind: 'User', name: 'bundles-joe' };
    await p.k.apply(
      member('b-guarded', 'b-guard'),
      bundle('b-guard', [{ subjects: [jane, joe], allow: ['Use'] }]),
    );
    await until('the permission to be known', async () => canUse('b-guarded'));
    await p.k.run('delete', 'validatingadmissionpolicybinding', policy);
    await until('Fairlead to see it', async () => {
      const { status }: KubeJson = await p.k.get('resourcebundle', SYSTEM, 'b-guard');
      await p.k.apply(bundle('b-guard', [{ subjects: [joe], allow: ['Use'] }]));
      return status.conditions[0].reason === 'RolesRefused';
    });
    await until('the permission to be gone', async () => !(await canUse('b-guarded')));
    expect(await binding('b-guard', 'use')).toBeUndefined();
    await p.k.run('apply', '-f', file);
    const { subjects } = await until('the binding', async () => binding('b-guard', 'use'));
    expect(subjects).toMatchObject([joe]);
  });
});

describe('a bundle at the limits of the kind', () => {
  it('is accepted by all policies, and so is the binding of its 2048 subjects', async () => {
    const subjects = (permission: number) =>
      Array.from({ length: 64 }, (_, i) => ({
        kind: 'ServiceAccount',
        name: `s${permission}-${i}-`.padEnd(252, 'x').concat('x'),
        namespace: 'n'.padEnd(63, 'n'),
      }));
    const permissions = Array.from({ length: 32 }, (_, i) => ({
      subjects: subjects(i),
      allow: ['View', 'Use', 'Update'],
    }));
    await p.k.apply(member('b-full', 'b-limits'), bundle('b-limits', permissions));
    await covers('b-limits', 'update', ['b-full']);
    const { subjects: bound } = await until('the binding', async () => binding('b-limits', 'update'));
    expect(bound).toHaveLength(2048);
  });
});

describe('drift', () => {
  const name = roleOf('b-drift', 'use');
  const rename = async (kind: string, json: string) =>
    p.k.run('patch', kind, name, '-n', SYSTEM, '--type=merge', '-p', json);
  beforeAll(async () => {
    await p.k.apply(member('b-drifts', 'b-drift'), bundle('b-drift', [{ subjects: [jane], allow: ['Use'] }]));
    await until('the binding', async () => binding('b-drift', 'use'));
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a Role is deleted', async () => p.k.run('delete', 'role', name, '-n', SYSTEM)],
    ['a binding is deleted', async () => p.k.run('delete', 'rolebinding', name, '-n', SYSTEM)],
    ['both are deleted', async () => p.k.run('delete', 'role,rolebinding', name, '-n', SYSTEM)],
    [
      'a rule is added',
      async () =>
        p.k.run(
          'patch',
          'role',
          name,
          '-n',
          SYSTEM,
          '--type=json',
          '-p',
          '[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]',
        ),
    ],
    ['the rules are emptied', async () => rename('role', '{"rules":[]}')],
    [
      'a subject is added',
      async () =>
        rename(
          'rolebinding',
          '{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"eve"}]}',
        ),
    ],
    ['the labels are taken away', async () => rename('role', '{"metadata":{"labels":null}}')],
    ['the owner is taken away', async () => rename('rolebinding', '{"metadata":{"ownerReferences":null}}')],
    [
      'a binding leads to another Role',
      async () => {
        await p.k.run('delete', 'rolebinding', name, '-n', SYSTEM);
        await p.k
          .run('create', 'rolebinding', name, '-n', SYSTEM, '--role=fairlead-controller', '--user=eve')
          // Fairlead was faster.
          .catch((error: unknown) =>
            expect((error as { stderr: string }).stderr).toContain('already exists'),
          );
      },
    ],
  ])('is repaired when %s', async (_, drift) => {
    await drift();
    await until('the repair', async () => {
      const [a, b] = await Promise.all([role('b-drift', 'use'), binding('b-drift', 'use')]);
      for (const { metadata } of [a, b]) {
        expect(metadata.labels).toMatchObject({ 'fairlead.dev/resource-bundle': 'b-drift' });
        expect(metadata.ownerReferences).toMatchObject([{ kind: 'ResourceBundle', name: 'b-drift' }]);
      }
      expect(a.rules).toEqual([
        {
          apiGroups: ['fairlead.dev'],
          resources: ['vaultintegrations'],
          resourceNames: ['b-drifts'],
          verbs: ['use'],
        },
      ]);
      expect(b.roleRef).toMatchObject({ kind: 'Role', name });
      expect(b.subjects).toMatchObject([{ kind: 'User', name: jane.name }]);
      return true;
    });
  });

  it('is repaired after a time without Fairlead, and nothing is written where nothing changed', async () => {
    await p.k.apply(member('b-stays', 'b-stay'), bundle('b-stay', everything));
    for (const permission of ['view', 'use', 'update']) await covers('b-stay', permission, ['b-stays']);
    const versions = async () =>
      (await p.k.list('role,rolebinding', SYSTEM, '-l', 'fairlead.dev/resource-bundle=b-stay')).map(
        ({ metadata }: KubeJson) => [metadata.name, metadata.resourceVersion],
      );
    const before = await until('three pairs', async () => {
      const found = await versions();
      return found.length === 6 && found;
    });
    const status = (await p.k.get('resourcebundle', SYSTEM, 'b-stay')).metadata.resourceVersion;
    await p.fairlead.process('controller').stop();
    // While nobody looks: one bundle goes and leaves its Roles as orphans, a subject is added to the Role of another.
    await p.k.run('delete', 'resourcebundle', 'b-edit', '-n', SYSTEM, '--cascade=orphan');
    await rename(
      'rolebinding',
      '{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"eve"}]}',
    );
    await p.fairlead.startRole('controller');
    await until('the repair', async () => (await binding('b-drift', 'use')).subjects[0].name === jane.name);
    await covers('b-edit', 'update', []);
    expect(await versions()).toEqual(before);
    expect((await p.k.get('resourcebundle', SYSTEM, 'b-stay')).metadata.resourceVersion).toBe(status);
  });
});
