import { describe, expect, it } from 'vitest';
import { mutateConfigMap } from './config-map.ts';
import { admitConfigMap } from './handler.ts';
import { applyPatch } from './test-support.ts';

const MINE = 'spark.hadoop.a=${secrets.k}\n';
const REST = 'spark.app.name=etl\n';

const configMap = (data: Record<string, string>, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'spark-drv-1-conf-map',
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'driver', uid: 'u' }],
  },
  immutable: true,
  data: { 'log4j2.properties': 'x', ...data },
  ...more,
});

function mutated(object: object) {
  const mutation = mutateConfigMap(object);
  if (mutation.kind !== 'patched') throw new Error(mutation.kind);
  return applyPatch(object, mutation.patch);
}

describe('the ConfigMap of a driver', () => {
  it('gets the properties with placeholders into a key of their own', () => {
    const object = configMap({ 'spark.properties': REST + MINE });
    expect(mutated(object)).toEqual(configMap({ 'spark.properties': REST, 'fairlead.properties': MINE }));
  });

  it('is the same after another pass, with placeholders that stay in it, too', () => {
    const stays = 'spark.kubernetes.driverEnv.A=${secrets.k}\n';
    const first = mutated(configMap({ 'spark.properties': stays + MINE }));
    expect(mutateConfigMap(first)).toEqual({ kind: 'unchanged', warnings: [] });
    const more = configMap({ 'spark.properties': `spark.b=\${secrets.l}\n`, 'fairlead.properties': MINE });
    expect(mutated(more)).toMatchObject({
      data: { 'fairlead.properties': `${MINE}spark.b=\${secrets.l}\n` },
    });
  });

  it('keeps what Spark would write into pods, with a warning', () => {
    const object = configMap({ 'spark.properties': 'spark.executor.extraJavaOptions=-Da=${secrets.k}\n' });
    expect(mutateConfigMap(object)).toEqual({
      kind: 'unchanged',
      warnings: [expect.stringContaining('"spark.executor.extraJavaOptions" keeps its placeholder')],
    });
  });

  it.each<[string, object]>([
    ['can be changed', configMap({ 'spark.properties': MINE }, { immutable: false })],
    ['belongs to no pod', configMap({ 'spark.properties': MINE }, { metadata: { name: 'x' } })],
    ['has no Spark configuration', configMap({ other: MINE })],
    ['has no placeholder', configMap({ 'spark.properties': REST })],
    ['has no data', configMap({}, { data: null })],
  ])('is left alone if it %s', (_, object) => {
    expect(mutateConfigMap(object)).toEqual({ kind: 'unchanged', warnings: [] });
  });

  it.each([[null], ['x'], [{ metadata: {}, data: { 'spark.properties': 1 } }]])(
    'is refused as %j',
    (object) => {
      expect(mutateConfigMap(object).kind).toBe('denied');
    },
  );
});

describe('the review of a ConfigMap', () => {
  const review = (object: unknown, kind = 'ConfigMap', operation = 'CREATE') => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u', kind: { group: '', version: 'v1', kind }, operation, namespace: 'team', object },
  });
  const object = configMap({ 'spark.properties': MINE });
  const response = (body: unknown, legacySpark = true) => {
    const answer = admitConfigMap(body, { legacySpark });
    return answer.status === 200 ? answer.body.response : answer.body;
  };

  it('is answered with the patch', () => {
    const { patch, ...rest } = response(review(object)) as { patch: string };
    expect(rest).toEqual({ uid: 'u', allowed: true, patchType: 'JSONPatch' });
    expect(JSON.parse(Buffer.from(patch, 'base64').toString())).toHaveLength(2);
  });

  it('changes nothing while placeholders in Spark configuration are off', () => {
    expect(response(review(object), false)).toEqual({ uid: 'u', allowed: true });
  });

  it.each([
    ['a pod', review(object, 'Pod')],
    ['an update', review(object, 'ConfigMap', 'UPDATE')],
  ])('refuses %s', (_, body) => {
    expect(response(body)).toMatchObject({ allowed: false, status: { code: 400 } });
  });

  it('is none if the body is none', () => {
    expect(admitConfigMap({}, { legacySpark: true }).status).toBe(400);
  });
});
