import { describe, expect, it, test } from 'vitest';
import { deliveryNameOf, strip } from './marks.ts';
import { mutatePod } from './pod.ts';
import type { Pod } from './pod-shape.ts';
import { isDriver, isExecutor, sparkConfigMap } from './spark-pod.ts';
import { DELIVERY, fromSecret, OTHER_DELIVERY, pod, UID } from './test-support.ts';

const theirs = (name: string, key = name, delivery = OTHER_DELIVERY) => fromSecret(name, delivery, key);

function owned(labels: Record<string, string>, env: readonly object[], owner = 'Pod'): Pod {
  const made = pod({ labels, containers: [{ name: 'spark-kubernetes-executor', env }] });
  const ownerReferences = [{ apiVersion: 'v1', kind: owner, name: 'driver', uid: 'u' }];
  return { ...made, metadata: { ...made.metadata, ownerReferences } };
}
const executor = (...env: object[]) => owned({ 'spark-role': 'executor' }, env);
const envOf = (object: Pod) => object.spec.containers[0]?.env;

const driver = (more: object = {}, mounts: readonly object[] = [{ name: 'spark-conf-volume-driver' }]) =>
  pod({
    labels: { 'spark-role': 'driver' },
    spec: { volumes: [{ name: 'spark-conf-volume-driver', configMap: { name: 'spark-drv-1-conf-map' } }] },
    containers: [{ name: 'spark-kubernetes-driver', volumeMounts: mounts, ...more }, { name: 'side' }],
  });

describe('what a pod is to Spark', () => {
  test('is what its label says, an executor only with a pod as its owner', () => {
    expect([isDriver(driver()), isExecutor(driver())]).toEqual([true, false]);
    expect([isDriver(executor()), isExecutor(executor())]).toEqual([false, true]);
    expect(isExecutor(owned({ 'spark-role': 'executor' }, [], 'ReplicaSet'))).toBe(false);
    expect(isExecutor(pod({ labels: { 'spark-role': 'executor' } }))).toBe(false);
    expect(isDriver(pod())).toBe(false);
  });

  test('of a driver the ConfigMap is known if a container reads it', () => {
    expect(sparkConfigMap(driver())).toBe('spark-drv-1-conf-map');
    expect(sparkConfigMap(driver({}, []))).toBeUndefined();
    expect(sparkConfigMap(pod({ labels: { 'spark-role': 'driver' } }))).toBeUndefined();
  });
});

describe('an executor that comes here, for a placeholder or an annotation', () => {
  it('keeps what its driver has handed on', () => {
    const env = [theirs('A'), { name: 'B', value: 'x' }, theirs('FAIRLEAD_CONF_1')];
    expect(strip(executor(...env))).toEqual(executor(...env));
  });

  it('gets a delivery of its own beside it', () => {
    const object = executor(theirs('A'), { name: 'B', value: '${secrets.k}' });
    const mutation = mutatePod({ uid: UID, object }, { legacy: true });
    if (mutation.kind !== 'patched') throw new Error(mutation.kind);
    expect(envOf(mutation.pod)).toEqual([theirs('A'), fromSecret('B', DELIVERY, 'FAIRLEAD_SECRET_k')]);
    expect(deliveryNameOf(mutation.pod)).toBe(DELIVERY);
    const again = mutatePod({ uid: UID, object: mutation.pod }, { legacy: true });
    expect(again.kind).toBe('unchanged');
  });

  it('has its own delivery even if no container reads it as a whole', () => {
    const env = [theirs('A'), fromSecret('B', DELIVERY, 'FAIRLEAD_SECRET_k')];
    expect(deliveryNameOf(executor(...env))).toBe(DELIVERY);
  });

  it.each<[string, Pod]>([
    ['it names two deliveries', executor(theirs('A'), theirs('B', 'B', DELIVERY))],
    ['it has no pod as its owner', owned({ 'spark-role': 'executor' }, [theirs('A')], 'Job')],
    ['it is a driver', owned({ 'spark-role': 'driver' }, [theirs('A')])],
    ['it is no pod of Spark', owned({}, [theirs('A')])],
  ])('keeps nothing of it if %s', (_, object) => expect(envOf(strip(object))).toBeUndefined());

  it('keeps no envFrom of a delivery', () => {
    const object = pod({ containers: [{ name: 'x', envFrom: [{ secretRef: { name: OTHER_DELIVERY } }] }] });
    const { ownerReferences } = executor().metadata;
    const labels = { 'spark-role': 'executor' };
    const forged = { ...object, metadata: { ...object.metadata, labels, ownerReferences } } as Pod;
    expect(strip(forged).spec.containers[0]).toEqual({ name: 'x' });
  });
});

describe('a driver in a legacy namespace', () => {
  const mutate = (object: Pod, options: object = {}) =>
    mutatePod({ uid: UID, object }, { legacy: true, legacySpark: true, ...options });

  it('waits for its Spark configuration, and only the container that reads it gets the secrets', () => {
    const mutation = mutate(driver());
    if (mutation.kind !== 'patched') throw new Error(mutation.kind);
    expect(mutation.pod.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    expect(mutation.pod.spec.containers.map(({ envFrom }) => envFrom)).toEqual([
      [{ secretRef: { name: DELIVERY } }],
      undefined,
    ]);
    expect(mutate(mutation.pod).kind).toBe('unchanged');
  });

  it('gets them in each container that has a placeholder as well', () => {
    const object = driver();
    const side = { name: 'side', env: [{ name: 'A', value: '${secrets.k}' }] };
    const mutation = mutate({
      ...object,
      spec: { ...object.spec, containers: [object.spec.containers[0]!, side] },
    });
    if (mutation.kind !== 'patched') throw new Error(mutation.kind);
    expect(mutation.pod.spec.containers.every(({ envFrom }) => envFrom?.length === 1)).toBe(true);
  });

  it.each<[string, Pod, object]>([
    ['placeholders in Spark configuration are off', driver(), { legacySpark: false }],
    ['the namespace is no legacy one', driver(), { legacy: false }],
    ['spark-submit did not make it', driver({}, []), {}],
    ['it is no driver', { ...driver(), metadata: { labels: {} } }, {}],
  ])('is left alone if %s', (_, object, options) => {
    expect(mutate(object, options)).toEqual({ kind: 'unchanged', warnings: [] });
  });
});
