import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { grant, named, revoke } from '../support/rbac.ts';
import { driver, executor } from '../support/spark.ts';
import { storage } from '../support/storage.ts';

const STRICT = new URL('../../config/strict/', import.meta.url).pathname;

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('strict', { flags: ['--strict-use', 'true'] });
  namespace = await p.namespace('strict');
  await p.store('strict', { a: 'one' });
  await p.integration('strict-vault', { b: 'two' }, { domains: ['strict'] });
  await p.k.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'spark', namespace } },
    reference('warehouse', namespace, { A: 'KUBERNETES/strict/a', B: 'VAULT/strict-vault/b' }),
    reference('plain', namespace, { A: 'KUBERNETES/strict/a' }),
  );
});
afterAll(async () => {
  await p?.k.run('delete', '-k', STRICT, '--ignore-not-found');
  if (p) await revoke(p.k, 'strict-vault');
  await p?.stop();
});

const spark = () => ({ kind: 'ServiceAccount', name: 'spark', namespace }) as const;
const pod = async (name: string, references = 'warehouse', more: object = {}) =>
  p.pod(namespace, name, references, { spec: { serviceAccountName: 'spark', ...more } });
const use = async (name: string) =>
  grant(p.k, `use-${name}`, spark(), [named('secretreferences', name, 'use')], namespace);

describe('with --strict-use', () => {
  it('nothing is delivered without the policy of strict mode, which could be got round without it', async () => {
    await pod('early');
    const { message } = await p.waits(namespace, 'early', 'DeliveryRefused');
    expect(message).toContain('fairlead-strict-deliveries is missing');
    await p.k.run('apply', '-k', STRICT);
    await p.waits(namespace, 'early', 'UseForbidden');
    const { status }: KubeJson = await until('the policy to be checked', async () => {
      const policy = await p.k.get('validatingadmissionpolicy', '', 'fairlead-strict-deliveries');
      return policy?.status?.typeChecking && policy;
    });
    expect(status.typeChecking.expressionWarnings).toBeUndefined();
  });

  it('a pod waits until its ServiceAccount may use the reference and the integrations, and goes on by itself', async () => {
    await pod('waits');
    const first = await p.waits(namespace, 'waits', 'UseForbidden');
    const user = `system:serviceaccount:${namespace}:spark`;
    expect(first.message).toContain(
      `${user} lacks the permission to use secretreferences.fairlead.dev/warehouse in namespace ${namespace}`,
    );
    await use('warehouse');
    const second = await until('the next reason', async () => {
      const seen = await p.waits(namespace, 'waits', 'UseForbidden');
      return seen.message.includes('vaultintegrations') && !seen.message.includes('secretreferences') && seen;
    });
    expect(second.message).toContain(
      `${user} lacks the permission to use vaultintegrations.fairlead.dev/strict-vault in namespace ${SYSTEM}`,
    );
    await grant(p.k, 'strict-vault', spark(), [named('vaultintegrations', 'strict-vault', 'use')]);
    await p.released(namespace, 'waits', 70_000);
    expect(await p.delivered(namespace, 'waits')).toEqual({ A: 'one', B: 'two' });
  }, 120_000);

  it('another ServiceAccount of the namespace gets nothing', async () => {
    await p.pod(namespace, 'default');
    const { message } = await p.waits(namespace, 'default', 'UseForbidden');
    expect(message).toContain(`system:serviceaccount:${namespace}:default lacks`);
  });

  it('a storage and the integrations that it names take the same rights', async () => {
    const annotations = { 'fairlead.dev/storage': 'lake' };
    await p.k.apply(
      storage('lake', namespace, { access: 'KUBERNETES/strict/a', secret: 'VAULT/strict-vault/b' }),
    );
    await p.pod(namespace, 'storage', '', {
      metadata: { annotations },
      spec: { serviceAccountName: 'spark' },
    });
    const { message } = await p.waits(namespace, 'storage', 'UseForbidden');
    expect(message).toContain(
      `system:serviceaccount:${namespace}:spark lacks the permission to use storageconfigs.fairlead.dev/lake in namespace ${namespace}`,
    );
    await grant(p.k, 'use-lake', spark(), [named('storageconfigs', 'lake', 'use')], namespace);
    await grant(p.k, 'strict-vault', spark(), [named('vaultintegrations', 'strict-vault', 'use')]);
    await p.released(namespace, 'storage', 70_000);
    expect(await p.delivered(namespace, 'storage')).toMatchObject({
      AWS_ACCESS_KEY_ID: 'one',
      AWS_SECRET_ACCESS_KEY: 'two',
    });
  }, 100_000);

  it('a right that is taken away is gone for the next pod, and running ones keep what they have', async () => {
    await use('plain');
    await pod('allowed', 'plain');
    await p.released(namespace, 'allowed');
    await revoke(p.k, 'use-plain', namespace);
    await until('the right to be gone', async () => {
      const name = `refused-${Date.now()}`;
      await pod(name, 'plain');
      return p.waits(namespace, name, 'UseForbidden').then(() => true);
    });
    expect(await p.delivered(namespace, 'allowed')).toEqual({ A: 'one' });
  });
});

describe('in strict mode a pod that names the delivery of another one', () => {
  const theirs = 'fairlead-d-00000000-0000-4000-8000-000000000000';
  const container = (more: object) => ({ name: 'main', image: 'x', ...more });
  const asPod = (spec: object): KubeJson => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'thief', namespace },
    spec: { containers: [container({})], ...spec },
  });
  const key = { name: 'A', valueFrom: { secretKeyRef: { name: theirs, key: 'A' } } };

  it.each<[string, object, string]>([
    [
      'in envFrom',
      { containers: [container({ envFrom: [{ secretRef: { name: theirs } }] })] },
      'a container reads',
    ],
    ['in env', { containers: [container({ env: [key] })] }, 'a container reads'],
    [
      'in an init container',
      { initContainers: [{ ...container({ env: [key] }), name: 'init' }] },
      'a container reads',
    ],
    ['in a volume', { volumes: [{ name: 'v', secret: { secretName: theirs } }] }, 'a volume mounts'],
    [
      'in a projected volume',
      { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: theirs } }] } }] },
      'a volume mounts',
    ],
    [
      'for a CSI driver',
      { volumes: [{ name: 'v', csi: { driver: 'x', nodePublishSecretRef: { name: theirs } } }] },
      'a volume mounts',
    ],
  ])('is refused: %s', async (_, spec, says) => {
    const said = await p.k.refused(['create', '--dry-run=server', '-f', '-'], asPod(spec));
    expect(said).toContain(`${says} a delivery`);
  });

  it('is refused: in an ephemeral container', async () => {
    await p.k.apply(asPod({ containers: [container({ image: p.cluster.image })] }));
    const ephemeralContainers = [container({ name: 'debug', env: [key] })];
    const args = [
      'patch',
      'pod',
      'thief',
      '-n',
      namespace,
      '--subresource=ephemeralcontainers',
      '--type=strategic',
    ];
    const said = await p.k.refused([...args, '-p', JSON.stringify({ spec: { ephemeralContainers } })]);
    expect(said).toContain('an ephemeral container reads a delivery');
  });

  describe('as an executor of Spark', () => {
    const asExecutor = (name: string, env: object[] = [key], more: object = {}): KubeJson => {
      const base = executor('strict', namespace, 1, { image: p.cluster.image, uid: owner, env }) as KubeJson;
      return { ...base, metadata: { ...base.metadata, name }, spec: { ...base.spec, ...more } };
    };
    const dryRun = (user: string) => ['create', '--dry-run=server', '-f', '-', '--as', user];
    const account = () => `system:serviceaccount:${namespace}:spark`;
    let owner: string;
    beforeAll(async () => {
      const of = driver('strict', namespace, { image: p.cluster.image });
      await p.k.apply(of);
      owner = (await p.getPod(namespace, 'strict-driver')).metadata.uid;
      const rule = { apiGroups: [''], resources: ['pods', 'pods/ephemeralcontainers'], verbs: ['*'] };
      await grant(p.k, 'make-pods', spark(), [rule], namespace);
    });

    it('is refused, and told which permission is needed', async () => {
      const said = await p.k.refused(dryRun(account()), asExecutor('exec'));
      expect(said).toContain('needs the verb use on deliveries.fairlead.dev');
    });

    it('passes if whoever makes it may use deliveries, and only as far as Spark makes it', async () => {
      await grant(
        p.k,
        'hand-on',
        spark(),
        [{ apiGroups: ['fairlead.dev'], resources: ['deliveries'], verbs: ['use'] }],
        namespace,
      );
      const k = kube(p.cluster, '--as', account());
      await until('the right to be known', async () => {
        await k.apply(asExecutor('exec'));
        return true;
      });
      const refused = async (manifest: KubeJson) =>
        k.refused(['create', '--dry-run=server', '-f', '-'], manifest);
      const { ownerReferences: _, ...metadata } = asExecutor('x').metadata;
      const plain = asExecutor('x');
      const others: KubeJson[] = [
        { ...plain, metadata },
        { ...plain, metadata: { ...plain.metadata, labels: {} } },
        asExecutor('x', [], { volumes: [{ name: 'v', secret: { secretName: theirs } }] }),
        asExecutor('x', [], { containers: [container({ envFrom: [{ secretRef: { name: theirs } }] })] }),
      ];
      for (const one of others) expect(await refused(one)).toContain('a delivery (fairlead-d-*)');
      // Whoever looks into a running executor need not hold it.
      await p.k.apply(asExecutor('exec-2'));
      const ephemeralContainers = [container({ name: 'debug' })];
      const patch = JSON.stringify({ spec: { ephemeralContainers } });
      await revoke(p.k, 'hand-on', namespace);
      await until('the right to be gone', async () => refused(asExecutor('exec-3')));
      await k.run(
        ...['patch', 'pod', 'exec-2', '-n', namespace, '--subresource=ephemeralcontainers'],
        ...['--type=strategic', '-p', patch],
      );
    });
  });

  it('but its own passes, and every other Secret', async () => {
    await use('plain');
    await until('the right to be known', async () => {
      const name = `own-${Date.now()}`;
      await pod(name, 'plain', {
        containers: [
          { name: 'main', image: p.cluster.image, envFrom: [{ secretRef: { name: 'company-secret' } }] },
        ],
        volumes: [{ name: 'v', secret: { secretName: 'other', optional: true } }],
      });
      return p.released(namespace, name, 5_000);
    });
    await revoke(p.k, 'use-plain', namespace);
  });
});
