import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('odd');
  namespace = await p.namespace('odd');
  await p.store('odd', {
    a: 'v4lue-a',
    b: 'v4lue-b',
    '-Dspark.evil': 'v4lue-option',
    '--conf': 'v4lue-conf',
  });
  await p.k.apply(
    reference('warehouse', namespace, { A: 'KUBERNETES/odd/a' }),
    reference('same', namespace, { A: 'KUBERNETES/odd/a' }),
    reference('other', namespace, { A: 'KUBERNETES/odd/b' }),
  );
});
afterAll(async () => p?.stop());

const image = () => p.cluster.image;
const sourcesOf = ({ envFrom = [] }: KubeJson) =>
  envFrom.map((source: KubeJson) => source.configMapRef?.name ?? source.secretRef.name);
const deliveryOf = ({ metadata }: KubeJson) => metadata.annotations['fairlead.dev/delivered'] as string;

describe('init containers and sidecars', () => {
  const spec = () => ({
    initContainers: [
      { name: 'setup', image: image() },
      { name: 'proxy', image: image(), restartPolicy: 'Always' },
    ],
    containers: [
      { name: 'main', image: image() },
      { name: 'side', image: image() },
    ],
  });
  const readers = ({ spec: { initContainers, containers } }: KubeJson, delivery: string) =>
    [...initContainers, ...containers]
      .filter((container) => sourcesOf(container).includes(delivery))
      .map(({ name }) => name);

  it('get the variables all alike', async () => {
    await p.pod(namespace, 'all', 'warehouse', { spec: spec() });
    const pod = await p.released(namespace, 'all');
    expect(readers(pod, deliveryOf(pod))).toEqual(['setup', 'proxy', 'main', 'side']);
  });

  it('get them only if they are named, when some are', async () => {
    const annotations = {
      'fairlead.dev/secret-references': 'warehouse',
      'fairlead.dev/containers': 'proxy, main',
    };
    const metadata = { name: 'named', namespace, annotations };
    await p.pod(namespace, 'named', 'warehouse', { metadata, spec: spec() });
    const pod = await p.released(namespace, 'named');
    expect(readers(pod, deliveryOf(pod))).toEqual(['proxy', 'main']);
  });
});

it('envFrom of the pod itself stays, and the delivery comes last', async () => {
  const envFrom = [
    { configMapRef: { name: 'theirs', optional: true } },
    { secretRef: { name: 'theirs-too', optional: true }, prefix: 'X_' },
  ];
  await p.pod(namespace, 'own', 'warehouse', {
    spec: { containers: [{ name: 'main', image: image(), envFrom }] },
  });
  const pod = await p.released(namespace, 'own');
  const [main] = pod.spec.containers;
  expect(main.envFrom.slice(0, 2)).toEqual(envFrom);
  expect(sourcesOf(main)).toEqual(['theirs', 'theirs-too', deliveryOf(pod)]);
});

it('a Job whose time runs out while its pod waits fails by its deadline, and nothing is delivered', async () => {
  const template = {
    metadata: { annotations: { 'fairlead.dev/secret-references': 'later' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: image() }] },
  };
  await p.k.apply({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'short', namespace },
    spec: { activeDeadlineSeconds: 20, backoffLimit: 0, template },
  });
  const mine = ['-l', 'job-name=short'];
  const [pod] = await until('the pod of the Job', async () => {
    const pods = await p.k.list('pods', namespace, ...mine);
    return pods.length > 0 && pods;
  });
  await p.waits(namespace, pod.metadata.name, 'ReferenceNotFound');
  await p.k.run('wait', '--for=condition=Failed', '--timeout=60s', 'job/short', '-n', namespace);
  const { status } = await p.k.get('job', namespace, 'short');
  expect(status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Failed', reason: 'DeadlineExceeded' }),
  );
  await until('the pod to go', async () => (await p.k.list('pods', namespace, ...mine)).length === 0);
  // What it waited for comes too late, and whoever waits for the same now is served.
  await p.k.apply(reference('later', namespace, { A: 'KUBERNETES/odd/a' }));
  await p.pod(namespace, 'later', 'later');
  const { metadata } = await p.released(namespace, 'later');
  const owners = (await p.k.list('secrets', namespace, '-l', 'fairlead.dev/delivery')).flatMap((one) =>
    one.metadata.ownerReferences.map(({ uid }: KubeJson) => uid),
  );
  expect(owners).toContain(metadata.uid);
  expect(owners).not.toContain(pod.metadata.uid);
}, 120_000);

it('a quota of Secrets that is full holds the pod, says so, and lets it go when there is room', async () => {
  const tight = await p.namespace('odd');
  await p.k.apply(reference('warehouse', tight, { A: 'KUBERNETES/odd/a' }), {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tight', namespace: tight },
    spec: { hard: { 'count/secrets': '0' } },
  });
  await until(
    'the quota to count',
    async () => (await p.k.get('resourcequota', tight, 'tight')).status?.used,
  );
  await p.pod(tight, 'held');
  const { message } = await p.waits(tight, 'held', 'DeliveryRefused');
  expect(message).toContain('ResourceQuota tight leaves no room');
  expect(message).not.toContain('v4lue');
  expect((await p.getPod(tight, 'held')).spec.schedulingGates).toHaveLength(1);
  await p.k.run('delete', 'resourcequota', 'tight', '-n', tight);
  await p.released(tight, 'held', 90_000);
  expect(await p.delivered(tight, 'held')).toEqual({ A: 'v4lue-a' });
}, 150_000);

describe('two references of one pod', () => {
  it('may mean the same by one name, and hold the pod if they do not, with both their names', async () => {
    await p.pod(namespace, 'agreed', 'warehouse,same');
    await p.released(namespace, 'agreed');
    expect(await p.delivered(namespace, 'agreed')).toEqual({ A: 'v4lue-a' });
    await p.pod(namespace, 'torn', 'warehouse,other');
    const { message } = await p.waits(namespace, 'torn', 'NameConflict');
    expect(message).toMatch(/A.*warehouse.*other/);
    await p.k.apply(reference('other', namespace, { B: 'KUBERNETES/odd/b' }));
    await p.released(namespace, 'torn');
    expect(await p.delivered(namespace, 'torn')).toEqual({ A: 'v4lue-a', B: 'v4lue-b' });
  });
});

it('a reference that changes while a pod waits counts as it is when the pod is let go', async () => {
  await p.k.apply(
    reference('moving', namespace, { OLD: 'KUBERNETES/odd/a', MISSING: 'KUBERNETES/odd/nope' }),
  );
  await p.pod(namespace, 'moving', 'moving');
  const { message } = await p.waits(namespace, 'moving', 'KeyNotFound');
  expect(message).toContain('MISSING');
  await p.k.apply(reference('moving', namespace, { NEW: 'KUBERNETES/odd/b', STILL: 'KUBERNETES/odd/gone' }));
  await until('the message to follow', async () =>
    (await p.waits(namespace, 'moving', 'KeyNotFound')).message.includes('STILL'),
  );
  await p.k.apply(reference('moving', namespace, { NEW: 'KUBERNETES/odd/b' }));
  await p.released(namespace, 'moving');
  expect(await p.delivered(namespace, 'moving')).toEqual({ NEW: 'v4lue-b' });
});

describe('a key that looks like an option', () => {
  it('is the name of a value and nothing else', async () => {
    await p.k.apply(
      reference('dashed', namespace, { A: 'KUBERNETES/odd/-Dspark.evil', B: 'KUBERNETES/odd/--conf' }),
    );
    await p.pod(namespace, 'dashed', 'dashed', { metadata: sparkMetadata('dashed', 'dashed') });
    await p.released(namespace, 'dashed');
    const { SPARK_SUBMIT_OPTS: options = '', ...rest } = await p.delivered(namespace, 'dashed');
    expect(rest).toMatchObject({ A: 'v4lue-option', B: 'v4lue-conf' });
    expect(options.split(' ').map((word) => word.split('=')[0])).toEqual([
      '-Dspark.kubernetes.executor.secretKeyRef.A',
      '-Dspark.kubernetes.executor.secretKeyRef.B',
    ]);
  });

  it('makes no variable by an import, and no property', async () => {
    const imported = {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'SecretReference',
      metadata: { name: 'imported', namespace },
      spec: { envFrom: [{ source: { type: 'KUBERNETES', id: 'odd' }, select: { prefix: '-' } }] },
    };
    await p.k.apply(imported);
    await p.pod(namespace, 'imported', 'imported');
    expect((await p.waits(namespace, 'imported', 'NotAVariableName')).message).toContain('no variable name');
    const secret = { key: 'a', source: { type: 'KUBERNETES', id: 'odd' } };
    const broken = { ...imported, spec: { sparkConf: [{ name: '-Dspark.evil', secret }] } };
    expect(await p.k.refused(['apply', '-f', '-'], broken)).toContain('must be the name of a Spark property');
  });
});

function sparkMetadata(name: string, references: string): object {
  return {
    name,
    namespace,
    labels: { 'spark-role': 'driver' },
    annotations: { 'fairlead.dev/secret-references': references },
  };
}
