import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { podMutator, type PodMutator, type PodMutatorOptions } from '../support/pod-mutator.ts';

/** Notebooks as Kubeflow's controller makes them, among other webhooks that change their pods. */
const ANNOTATION = 'fairlead.dev/secret-references';
let p: Platform;
let namespace: string;
const mutators: PodMutator[] = [];
beforeAll(async () => {
  p = await platform('notebooks');
  await p.store('notebooks', { db: 'v4lue' });
});
afterEach(async () => {
  for (const mutator of mutators.splice(0)) await mutator.stop();
});
afterAll(async () => p?.stop());

async function fresh(): Promise<void> {
  namespace = await p.namespace('notebooks');
  await p.k.apply(reference('warehouse', namespace, { DB_PASSWORD: 'KUBERNETES/notebooks/db' }));
}

async function mutator(options: Omit<PodMutatorOptions, 'namespace'>): Promise<PodMutator> {
  const started = await podMutator(p.k, { ...options, namespace });
  mutators.push(started);
  return started;
}

/** What the Notebook controller makes of a Notebook: its labels, and one container of the Notebook's name. */
async function notebook(name: string, annotations: Record<string, string> = {}): Promise<void> {
  await p.k.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      serviceName: '',
      selector: { matchLabels: { statefulset: name } },
      template: {
        metadata: {
          labels: { statefulset: name, 'notebook-name': name, 'pod-defaults': 'true' },
          annotations,
        },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name,
              image: p.cluster.image,
              imagePullPolicy: 'IfNotPresent',
              workingDir: '/home/jovyan',
              command: ['sleep', '3600'],
              env: [{ name: 'NB_PREFIX', value: `/notebook/${namespace}/${name}` }],
            },
          ],
        },
      },
    },
  });
}

/** As Kubeflow's webhook does it: whatever it added before is not added again. */
const podDefault =
  (of: string) =>
  ({ metadata, spec }: KubeJson): void => {
    metadata.labels = { ...metadata.labels, [`${of}/label`]: 'added' };
    metadata.annotations = { ...metadata.annotations, [`poddefault.admission.kubeflow.org/${of}`]: '1' };
    const volume = { name: `${of}-cache`, emptyDir: {} };
    spec.volumes = added(spec.volumes, volume);
    for (const container of spec.containers as KubeJson[]) {
      container.env = added(container.env, { name: `${of.toUpperCase()}_ENV`, value: 'added' });
      container.volumeMounts = added(container.volumeMounts, { name: volume.name, mountPath: `/${of}` });
      const has = container.envFrom?.some(({ configMapRef }: KubeJson) => configMapRef?.name === of);
      if (!has)
        container.envFrom = [...(container.envFrom ?? []), { configMapRef: { name: of, optional: true } }];
    }
  };

const added = <T extends { name: string }>(list: readonly T[] | undefined, item: T): T[] => [
  ...(list ?? []).filter(({ name }) => name !== item.name),
  item,
];

const withSidecar = (pod: KubeJson): void => {
  podDefault('after')(pod);
  const sidecar = { name: 'istio-proxy', image: p.cluster.image, command: ['sleep', '3600'] };
  pod.spec.containers = added(pod.spec.containers, sidecar);
};

/** The deliveries that a container reads. */
const reads = ({ envFrom = [], env = [] }: KubeJson): string[] =>
  [...envFrom.map((one: KubeJson) => one.secretRef?.name), ...env.map(secretOf)].filter(Boolean);
const secretOf = ({ valueFrom }: KubeJson): string | undefined => valueFrom?.secretKeyRef?.name;

const deliveries = async (): Promise<string[]> =>
  (await p.k.list('secrets', namespace, '-l=fairlead.dev/delivery')).map(({ metadata }) => metadata.name);

describe('a Notebook of Kubeflow', () => {
  it('starts with its secrets, and again with a delivery of its own after a restart', async () => {
    await fresh();
    await notebook('research', { [ANNOTATION]: 'warehouse' });
    const first = await p.released(namespace, 'research-0');
    expect(first.metadata.labels).toMatchObject({ statefulset: 'research', 'notebook-name': 'research' });
    expect(await p.delivered(namespace, 'research-0')).toEqual({ DB_PASSWORD: 'v4lue' });
    await p.store('notebooks', { db: 'v4lue-rotated' });
    await p.k.remove('pod', namespace, 'research-0');
    await until('another pod', async () => {
      const pod = await p.getPod(namespace, 'research-0');
      return pod !== undefined && pod.metadata.uid !== first.metadata.uid;
    });
    await p.released(namespace, 'research-0');
    expect(await p.delivered(namespace, 'research-0')).toEqual({ DB_PASSWORD: 'v4lue-rotated' });
    await p.store('notebooks', { db: 'v4lue' });
  });
});

describe.each(['IfNeeded', 'Never'] as const)('webhooks before and after ours (%s)', (reinvocationPolicy) => {
  it('change nothing: one delivery, for the containers that were there, and the pod is let go', async () => {
    await fresh();
    const before = await mutator({ name: 'a-before', mutate: podDefault('before'), reinvocationPolicy });
    const after = await mutator({ name: 'z-after', mutate: withSidecar, reinvocationPolicy });
    await notebook('research', { [ANNOTATION]: 'warehouse' });
    const { metadata, spec } = await p.released(namespace, 'research-0');
    const delivery = metadata.annotations['fairlead.dev/delivered'] as string;

    expect(await deliveries()).toEqual([delivery]);
    expect(metadata.labels['fairlead.dev/delivery']).toBe(delivery);
    const read = spec.containers.map((container: KubeJson) => [container.name, reads(container)]);
    expect(Object.fromEntries(read)).toEqual({ research: [delivery], 'istio-proxy': [] });
    expect(spec.schedulingGates ?? []).toEqual([]);
    expect(await p.delivered(namespace, 'research-0')).toEqual({ DB_PASSWORD: 'v4lue' });

    // What the others added is there, and ours is the last envFrom, so that it wins.
    const research = spec.containers.find(({ name }: KubeJson) => name === 'research');
    expect(research.env.map(({ name }: KubeJson) => name)).toEqual(['NB_PREFIX', 'BEFORE_ENV', 'AFTER_ENV']);
    expect(research.envFrom.map((one: KubeJson) => (one.configMapRef ?? one.secretRef).name)).toEqual([
      'before',
      'after',
      delivery,
    ]);
    expect(metadata.labels).toMatchObject({ 'before/label': 'added', 'after/label': 'added' });
    expect(spec.volumes).toEqual(
      expect.arrayContaining(
        ['before', 'after'].map((of) => expect.objectContaining({ name: `${of}-cache` })),
      ),
    );
    // Each was asked again after the others had changed the pod, if it wants to be; so was ours.
    const times = reinvocationPolicy === 'IfNeeded' ? 2 : 1;
    for (const { asked } of [before, after])
      expect(asked.filter((name) => name === 'research-0')).toHaveLength(times);
  });
});

describe('a PodDefault that brings the annotation', () => {
  const brings = ({ metadata }: KubeJson): void => {
    metadata.annotations = { ...metadata.annotations, [ANNOTATION]: 'warehouse' };
  };

  it('is as good as the annotation of the Notebook, since its webhook comes before ours', async () => {
    await fresh();
    // The name of Kubeflow's own.
    await mutator({ name: 'admission-webhook-mutating-webhook-configuration', mutate: brings });
    await notebook('research');
    await p.released(namespace, 'research-0');
    expect(await p.delivered(namespace, 'research-0')).toEqual({ DB_PASSWORD: 'v4lue' });
  });

  it('does not start a pod on nothing when its webhook comes after ours: the StatefulSet says why', async () => {
    await fresh();
    await mutator({ name: 'z-after', mutate: brings });
    await notebook('research');
    const events = async () => {
      const all = await p.k.list('events', namespace, '--field-selector', 'reason=FailedCreate');
      return all.map(({ message }) => message as string).join('\n');
    };
    await expect
      .poll(events, { timeout: 20_000 })
      .toContain("was the annotation added by a webhook that runs after Fairlead's?");
    expect(await p.getPod(namespace, 'research-0')).toBeUndefined();
  });
});
