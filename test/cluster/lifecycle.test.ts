import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('lifecycle');
  namespace = await p.namespace('lifecycle');
  await p.store('lifecycle', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/lifecycle/a' }));
});
afterAll(async () => p?.stop());

const secretOf = (pod: { metadata: { annotations: Record<string, string> } }) =>
  pod.metadata.annotations['fairlead.dev/delivered'] ?? '';

describe('a delivery', () => {
  it("goes with its pod, by Kubernetes' own garbage collector", async () => {
    await p.pod(namespace, 'driver');
    const delivery = secretOf(await p.released(namespace, 'driver'));
    expect(await p.k.get('secret', namespace, delivery)).toBeDefined();
    await p.k.remove('pod', namespace, 'driver');
    await until('the delivery to be gone', async () => !(await p.k.get('secret', namespace, delivery)));
  });

  it('stays with --cascade=orphan, and is found by its label', async () => {
    await p.pod(namespace, 'orphan');
    const delivery = secretOf(await p.released(namespace, 'orphan'));
    await p.k.run(
      'delete',
      'pod',
      'orphan',
      '-n',
      namespace,
      '--cascade=orphan',
      '--grace-period=0',
      '--force',
    );
    const left = await until('its owner to be gone', async () => {
      const [secret] = await p.k.list('secrets', namespace, '-l=fairlead.dev/delivery');
      return secret && !secret.metadata.ownerReferences && secret;
    });
    expect(left.metadata.name).toBe(delivery);
    await p.k.remove('secret', namespace, delivery);
  });

  it('is a snapshot: another value, or no reference at all, does not touch it', async () => {
    await p.pod(namespace, 'running');
    const before = await p.released(namespace, 'running');
    await p.store('lifecycle', { a: 'two' });
    await p.k.remove('secretreference', namespace, 'warehouse');
    await p.pod(namespace, 'waiting');
    await p.waits(namespace, 'waiting', 'ReferenceNotFound');
    const after = await p.getPod(namespace, 'running');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(await p.delivered(namespace, 'running')).toEqual({ A: 'one' });

    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/lifecycle/a' }));
    await p.released(namespace, 'waiting');
    expect(await p.delivered(namespace, 'waiting')).toEqual({ A: 'two' });
  });
});

describe('the serving certificate', () => {
  it('is made anew when its Secret is deleted, and the webhook goes on', async () => {
    const before = await p.k.get('secret', 'fairlead-system', 'fairlead-webhook-cert');
    await p.k.run('delete', 'secret', 'fairlead-webhook-cert', '-n', 'fairlead-system');
    const after = await until('a new certificate', async () =>
      p.k.get('secret', 'fairlead-system', 'fairlead-webhook-cert'),
    );
    expect(after.data['tls.crt']).not.toBe(before.data['tls.crt']);
    await until('the CA in the webhook', async () => {
      const webhook = await p.k.get('mutatingwebhookconfiguration', '', 'fairlead');
      return webhook.webhooks.every(
        (one: { clientConfig: { caBundle: string } }) => one.clientConfig.caBundle === after.data['ca.crt'],
      );
    });
    // The admission server still has the old one, as it would until the kubelet brings the new one.
    await p.pod(namespace, 'before-the-kubelet');
    await p.released(namespace, 'before-the-kubelet');
    await p.fairlead.syncCertificate();
    await until('the admission server to serve it', async () =>
      p.pod(namespace, 'after-rotation').then(() => true),
    );
    await p.released(namespace, 'after-rotation');
  });
});

describe('the status of a reference', () => {
  it('names each entry with its state and version, and follows the source', async () => {
    await p.integration('lifecycle-vault', { b: 'x' }, { domains: ['lifecycle'] });
    await p.k.apply(
      reference('told', namespace, {
        A: 'KUBERNETES/lifecycle/a',
        B: 'VAULT/lifecycle-vault/b',
        C: 'KUBERNETES/lifecycle/nope',
      }),
    );
    const told = await until('the status', async () => {
      const { status } = await p.k.get('secretreference', namespace, 'told');
      return status?.entries?.[1]?.state === 'Resolved' && status;
    });
    expect(told.entries).toEqual([
      { name: 'A', type: 'KUBERNETES', id: 'lifecycle', state: 'Resolved' },
      { name: 'B', type: 'VAULT', id: 'lifecycle-vault', state: 'Resolved', version: 1 },
      { name: 'C', type: 'KUBERNETES', id: 'lifecycle', state: 'KeyNotFound' },
    ]);
    expect(told.conditions[0]).toMatchObject({
      type: 'Ready',
      status: 'False',
      reason: 'KeyNotFound',
      observedGeneration: 1,
    });
    await p.store('lifecycle', { a: 'two', nope: 'there' });
    await until(
      'Ready',
      async () =>
        (await p.k.get('secretreference', namespace, 'told')).status.conditions[0].status === 'True',
    );
  });

  it('of an integration shows what was understood, in the columns too', async () => {
    await p.k.run(
      'wait',
      '--for=condition=Ready',
      '--timeout=20s',
      'vaultintegration/lifecycle-vault',
      '-n',
      'fairlead-system',
    );
    const { status } = await p.k.get('vaultintegration', 'fairlead-system', 'lifecycle-vault');
    expect(status).toMatchObject({
      mount: 'secret',
      secretPath: 'lifecycle-vault',
      authMethod: 'appRole',
      keyCount: 1,
      observedGeneration: 1,
    });
    const columns = await p.k.run('get', 'vaultintegration', 'lifecycle-vault', '-n', 'fairlead-system');
    expect(columns).toMatch(/NAME\s+NAME\s+HOST\s+PATH\s+NAMESPACE\s+BUNDLE\s+READY\s+REASON\s+AGE/);
    expect(columns).toMatch(/True\s+Connected/);
  });

  it('is not patched when nothing changed', async () => {
    const version = async () =>
      (await p.k.get('vaultintegration', 'fairlead-system', 'lifecycle-vault')).metadata.resourceVersion;
    const before = await version();
    // A change of the credentials' metadata makes Fairlead look again, with the same result.
    await p.k.run(
      'annotate',
      'secret',
      'login-lifecycle-vault',
      '-n',
      'fairlead-system',
      'example.com/x=y',
      '--overwrite',
    );
    await p.pod(namespace, 'later');
    await p.released(namespace, 'later');
    expect(await version()).toBe(before);
  });
});
