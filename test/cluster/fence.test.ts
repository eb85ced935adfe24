import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES } from '../../src/api/resources.ts';
import { connect } from '../../src/kube/client.ts';
import type { KubeError } from '../../src/kube/errors.ts';
import { integration } from '../../hack/demo/objects.ts';
import { accountKubeconfig } from '../../hack/install.ts';
import { kube, scratch, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';

let p: Platform;
let namespace: string;
/** kubectl with the tokens that Fairlead's own processes use. */
let controller: Kube;
let certificates: Kube;
/** An administrator of the namespace, as a tenant would be. */
let tenant: Kube;
/** Kubeconfigs with the two tokens. */
let dir: string;

beforeAll(async () => {
  p = await platform('fence');
  namespace = await p.namespace('fence');
  await p.store('fence', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/fence/a' }));
  dir = await scratch('fence');
  const as = async (account: string) => {
    const kubeconfig = await accountKubeconfig(p.cluster, account, dir);
    return kube({ ...p.cluster, kubeconfig, tool: (name: 'kubectl') => p.cluster.tool(name) });
  };
  controller = await as('fairlead-controller');
  certificates = await as('fairlead-certificates');
  await p.k.run('create', 'rolebinding', 'tenant', '-n', namespace, '--clusterrole=admin', '--user=tenant');
  await p.k.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'fence-test-namespaces' },
    rules: [
      {
        apiGroups: [''],
        resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
        verbs: ['*'],
      },
      { apiGroups: ['fairlead.dev'], resources: ['secretreferences'], verbs: ['*'] },
    ],
  });
  await p.k.run(
    'create',
    'clusterrolebinding',
    'fence-test-namespaces',
    '--clusterrole=fence-test-namespaces',
    '--user=tenant',
  );
  tenant = kube(p.cluster, '--as=tenant');
});
afterAll(async () => {
  await p?.k.run('delete', 'clusterrolebinding,clusterrole', 'fence-test-namespaces', '--ignore-not-found');
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

const delivery = (rest: object = {}, metadata: object = {}): KubeJson => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'fairlead.dev/delivery',
  immutable: true,
  metadata: {
    name: 'fairlead-d-forged',
    namespace,
    labels: { 'fairlead.dev/delivery': 'fairlead-d-forged' },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '00000000-0000-4000-8000-000000000000' },
    ],
    ...metadata,
  },
  ...rest,
});
const owner = (rest: object) => [
  { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '00000000-0000-4000-8000-000000000000', ...rest },
];
const create = ['create', '-f', '-'];
/** Together with what Fairlead is there for: an update that does not lift the gate is refused for that alone. */
const lifted = { schedulingGates: [{ name: 'fairlead.dev/secrets', $patch: 'delete' }] };

/** What the API server says to a patch by the controller itself; kubectl would read first, which it may not. */
async function patchRefused(name: string, patch: object, subresource?: string): Promise<string> {
  const client = connect({ kubeconfig: controller.cluster.kubeconfig, userAgent: 'test' });
  try {
    await client.patch(RESOURCES.pods, { namespace, name, subresource }, patch, { type: 'strategic' });
    return 'accepted';
  } catch (error) {
    return (error as KubeError).serverMessage ?? String(error);
  } finally {
    await client.close();
  }
}

describe("with the controller's own token", () => {
  it.each([
    ['read a Secret outside the system namespace', () => ['get', 'secret', 'x', '-n', namespace]],
    ['list Secrets of the cluster', () => ['get', 'secrets', '-A']],
    ['delete a Secret', () => ['delete', 'secret', 'x', '-n', namespace]],
    ['mint a token for a ServiceAccount', () => ['create', 'token', 'default', '-n', namespace]],
    ['mint a token for itself', () => ['create', 'token', 'fairlead-controller', '-n', SYSTEM]],
    [
      'touch the webhook',
      () => ['patch', 'mutatingwebhookconfiguration', 'fairlead', '--type=merge', '-p', '{"webhooks":[]}'],
    ],
    ['touch a policy', () => ['delete', 'validatingadmissionpolicy', 'fairlead-fence-pods']],
    ['delete a pod', () => ['delete', 'pod', 'x', '-n', namespace]],
    ['change an integration', () => ['delete', 'vaultintegration', 'x', '-n', SYSTEM]],
    ['read a ConfigMap', () => ['get', 'configmaps', '-n', namespace]],
  ])('nobody can %s', async (_, args) => {
    expect(await controller.refused(args())).toMatch(/forbidden/i);
  });

  it.each<[string, () => KubeJson, string]>([
    [
      'a token Secret',
      () => ({
        ...delivery(
          { type: 'kubernetes.io/service-account-token', immutable: false },
          { annotations: { 'kubernetes.io/service-account.name': 'default' } },
        ),
      }),
      'immutable delivery',
    ],
    ['an Opaque Secret', () => delivery({ type: 'Opaque' }), 'immutable delivery'],
    ['a delivery that can be changed', () => delivery({ immutable: false }), 'immutable delivery'],
    ['a delivery under another name', () => delivery({}, { name: 'mine' }), 'immutable delivery'],
    [
      'a delivery with another label',
      () => delivery({}, { labels: { 'fairlead.dev/delivery': 'x' } }),
      'immutable delivery',
    ],
    ['a delivery without an owner', () => delivery({}, { ownerReferences: [] }), 'owned by exactly one Pod'],
    [
      'a delivery that a ConfigMap owns',
      () => delivery({}, { ownerReferences: owner({ kind: 'ConfigMap' }) }),
      'owned by exactly one Pod',
    ],
    [
      'a delivery in the system namespace',
      () => delivery({}, { namespace: SYSTEM }),
      'no Secret in the system namespace',
    ],
    [
      'a delivery where there is no domain',
      () => delivery({}, { namespace: 'default' }),
      'belongs to a domain',
    ],
  ])('nobody can create %s', async (_, secret, says) => {
    expect(await controller.refused(create, secret())).toContain(says);
  });

  it.each<[string, object, string]>([
    [
      'an image',
      { spec: { ...lifted, containers: [{ name: 'main', image: 'evil' }] } },
      'may not change containers',
    ],
    [
      'a toleration',
      { spec: { ...lifted, tolerations: [{ key: 'x', operator: 'Exists' }] } },
      'where or how long',
    ],
    ['the node selector', { spec: { ...lifted, nodeSelector: { a: 'b' } } }, 'where or how long'],
    ['a label', { metadata: { labels: { a: 'b' } }, spec: lifted }, 'labels, owners or finalizers'],
    [
      'a finalizer',
      { metadata: { finalizers: ['a.example/b'] }, spec: lifted },
      'labels, owners or finalizers',
    ],
    [
      "somebody else's annotation",
      { metadata: { annotations: { 'a.example/b': 'c' } }, spec: lifted },
      'annotations of its own',
    ],
    [
      "somebody else's gate",
      {
        spec: {
          schedulingGates: [...lifted.schedulingGates, { name: 'other.example/gate', $patch: 'delete' }],
        },
      },
      'remove its own',
    ],
  ])('nobody can change %s of a gated pod', async (_, patch, says) => {
    await p.pod(namespace, 'held', 'nope', { spec: { schedulingGates: [{ name: 'other.example/gate' }] } });
    expect(await patchRefused('held', patch)).toContain(says);
  });

  it('nobody can touch a pod without our gate', async () => {
    await p.pod(namespace, 'plain', '');
    const patch = JSON.stringify({ metadata: { annotations: { 'fairlead.dev/x': 'y' } } });
    expect(await controller.refused(['patch', 'pod', 'plain', '-n', namespace, '-p', patch])).toContain(
      'pods that have its gate',
    );
  });

  it.each<[string, object]>([
    ['the phase', { phase: 'Running' }],
    ['an address', { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] }],
    ['another condition', { conditions: [{ type: 'Ready', status: 'True' }] }],
  ])("nobody can change %s in a pod's status", async (_, status) => {
    await p.pod(namespace, 'held-too', 'nope');
    expect(await patchRefused('held-too', { status }, 'status')).toMatch(/fairlead-fence-pod-status/);
  });

  it('everything that Fairlead does still works', async () => {
    await p.pod(namespace, 'works');
    await p.released(namespace, 'works');
    expect(await p.delivered(namespace, 'works')).toEqual({ A: 'one' });
  });
});

describe("with the certificates role's token", () => {
  it.each([
    ['read another Secret', () => ['get', 'secret', 'iomete-secret-store-fence', '-n', SYSTEM]],
    ['read pods', () => ['get', 'pods', '-n', namespace]],
    [
      'touch another webhook configuration',
      () => ['patch', 'mutatingwebhookconfiguration', 'other', '--type=merge', '-p', '{}'],
    ],
  ])('nobody can %s', async (_, args) => {
    expect(await certificates.refused(args())).toMatch(/forbidden/i);
  });

  it.each<[string, object]>([
    [
      'the rules',
      {
        webhooks: [
          {
            name: 'pods.fairlead.dev',
            rules: [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }],
          },
        ],
      },
    ],
    [
      'the selector',
      { webhooks: [{ name: 'pods.fairlead.dev', namespaceSelector: { matchLabels: { a: 'b' } } }] },
    ],
    [
      'the address',
      { webhooks: [{ name: 'pods.fairlead.dev', clientConfig: { url: 'https://127.0.0.1:1/' } }] },
    ],
    ['what happens in an outage', { webhooks: [{ name: 'pods.fairlead.dev', failurePolicy: 'Ignore' }] }],
    [
      'its conditions',
      {
        webhooks: [
          { name: 'pods.fairlead.dev', matchConditions: [{ name: 'bears-our-marks', expression: 'true' }] },
        ],
      },
    ],
    ['its labels', { metadata: { labels: { a: 'b' } } }],
  ])('nobody can change %s of the webhook', async (_, patch) => {
    const args = [
      'patch',
      'mutatingwebhookconfiguration',
      'fairlead',
      '--type=strategic',
      '-p',
      JSON.stringify(patch),
    ];
    expect(await certificates.refused(args)).toMatch(/caBundle|metadata of the webhook/);
  });

  it('nobody can create a Secret but the certificate', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'x', namespace: SYSTEM },
      type: 'Opaque',
    };
    expect(await certificates.refused(create, secret)).toContain(
      'only write the Secret fairlead-webhook-cert',
    );
  });

  it.each<[string, object]>([
    ['of another type', { type: 'Opaque', immutable: true }],
    ['that can be changed', { type: 'fairlead.dev/audit-key' }],
    ['under another name', { type: 'fairlead.dev/audit-key', immutable: true, name: 'x' }],
  ])(
    'nobody can create a key of the audit %s',
    async (_, { name = 'fairlead-audit-key', ...rest }: KubeJson) => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: SYSTEM }, ...rest };
      expect(await certificates.refused(create, secret)).toContain('create the immutable Secret');
    },
  );

  it('nobody can read or delete the key of the audit', async () => {
    await until('the key', async () => p.k.get('secret', SYSTEM, 'fairlead-audit-key'));
    for (const verb of ['get', 'delete'])
      expect(await certificates.refused([verb, 'secret', 'fairlead-audit-key', '-n', SYSTEM])).toMatch(
        /forbidden/i,
      );
  });
});

describe('a tenant', () => {
  it.each<[string, () => KubeJson]>([
    ['by its name', () => delivery({ type: 'Opaque' })],
    ['by its type', () => delivery({}, { name: 'other', labels: {} })],
    [
      'by a generated name',
      () => delivery({ type: 'Opaque' }, { name: undefined, generateName: 'fairlead-d-' }),
    ],
  ])('cannot create a delivery ahead of Fairlead, told %s', async (_, secret) => {
    expect(await tenant.refused(create, secret())).toContain('reserved for Fairlead');
  });

  it('cannot take a delivery over, but may rewrite it, as re-encryption does', async () => {
    await p.pod(namespace, 'mine');
    const pod = await p.released(namespace, 'mine');
    const name = pod.metadata.annotations['fairlead.dev/delivered'];
    const patch = (body: object) => [
      'patch',
      'secret',
      name,
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify(body),
    ];
    expect(await tenant.refused(patch({ metadata: { ownerReferences: [] } }))).toContain(
      'owner of a delivery is fixed',
    );
    expect(await tenant.refused(patch({ metadata: { labels: { 'fairlead.dev/delivery': 'x' } } }))).toContain(
      'labels of a delivery are fixed',
    );
    await tenant.run(...patch({ metadata: { annotations: { 'a.example/rewritten': 'yes' } } }));
  });

  it('cannot forge marks: label, gate, envFrom and note are replaced by our own', async () => {
    const pod = await p.pod(namespace, 'forged', 'warehouse', {
      metadata: {
        name: 'forged',
        namespace,
        labels: { 'fairlead.dev/delivery': 'fairlead-d-of-another' },
        annotations: {
          'fairlead.dev/secret-references': 'warehouse',
          'fairlead.dev/delivered': 'fairlead-d-of-another',
        },
      },
      spec: {
        schedulingGates: [{ name: 'fairlead.dev/secrets' }],
        containers: [
          {
            name: 'main',
            image: p.cluster.image,
            envFrom: [{ secretRef: { name: 'fairlead-d-of-another' } }],
          },
        ],
      },
    });
    expect(JSON.stringify(pod.spec)).not.toContain('of-another');
    const released = await p.released(namespace, 'forged');
    expect(JSON.stringify(released.metadata.labels)).not.toContain('of-another');
    expect(await p.delivered(namespace, 'forged')).toEqual({ A: 'one' });
  });

  it('loses forged marks even without the annotation', async () => {
    const pod = await p.pod(namespace, 'only-marks', '', {
      metadata: { name: 'only-marks', namespace, labels: { 'fairlead.dev/delivery': 'fairlead-d-x' } },
      spec: { schedulingGates: [{ name: 'fairlead.dev/secrets' }] },
    });
    expect(pod.spec.schedulingGates).toBeUndefined();
    expect(pod.metadata.labels?.['fairlead.dev/delivery']).toBeUndefined();
  });

  it.each([
    ['our label', ['label', 'pod', 'mine', 'fairlead.dev/delivery=x', '--overwrite']],
    ['our annotation', ['annotate', 'pod', 'mine', 'fairlead.dev/secret-references=x', '--overwrite']],
    ['our note', ['annotate', 'pod', 'mine', 'fairlead.dev/delivered-']],
  ])('cannot change %s later', async (_, args) => {
    expect(await tenant.refused([...args, '-n', namespace])).toContain('fixed after creation');
  });

  it.each(['status', 'ephemeralcontainers', 'resize'])(
    'cannot change our marks through %s',
    async (subresource) => {
      const patch = JSON.stringify({ metadata: { annotations: { 'fairlead.dev/secret-references': 'x' } } });
      const args = [
        'patch',
        'pod',
        'mine',
        '-n',
        namespace,
        `--subresource=${subresource}`,
        '--type=merge',
        '-p',
        patch,
      ];
      const after = async () =>
        (await p.getPod(namespace, 'mine')).metadata.annotations['fairlead.dev/secret-references'];
      // Refused by the policy, or ignored by the API server: either way nothing has changed.
      await p.k
        .run(...args)
        .catch((error: unknown) =>
          expect((error as { stderr: string }).stderr).toContain('fixed after creation'),
        );
      expect(await after()).toBe('warehouse');
    },
  );
});

describe('the domain of a namespace', () => {
  it.each([
    [
      'entered',
      ['label', 'namespace', 'fence-free', 'fairlead.dev/domain=finance'],
      'assign domains.fairlead.dev/finance',
    ],
    [
      'left',
      ['label', 'namespace', 'fence-other', 'fairlead.dev/domain-'],
      'assign domains.fairlead.dev/fence',
    ],
    [
      'given placeholders',
      ['label', 'namespace', 'fence-other', 'fairlead.dev/legacy-placeholders=enabled'],
      'assign domains.fairlead.dev/fence',
    ],
  ])('cannot be %s without the permission', async (_, args, says) => {
    await p.k.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fence-free' } });
    await p.k.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'fence-other', labels: { 'fairlead.dev/domain': 'fence' } },
    });
    expect(await tenant.refused(args)).toContain(says);
  });

  it('cannot be changed through status either', async () => {
    const patch = JSON.stringify({ metadata: { labels: { 'fairlead.dev/domain': 'finance' } } });
    const args = ['patch', 'namespace', 'fence-other', '--subresource=status', '--type=merge', '-p', patch];
    expect(await tenant.refused(args)).toContain('assign domains.fairlead.dev/');
  });

  it.each([
    ['global', 'fence-other', 'not global'],
    ['Not_A_Label', 'fence-other', 'must be a DNS label'],
    ['finance', SYSTEM, 'belong to no domain'],
    ['finance', 'kube-system', 'belong to no domain'],
  ])('cannot be %s for %s, whoever asks', async (domain, name, says) => {
    expect(
      await p.k.refused(['label', 'namespace', name, `fairlead.dev/domain=${domain}`, '--overwrite']),
    ).toContain(says);
  });

  it('can be assigned by whoever holds the verb', async () => {
    await p.k.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'fence-assign' },
      rules: [
        {
          apiGroups: ['fairlead.dev'],
          resources: ['domains'],
          resourceNames: ['fence', 'finance'],
          verbs: ['assign'],
        },
      ],
    });
    await p.k.run(
      'create',
      'clusterrolebinding',
      'fence-assign',
      '--clusterrole=fence-assign',
      '--user=tenant',
    );
    await until('the permission to be known', async () =>
      tenant
        .run('label', 'namespace', 'fence-other', 'fairlead.dev/domain=finance', '--overwrite')
        .then(() => true),
    );
    await p.k.run('delete', 'clusterrolebinding,clusterrole', 'fence-assign');
    await p.k.run('delete', 'namespace', 'fence-other', 'fence-free', '--wait=false');
  });
});

describe('the verb use', () => {
  it('is needed for each integration that a reference newly names', async () => {
    const wants = reference('uses', namespace, {
      A: 'KUBERNETES/fence/a',
      B: 'VAULT/fence-one/b',
      C: 'VAULT/fence-two/c',
    }) as KubeJson;
    expect(await tenant.refused(create, wants)).toContain(
      'use vaultintegrations.fairlead.dev/fence-one in namespace fairlead-system',
    );
    await p.k.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'use-fence', namespace: SYSTEM },
      rules: [
        {
          apiGroups: ['fairlead.dev'],
          resources: ['vaultintegrations'],
          resourceNames: ['fence-one', 'fence-two'],
          verbs: ['use'],
        },
      ],
    });
    await p.k.run('create', 'rolebinding', 'use-fence', '-n', SYSTEM, '--role=use-fence', '--user=tenant');
    await until('the permission to be known', async () => tenant.apply(wants).then(() => true));
    await p.k.run('delete', 'rolebinding,role', 'use-fence', '-n', SYSTEM);
    const other = structuredClone(wants);
    other.metadata.name = 'uses-two';
    await until('the permission to be gone', async () =>
      tenant.refused([...create, '--dry-run=server'], other),
    );
    // Who lost `use` may still edit the rest, but name nothing new.
    const edited = structuredClone(wants);
    edited.spec.env[0].optional = true;
    await tenant.apply(edited);
    edited.spec.env.push({ name: 'D', secret: { key: 'd', source: { type: 'VAULT', id: 'fence-three' } } });
    await expect(tenant.apply(edited)).rejects.toThrow();
  });
});

describe('the author of an integration', () => {
  const wanted = (more: object = {}, spec: object = {}): KubeJson => {
    const appRole = { roleId: 'r', secretId: 's' };
    const base = integration('fence-author', {
      host: p.vault.address,
      path: 'secret/data/x',
      domains: ['fence'],
      appRole,
      secret: 'somebodys-login',
      ...more,
    }) as KubeJson;
    return { ...base, spec: { ...base.spec, ...spec } };
  };
  const author = () => kube(p.cluster, '--as=author');
  const allow = async (name: string, rules: object[]) => {
    await p.k.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: SYSTEM },
      rules,
    });
    await p.k.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace: SYSTEM },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'author' }],
    });
  };

  it("needs use on the credentials and on the bundle, or it could read with anybody's login", async () => {
    await allow('author', [{ apiGroups: ['fairlead.dev'], resources: ['vaultintegrations'], verbs: ['*'] }]);
    await until('the right to create', async () =>
      (await author().refused(create, wanted())).includes('use secrets/somebodys-login'),
    );
    await allow('author-login', [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['somebodys-login'], verbs: ['use'] },
    ]);
    await until('the right to use the login', async () =>
      (await author().refused(create, wanted({ bundle: 'finance' }))).includes(
        'use resourcebundles.fairlead.dev/finance',
      ),
    );
    await allow('author-bundles', [
      { apiGroups: ['fairlead.dev'], resources: ['resourcebundles'], verbs: ['use'] },
    ]);
    await until('the right to use all bundles', async () =>
      author()
        .apply(wanted())
        .then(() => true),
    );
    await p.k.run('delete', 'role,rolebinding', 'author-login', 'author-bundles', '-n', SYSTEM);
    const elsewhere = [
      'patch',
      'vaultintegration',
      'fence-author',
      '-n',
      SYSTEM,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { path: 'secret/data/payroll' } }),
    ];
    await until('the right to be gone', async () =>
      (await author().refused([...elsewhere, '--dry-run=server'])).includes('use secrets/somebodys-login'),
    );
    // What leads nowhere else may still be edited.
    await author().run(
      'patch',
      'vaultintegration',
      'fence-author',
      '-n',
      SYSTEM,
      '--type=merge',
      '-p',
      '{"spec":{"displayName":"New"}}',
    );
    await p.k.run('delete', 'role,rolebinding', 'author', '-n', SYSTEM);
    await p.k.remove('vaultintegration', SYSTEM, 'fence-author');
  });
});

describe('without its policies', () => {
  const policy = 'fairlead-fence-pods';
  const file = new URL('../../config/policies/fence-pods.yaml', import.meta.url).pathname;

  it.each<[string, () => Promise<unknown>]>([
    ['the binding is missing', async () => p.k.run('delete', 'validatingadmissionpolicybinding', policy)],
    ['the policy is missing', async () => p.k.run('delete', 'validatingadmissionpolicy', policy)],
    [
      'a rule was weakened',
      async () =>
        p.k.run(
          'patch',
          'validatingadmissionpolicy',
          policy,
          '--type=json',
          '-p',
          '[{"op":"replace","path":"/spec/failurePolicy","value":"Ignore"}]',
        ),
    ],
    [
      'an exemption was added',
      async () =>
        p.k.run(
          'patch',
          'validatingadmissionpolicy',
          policy,
          '--type=merge',
          '-p',
          '{"spec":{"matchConstraints":{"namespaceSelector":{"matchLabels":{"a":"b"}}}}}',
        ),
    ],
  ])('Fairlead delivers nothing: %s', async (what, weaken) => {
    const name = `unfenced-${what.replaceAll(' ', '-')}`;
    await weaken();
    await until('Fairlead to see it', async () => {
      await p.pod(namespace, `${name}-${Date.now()}`);
      const pods = await p.k.list('pods', namespace);
      return pods.find((pod: KubeJson) =>
        pod.status.conditions?.some(
          (c: KubeJson) => c.reason === 'DeliveryRefused' && c.message.includes(policy),
        ),
      );
    });
    await p.k.run(
      'apply',
      '--server-side',
      '--force-conflicts',
      '--field-manager=fairlead-install',
      '-f',
      file,
    );
    if (what.includes('added'))
      await p.k
        .run(
          'patch',
          'validatingadmissionpolicy',
          policy,
          '--type=json',
          '-p',
          '[{"op":"remove","path":"/spec/matchConstraints/namespaceSelector/matchLabels"}]',
        )
        .catch(() => undefined);
    const held = (await p.k.list('pods', namespace)).filter((pod: KubeJson) =>
      pod.metadata.name.startsWith(name),
    );
    for (const pod of held) await p.released(namespace, pod.metadata.name);
  });

  it('are written without a mistake in any expression', async () => {
    const policies = await p.k.list('validatingadmissionpolicies', undefined);
    const ours = policies.filter((one: KubeJson) => one.metadata.name.startsWith('fairlead-'));
    expect(ours.length).toBeGreaterThanOrEqual(8);
    for (const one of ours)
      expect([one.metadata.name, one.status?.typeChecking?.expressionWarnings]).toEqual([
        one.metadata.name,
        undefined,
      ]);
  });
});

describe('RBAC as it is written', () => {
  it('lets nobody else hold what the three roles hold', () => {
    const accounts = readFileSync(
      new URL('../../config/rbac/service-accounts.yaml', import.meta.url),
      'utf8',
    );
    expect(accounts).toMatch(/name: fairlead-admission[\s\S]*?automountServiceAccountToken: false/);
  });
});
