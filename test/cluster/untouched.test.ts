import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('untouched');
  namespace = await p.namespace('untouched');
  await p.store('untouched', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/untouched/a' }));
});
afterAll(async () => p?.stop());

const plainPod = (name: string, in_: string, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: in_, ...metadata },
  spec: {
    containers: [
      {
        name: 'main',
        image: p.cluster.image,
        command: ['sleep', '3600'],
        env: [
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'OTHER', valueFrom: { secretKeyRef: { name: 'other', key: 'k', optional: true } } },
          { name: 'PLAIN', value: 'x' },
        ],
      },
    ],
  },
});

function expectUntouched(pod: KubeJson): void {
  expect(pod.spec.schedulingGates).toBeUndefined();
  expect(pod.spec.containers[0].envFrom).toBeUndefined();
  expect(pod.metadata.labels?.['fairlead.dev/delivery']).toBeUndefined();
}

async function createPlain(name: string, in_: string, metadata?: object): Promise<KubeJson> {
  await p.k.apply(plainPod(name, in_, metadata));
  return p.getPod(in_, name);
}

describe('pods that ask for nothing', () => {
  it('are not gated and not touched, with valueFrom entries too', async () => {
    expectUntouched(await createPlain('plain', namespace));
  });

  it('are not touched in kube-system, even with the annotation', async () => {
    const pod = await createPlain('fairlead-test', 'kube-system', {
      annotations: { 'fairlead.dev/secret-references': 'x' },
    });
    expectUntouched(pod);
    await p.k.remove('pod', 'kube-system', 'fairlead-test');
  });

  it('are not touched in a legacy namespace without a placeholder', async () => {
    const legacy = await p.namespace('untouched', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    expectUntouched(await createPlain('plain', legacy));
  });
});

describe("other projects' scheduling gates", () => {
  it('survive beside ours, in order, and stay when ours is lifted', async () => {
    const gates = [{ name: 'kueue.x-k8s.io/admission' }, { name: 'example.com/z' }];
    await p.pod(namespace, 'gated', 'warehouse', { spec: { schedulingGates: gates } });
    const pod = await p.released(namespace, 'gated');
    expect(pod.spec.schedulingGates).toEqual(gates);
  });
});

describe('a pod whose fairlead.dev/containers names no container of it', () => {
  it('is refused at once instead of waiting for ever', async () => {
    const annotations = { 'fairlead.dev/secret-references': 'warehouse', 'fairlead.dev/containers': 'mian' };
    const refused = await p.k.refused(['create', '-f', '-'], plainPod('typo', namespace, { annotations }));
    expect(refused).toContain('no container of the pod reads its delivery');
  });
});

describe('a pod that names its node', () => {
  it('is refused with the reason', async () => {
    const pod = plainPod('pinned', namespace, {
      annotations: { 'fairlead.dev/secret-references': 'warehouse' },
    }) as KubeJson;
    pod.spec.nodeName = 'somewhere';
    expect(await p.k.refused(['create', '-f', '-'], pod)).toContain('spec.nodeName');
  });
});

describe('a webhook that runs after ours', () => {
  it('cannot start a pod on nothing by adding the annotation', async () => {
    // The annotation by server-side means: an update is refused, too.
    await createPlain('late', namespace);
    const refused = await p.k.refused([
      'annotate',
      'pod',
      'late',
      '-n',
      namespace,
      'fairlead.dev/secret-references=warehouse',
    ]);
    expect(refused).toContain('fixed after creation');
  });
});

describe('while Fairlead is down', () => {
  it('annotated pods are refused with a clear message, all others are as if it did not exist', async () => {
    await p.fairlead.stop();
    const annotated = plainPod('annotated', namespace, {
      annotations: { 'fairlead.dev/secret-references': 'warehouse' },
    });
    const message = await p.k.refused(['create', '-f', '-'], annotated);
    expect(message).toMatch(/failed calling webhook "pods.fairlead.dev"/);
    expectUntouched(await createPlain('plain-down', namespace));
    expectUntouched(await createPlain('plain-down', 'kube-system'));
    await p.k.remove('pod', 'kube-system', 'plain-down');
    const legacy = await p.namespace('untouched', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    expectUntouched(await createPlain('plain-down', legacy));

    await p.fairlead.start();
    await p.k.run('delete', 'pod', 'plain-down', '-n', namespace, '--grace-period=0', '--force');
    await p.pod(namespace, 'again');
    await p.released(namespace, 'again');
  });
});
