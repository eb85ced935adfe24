import { RESOURCES } from '../../src/api/resources.ts';
import { connect } from '../../src/kube/client.ts';
import { opaque, pod as podOf } from '../../hack/demo/objects.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { until, type KubeJson } from '../support/cluster.ts';

let p: Platform;
beforeAll(async () => {
  p = await platform('waiting');
});
afterAll(async () => p?.stop());

/** It takes about a second; `make bench` measures how long. Backoff alone would let it wait for up to a minute. */
const SOON_MS = 10_000;

async function events(namespace: string, pod: string): Promise<KubeJson[]> {
  return p.k.list('events.events.k8s.io', namespace, `--field-selector=regarding.name=${pod}`);
}

describe('a pod waits, says why, and goes on by itself', () => {
  it('until its reference, its store, its key, its domain and its integration exist: one after the other', async () => {
    const namespace = await p.namespace('');
    await p.pod(namespace, 'driver', 'warehouse');
    const missing = await p.waits(namespace, 'driver', 'DomainMissing');
    expect(missing.message).toContain('fairlead.dev/domain');

    await p.k.run('label', 'namespace', namespace, 'fairlead.dev/domain=waiting');
    const noReference = await p.waits(namespace, 'driver', 'ReferenceNotFound');
    expect(noReference.message).toBe('SecretReference warehouse does not exist in this namespace');

    await p.k.apply(
      reference('warehouse', namespace, { A: 'KUBERNETES/waiting/a', B: 'VAULT/waiting-vault/b' }),
    );
    const noStore = await p.waits(namespace, 'driver', 'StoreNotFound');
    expect(noStore.message).toContain('A from KUBERNETES/waiting key a');
    expect(noStore.message).toContain(`${SYSTEM}/iomete-secret-store-waiting`);

    await p.store('waiting', { other: 'x' });
    await p.waits(namespace, 'driver', 'KeyNotFound');
    await p.store('waiting', { a: 'one' });
    await p.waits(namespace, 'driver', 'IntegrationNotFound');

    await p.integration('waiting-vault', { b: 'two' }, { domains: ['waiting'] });
    await p.released(namespace, 'driver', SOON_MS);
    expect(await p.delivered(namespace, 'driver')).toEqual({ A: 'one', B: 'two' });
  });

  it.each(['reference', 'store', 'credentials'] as const)(
    'starts when the last missing object comes: the %s',
    async (last) => {
      const namespace = await p.namespace(`last-${last}`);
      const make = {
        reference: async () =>
          p.k.apply(
            reference('warehouse', namespace, { A: `KUBERNETES/last-${last}/a`, B: `VAULT/last-${last}/b` }),
          ),
        store: async () => p.store(`last-${last}`, { a: 'one' }),
        credentials: async () => p.integration(`last-${last}`, { b: 'two' }, { domains: [`last-${last}`] }),
      };
      // The credentials come after an integration that already names them.
      if (last === 'credentials') {
        await make.credentials();
        await p.k.remove('secret', SYSTEM, `login-last-${last}`);
        await until(
          'the credentials to be gone',
          async () => !(await p.k.get('secret', SYSTEM, `login-last-${last}`)),
        );
      }
      for (const [kind, create] of Object.entries(make)) if (kind !== last) await create();
      await p.pod(namespace, 'driver');
      await p.waits(
        namespace,
        'driver',
        { reference: 'ReferenceNotFound', store: 'StoreNotFound', credentials: 'CredentialsMissing' }[last],
      );
      await make[last]();
      await p.released(namespace, 'driver', SOON_MS);
    },
  );

  it('shows the reason as a Warning event, and the delivery as a Normal one', async () => {
    const namespace = await p.namespace('events');
    await p.pod(namespace, 'driver');
    await p.waits(namespace, 'driver', 'ReferenceNotFound');
    const warning = await until('the event', async () =>
      (await events(namespace, 'driver')).find(({ type }) => type === 'Warning'),
    );
    expect(warning).toMatchObject({
      reason: 'ReferenceNotFound',
      note: expect.stringContaining('SecretReference warehouse'),
    });

    await p.store('events', { a: 'one' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/events/a' }));
    await p.released(namespace, 'driver');
    const normal = await until('the event', async () =>
      (await events(namespace, 'driver')).find(
        ({ type, reason }) => type === 'Normal' && reason === 'SecretsDelivered',
      ),
    );
    expect(normal.note).toContain('KUBERNETES/events');
    const after = await p.getPod(namespace, 'driver');
    expect(after.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'fairlead.dev/SecretsDelivered', status: 'True', reason: 'Resolved' }),
    );
  });

  it('does not start on half a set, but does without what is optional', async () => {
    const namespace = await p.namespace('optional');
    await p.store('optional', { a: 'one' });
    const both = reference('warehouse', namespace, {
      A: 'KUBERNETES/optional/a',
      B: 'KUBERNETES/optional/b',
    }) as KubeJson;
    await p.k.apply(both);
    await p.pod(namespace, 'driver');
    const condition = await p.waits(namespace, 'driver', 'KeyNotFound');
    expect(condition.message).toContain('B from KUBERNETES/optional key b');
    both.spec.env[1].optional = true;
    await p.k.apply(both);
    await p.released(namespace, 'driver');
    expect(await p.delivered(namespace, 'driver')).toEqual({ A: 'one' });
  });
});

describe('a StatefulSet pod that is recreated', () => {
  it('gets a gate and a delivery of its own, and the old pass never lets it go', async () => {
    const namespace = await p.namespace('stateful');
    await p.store('stateful', { a: 'one' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/stateful/a' }));
    await p.k.apply({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'hub', namespace },
      spec: {
        selector: { matchLabels: { app: 'hub' } },
        serviceName: 'hub',
        template: {
          metadata: {
            labels: { app: 'hub' },
            annotations: { 'fairlead.dev/secret-references': 'warehouse' },
          },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'main', image: p.cluster.image, command: ['sleep', '3600'] }],
          },
        },
      },
    });
    const seen = new Set<string>();
    for (let round = 0; round < 8; round += 1) {
      const pod = await p.released(namespace, 'hub-0');
      seen.add(pod.metadata.annotations['fairlead.dev/delivered']);
      // What was delivered to this pod is the Secret that this pod reads, and belongs to this pod.
      const delivery = await p.k.get('secret', namespace, pod.metadata.annotations['fairlead.dev/delivered']);
      expect(pod.spec.containers[0].envFrom).toEqual([{ secretRef: { name: delivery.metadata.name } }]);
      expect(delivery.metadata.ownerReferences[0].uid).toBe(pod.metadata.uid);
      await p.k.remove('pod', namespace, 'hub-0');
      await until(
        'the next pod',
        async () => (await p.getPod(namespace, 'hub-0'))?.metadata.uid !== pod.metadata.uid,
      );
    }
    expect(seen.size).toBe(8);
  });
});

describe('a pod whose gate somebody lifted by hand', () => {
  it('still gets its delivery', async () => {
    const namespace = await p.namespace('ungated');
    await p.pod(namespace, 'driver');
    await p.waits(namespace, 'driver', 'ReferenceNotFound');
    const lift = JSON.stringify({ spec: { schedulingGates: null } });
    await p.k.run('patch', 'pod', 'driver', '-n', namespace, '--type=merge', '-p', lift);
    await p.store('ungated', { a: 'one' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/ungated/a' }));
    const delivery = (await p.getPod(namespace, 'driver')).metadata.labels['fairlead.dev/delivery'];
    await until('the delivery', async () => p.k.get('secret', namespace, delivery));
  });
});

describe('a pod whose gate may not be lifted', () => {
  it("says so while somebody's policy refuses it, and starts once that is gone", async () => {
    const namespace = await p.namespace('frozen');
    await p.store('frozen', { a: 'one' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/frozen/a' }));
    await p.k.apply(
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: 'company-freeze' },
        spec: {
          matchConstraints: {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
            resourceRules: [
              { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] },
            ],
          },
          validations: [{ expression: 'false', message: 'frozen' }],
        },
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name: 'company-freeze' },
        spec: { policyName: 'company-freeze', validationActions: ['Deny'] },
      },
    );
    try {
      // The policy takes a moment to bite: pods are made until one is held by it.
      const held = await until(
        'a pod that is held',
        async () => {
          const name = `driver-${Date.now()}`;
          await p.pod(namespace, name);
          return p.waits(namespace, name, 'DeliveryRefused').then(({ message }) => ({ name, message }));
        },
        { timeoutMs: 50_000 },
      );
      expect(held.message).toBe('the ValidatingAdmissionPolicy company-freeze refuses to lift the gate');
      await p.k.run('delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', 'company-freeze');
      await p.released(namespace, held.name);
      expect(await p.delivered(namespace, held.name)).toEqual({ A: 'one' });
    } finally {
      await p.k.run(
        'delete',
        'validatingadmissionpolicybinding,validatingadmissionpolicy',
        'company-freeze',
        '--ignore-not-found',
      );
    }
  });
});

describe('a value that was written just before the pod', () => {
  it('is the one that is delivered, however far the watches have come', async () => {
    const namespace = await p.namespace('fresh');
    const client = connect({ kubeconfig: p.cluster.kubeconfig, userAgent: 'test', fieldManager: 'test' });
    await p.store('fresh', { a: 'round 0' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/fresh/a' }));
    try {
      for (let round = 1; round <= 30; round += 1) {
        const name = `driver-${round}`;
        const store = { namespace: SYSTEM, name: 'iomete-secret-store-fresh' };
        const { stringData } = opaque(store.name, { a: `round ${round}` }) as { stringData: object };
        await client.patch(RESOURCES.secrets, store, { stringData }, { type: 'merge' });
        await client.create(
          RESOURCES.pods,
          podOf(name, namespace, { image: p.cluster.image, references: 'warehouse' }),
        );
        const pod = await until('the release', async () => {
          const seen: KubeJson = await client.get(RESOURCES.pods, { namespace, name });
          return seen.metadata.annotations['fairlead.dev/delivered'] && seen;
        });
        const delivery = { namespace, name: pod.metadata.annotations['fairlead.dev/delivered'] };
        const secret: KubeJson = await client.get(RESOURCES.secrets, delivery);
        expect(Buffer.from(secret.data.A, 'base64').toString()).toBe(`round ${round}`);
      }
    } finally {
      await client.close();
    }
  });
});
