import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKubeconfig } from '../../hack/install.ts';
import { RESOURCES } from '../../src/api/resources.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import type { KubeError } from '../../src/kube/errors.ts';
import { LEASES } from '../../src/kube/lease-lock.ts';
import { kube, scratch, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';

/** The real role, and what its identity and that of the certificates role may do past Fairlead. */

let p: Platform;
let dir: string;
let namespace: string;
let keys: Kube;
let client: KubeClient;
let certificates: KubeClient;
const PREFIX = 'iomete-secret-store';

beforeAll(async () => {
  p = await platform('keys-fence', { keysApi: true });
  dir = await scratch('keys-fence');
  namespace = await p.namespace('keys-fence');
  await p.store('keys-fence', { a: 'one' });
  const kubeconfig = await accountKubeconfig(p.cluster, 'fairlead-keys', dir);
  keys = kube({ ...p.cluster, kubeconfig, tool: (name: 'kubectl') => p.cluster.tool(name) });
  client = connect({ kubeconfig, userAgent: 'test' });
  const other = await accountKubeconfig(p.cluster, 'fairlead-certificates', dir);
  certificates = connect({ kubeconfig: other, userAgent: 'test' });
});
afterAll(async () => {
  await Promise.all([client?.close(), certificates?.close()]);
  await p?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** Nothing if it was done, else what the API server says. */
async function says(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return '';
  } catch (error) {
    return (error as KubeError).serverMessage ?? String(error);
  }
}

const store = (domain: string, more: object = {}, metadata: object = {}): KubeJson => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { name: `${PREFIX}-${domain}`, namespace: SYSTEM, ...metadata },
  data: { a: 'dHdv' },
  ...more,
});
const owner = [
  { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '00000000-0000-4000-8000-000000000000' },
];

describe('the role', () => {
  it('is ready, served through kube-apiserver, and has anchored its audit', async () => {
    expect(p.fairlead.processes.map(({ role }) => role)).toContain('keys');
    expect(await p.k.run('get', '--raw', '/apis/keys.fairlead.dev/v1alpha1')).toContain('APIResourceList');
    await until('the anchor', async () => {
      const leases = await p.k.list('leases', SYSTEM);
      return leases.find(
        ({ metadata, spec }: KubeJson) =>
          metadata.name === 'fairlead-audit-keys-0' &&
          spec.holderIdentity === 'keys' &&
          metadata.annotations?.['fairlead.dev/audit-anchor'],
      );
    });
  });

  it('runs twice, each with an anchor of its own, and takes up the old one when it comes back', async () => {
    const port = p.fairlead.keysPort ?? 0;
    const second = await p.fairlead.startRole('keys', {
      name: 'keys-2',
      flags: ['--keys-address', `127.0.0.1:${port === 65_535 ? port - 1 : port + 1}`],
    });
    const holders = async () => {
      const leases: KubeJson[] = await p.k.list('leases', SYSTEM);
      return leases
        .filter(({ metadata }) => metadata.name.startsWith('fairlead-audit-keys-'))
        .map(({ spec }): string => spec.holderIdentity ?? '')
        .sort((a, b) => (a < b ? -1 : 1));
    };
    await until('two anchors', async () => (await holders()).join() === 'keys,keys-2');
    expect(await second.stop()).toBe(0);
    expect(await holders()).toEqual(['', 'keys']);
  });
});

describe("with the keys role's token", () => {
  it.each([
    ['read a Secret elsewhere', () => ['get', 'secrets', '-n', namespace]],
    ['delete a store', () => ['delete', 'secret', `${PREFIX}-keys-fence`, '-n', SYSTEM]],
    ['read pods', () => ['get', 'pods', '-n', namespace]],
    ['write a reference', () => ['delete', 'secretreference', 'x', '-n', namespace]],
    ['write an integration', () => ['delete', 'vaultintegration', 'x', '-n', SYSTEM]],
    ['touch a policy', () => ['delete', 'validatingadmissionpolicy', 'fairlead-fence-keys']],
    ['touch the APIService', () => ['delete', 'apiservice', 'v1alpha1.keys.fairlead.dev']],
    [
      'read another ConfigMap of kube-system',
      () => ['get', 'configmap', 'kube-root-ca.crt', '-n', 'kube-system'],
    ],
    ['mint a token for itself', () => ['create', 'token', 'fairlead-keys', '-n', SYSTEM]],
    [
      'mint a token for the controller',
      () => ['create', 'token', 'fairlead-controller', '-n', SYSTEM, '--audience=vault', '--duration=10m'],
    ],
    ['touch the election of the controller', () => ['delete', 'lease', 'fairlead-controller', '-n', SYSTEM]],
  ])('nobody can %s', async (_, args) => {
    expect(await keys.refused(args())).toMatch(/forbidden/i);
  });

  it.each<[string, () => KubeJson, string]>([
    ['the store of everybody', () => store('x', {}, { name: PREFIX }), 'stores of domains'],
    ['the store of everybody under another name', () => store('global'), 'stores of domains'],
    ['a store whose domain is no name', () => store('a.b'), 'stores of domains'],
    ['another Secret', () => store('x', {}, { name: 'x' }), 'stores of domains'],
    ['a Secret that begins like a store', () => store('x', {}, { name: `${PREFIX}x` }), 'stores of domains'],
    ['a store of another type', () => store('x', { type: 'fairlead.dev/x' }), 'type Opaque'],
    ['a store that cannot be changed', () => store('x', { immutable: true }), 'type Opaque'],
    ['a store with an owner', () => store('x', {}, { ownerReferences: owner }), 'without owners'],
    ['a store with a finalizer', () => store('x', {}, { finalizers: ['a.example/b'] }), 'without owners'],
    [
      'a token of a ServiceAccount',
      () =>
        store(
          'x',
          { type: 'kubernetes.io/service-account-token', data: undefined },
          { annotations: { 'kubernetes.io/service-account.name': 'fairlead-controller' } },
        ),
      'type Opaque',
    ],
  ])('nobody can create %s', async (_, secret, message) => {
    expect(await says(client.create(RESOURCES.secrets, secret()))).toContain(message);
  });

  it('a store can be created and its data changed', async () => {
    const made = await client.create<KubeJson>(
      RESOURCES.secrets,
      store('fence-made', {}, { labels: { a: 'b' } }),
    );
    expect(await says(client.replace(RESOURCES.secrets, { ...made, data: { b: 'Yg==' } }))).toBe('');
    await p.k.remove('secret', SYSTEM, `${PREFIX}-fence-made`);
  });

  it.each<[string, (live: KubeJson) => KubeJson, string]>([
    [
      'the labels',
      (live) => ({ ...live, metadata: { ...live.metadata, labels: { a: 'b' } } }),
      'only change the data',
    ],
    [
      'the annotations',
      (live) => ({ ...live, metadata: { ...live.metadata, annotations: { a: 'b' } } }),
      'only change the data',
    ],
    [
      'the owners',
      (live) => ({ ...live, metadata: { ...live.metadata, ownerReferences: owner } }),
      'without owners',
    ],
    [
      'the finalizers',
      (live) => ({ ...live, metadata: { ...live.metadata, finalizers: ['a.example/b'] } }),
      'without owners',
    ],
    ['whether it can be changed', (live) => ({ ...live, immutable: true }), 'not immutable'],
  ])('nobody can change %s of a store', async (_, change, message) => {
    const live = await client.get<KubeJson>(RESOURCES.secrets, {
      namespace: SYSTEM,
      name: `${PREFIX}-keys-fence`,
    });
    expect(await says(client.replace(RESOURCES.secrets, change(live)))).toContain(message);
  });

  it.each(['fairlead-webhook-cert', 'fairlead-keys-cert', 'fairlead-audit-key'])(
    'nobody can change %s',
    async (name) => {
      const live = await client.get<KubeJson>(RESOURCES.secrets, { namespace: SYSTEM, name });
      expect(
        await says(client.replace(RESOURCES.secrets, { ...live, data: { ...live.data, x: 'eA==' } })),
      ).toMatch(/stores of domains|immutable/);
    },
  );

  it('nobody can create a Lease but those of its audit', async () => {
    const lease = (name: string, where = SYSTEM) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: where },
    });
    for (const name of ['fairlead-x', 'fairlead-audit-keys-8', 'fairlead-audit-keys-00'])
      expect(await says(client.create(LEASES, lease(name)))).toContain('only write the Leases');
    expect(await says(client.create(LEASES, lease('fairlead-audit-keys-7', namespace)))).toContain(
      'forbidden',
    );
    expect(await says(client.create(LEASES, lease('fairlead-audit-keys-7')))).toBe('');
    await p.k.run('delete', 'lease', 'fairlead-audit-keys-7', '-n', SYSTEM);
  });

  it('a Secret elsewhere is refused by the policy, too, should RBAC allow it', async () => {
    const role = { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete'] };
    const rbac = 'rbac.authorization.k8s.io';
    const metadata = { name: 'too-much', namespace };
    await p.k.apply(
      { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules: [role] },
      {
        ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata },
        roleRef: { apiGroup: rbac, kind: 'Role', name: 'too-much' },
        subjects: [{ kind: 'ServiceAccount', name: 'fairlead-keys', namespace: SYSTEM }],
      },
    );
    await until('the right to arrive', async () =>
      (await says(client.create(RESOURCES.secrets, store('x', {}, { namespace })))).includes(
        'in the system namespace only',
      ),
    );
    await p.k.apply(store('x', {}, { namespace }));
    const deletion = client.delete(RESOURCES.secrets, { namespace, name: `${PREFIX}-x` });
    expect(await says(deletion)).toContain('only create and update');
  });
});

describe("with the certificates role's token", () => {
  const name = 'v1alpha1.keys.fairlead.dev';
  const patch = async (what: object, of = name) =>
    says(certificates.patch(RESOURCES.apiServices, { name: of }, what, { type: 'merge' }));

  it.each<[string, object]>([
    ['the Service', { spec: { service: { name: 'evil', namespace: 'default' } } }],
    ['the port', { spec: { service: { port: 1234 } } }],
    ['whether the certificate is checked', { spec: { caBundle: null, insecureSkipTLSVerify: true } }],
    ['the priority', { spec: { groupPriorityMinimum: 2000 } }],
    ['the labels', { metadata: { labels: { a: 'b' } } }],
    ['the annotations', { metadata: { annotations: { a: 'b' } } }],
  ])('nobody can change %s of the APIService', async (_, what) => {
    expect(await patch(what)).toMatch(/caBundle|metadata of the APIService/);
  });

  it('caBundle can be changed, and is repaired', async () => {
    const live = async () => (await p.k.get('apiservice', '', name)).spec.caBundle;
    const before = await live();
    expect(await patch({ spec: { caBundle: Buffer.from('x').toString('base64') } })).toMatch(/^$|caBundle/);
    await p.k.run('patch', 'apiservice', name, '--type=merge', '-p', '{"spec":{"caBundle":null}}');
    await until('caBundle', async () => (await live()) === before);
  });

  it('nobody can change another APIService', async () => {
    expect(await patch({ spec: { groupPriorityMinimum: 2000 } }, 'v1.apps')).toMatch(/forbidden/);
  });
});
