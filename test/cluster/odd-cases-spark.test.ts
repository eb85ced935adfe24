import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { driver, executor, secretKeyRefs } from '../support/spark.ts';
import { confVariable } from '../../src/deliver/spark.ts';

const HADOOP = 'spark.hadoop.fs.s3a.secret.key';
const PLAIN = 'spark.jdbc.lake.password';
/** Whatever a shell, a properties file, Java, Hadoop or Spark could take for something else. */
const NASTY = ` v4lue 'q' "d" \\ \\\\ $HOME $$ $(X) %d %{x} # ! = : -Dspark.a=b\n\t`;

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('odd-spark');
  namespace = await p.namespace('odd-spark');
  await p.store('odd-spark', { a: 'v4lue-a', nasty: NASTY, expands: 'v4lue${env.X}', quote: 'v4lue"' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/odd-spark/a' }));
});
afterAll(async () => p?.stop());

function conf(name: string, properties: Record<string, string>): object {
  const sparkConf = Object.entries(properties).map(([property, key]) => ({
    name: property,
    secret: { key, source: { type: 'KUBERNETES', id: 'odd-spark' } },
  }));
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'SecretReference',
    metadata: { name, namespace },
    spec: { sparkConf },
  };
}
const submit = async (app: string, references: string, more: object = {}): Promise<KubeJson> => {
  await p.k.apply(driver(app, namespace, { image: p.cluster.image, references, ...more }));
  return p.getPod(namespace, `${app}-driver`);
};
const delivered = async (app: string) => {
  const { metadata } = await p.released(namespace, `${app}-driver`);
  const data = await p.delivered(namespace, `${app}-driver`);
  return {
    uid: metadata.uid as string,
    delivery: metadata.annotations['fairlead.dev/delivered'] as string,
    data,
  };
};
/** The uids of the pods for which there are deliveries. */
const owners = async () =>
  (await p.k.list('secrets', namespace, '-l', 'fairlead.dev/delivery')).flatMap((one) =>
    one.metadata.ownerReferences.map(({ uid }: KubeJson) => uid as string),
  );

describe('a value of Spark configuration with quotes, spaces, backslashes, $ and %', () => {
  it('arrives as it is: in a variable for Hadoop, in one word of the launcher for anything else', async () => {
    await p.k.apply(conf('nasty', { [HADOOP]: 'nasty', [PLAIN]: 'nasty' }));
    await submit('nasty', 'nasty');
    const { data } = await delivered('nasty');
    expect(data[confVariable(HADOOP)]).toBe(NASTY);
    const quoted = `"-D${PLAIN}=${NASTY.replaceAll(/["\\]/g, '\\$&')}"`;
    expect(data['SPARK_SUBMIT_OPTS']).toContain(quoted);
    expect(data['SPARK_SUBMIT_OPTS']?.replace(quoted, '')).not.toContain('v4lue');
  });

  it.each([HADOOP, PLAIN])('holds the driver with ${env.X} in it: %s', async (property) => {
    const name = property === HADOOP ? 'expands-hadoop' : 'expands-plain';
    await p.k.apply(conf(name, { [property]: 'expands' }));
    await submit(name, name);
    const { message } = await p.waits(namespace, `${name}-driver`, 'NotAConfigurationValue');
    expect(message).not.toContain('v4lue');
  });
});

describe('a SPARK_SUBMIT_OPTS of the driver that would make the launcher print all options', () => {
  it('holds it, and says what to mend', async () => {
    await submit('quote', 'warehouse', { env: [{ name: 'SPARK_SUBMIT_OPTS', value: '-Dtheirs="x' }] });
    const { message } = await p.waits(namespace, 'quote-driver', 'NotSupportedHere');
    expect(message).toContain('a quote is not closed');
    expect(message).not.toContain('v4lue');
    const { uid } = (await p.getPod(namespace, 'quote-driver')).metadata;
    expect(await owners()).not.toContain(uid);
  });
});

it('a driver that is deleted while it waits takes its wait with it, and the next of its name starts afresh', async () => {
  const first = await submit('gone', 'later');
  await p.waits(namespace, 'gone-driver', 'ReferenceNotFound');
  await p.k.remove('pod', namespace, 'gone-driver');
  await until('the driver to be gone', async () => !(await p.getPod(namespace, 'gone-driver')));
  await p.k.apply(reference('later', namespace, { A: 'KUBERNETES/odd-spark/a' }));
  await submit('gone', 'later');
  const { uid } = await delivered('gone');
  expect(uid).not.toBe(first.metadata.uid);
  expect(await owners()).toContain(uid);
  expect(await owners()).not.toContain(first.metadata.uid);
});

describe('an executor whose delivery is gone', () => {
  it('names the Secret of its driver and no other; nobody makes it anew, and Kubernetes takes both with the driver', async () => {
    await submit('lost', 'warehouse');
    const { uid, delivery, data } = await delivered('lost');
    const env = secretKeyRefs(data['SPARK_SUBMIT_OPTS'] ?? '');
    await p.k.run('delete', 'secret', delivery, '-n', namespace);
    await p.k.apply(executor('lost', namespace, 1, { image: p.cluster.image, uid, env }));
    const { spec } = await p.getPod(namespace, 'lost-exec-1');
    expect(spec.containers[0].env.slice(1)).toEqual([
      { name: 'A', valueFrom: { secretKeyRef: { name: delivery, key: 'A' } } },
    ]);
    // Another pod is served meanwhile: the controller has been by.
    await p.pod(namespace, 'meanwhile');
    await p.released(namespace, 'meanwhile');
    expect(await p.k.get('secret', namespace, delivery)).toBeUndefined();
    await p.k.remove('pod', namespace, 'lost-driver');
    await until('the executor to go', async () => !(await p.getPod(namespace, 'lost-exec-1')), {
      timeoutMs: 60_000,
    });
  }, 120_000);
});

describe('an executor that is annotated itself', () => {
  it('does without properties that only its driver can have, and starts', async () => {
    await p.k.apply(conf('both', { [HADOOP]: 'a', [PLAIN]: 'a' }));
    await submit('annotated', 'both');
    const { uid } = await delivered('annotated');
    const annotations = { 'fairlead.dev/secret-references': 'both' };
    const made = executor('annotated', namespace, 1, { image: p.cluster.image, uid, env: [] }) as KubeJson;
    await p.k.apply({ ...made, metadata: { ...made.metadata, annotations } });
    await p.released(namespace, 'annotated-exec-1');
    const data = await p.delivered(namespace, 'annotated-exec-1');
    expect(data[confVariable(HADOOP)]).toBe('v4lue-a');
    expect(data['SPARK_SUBMIT_OPTS']).not.toContain(PLAIN);
  });
});

it('variables by which Spark finds its code reach the driver that asks for them, and no executor', async () => {
  await p.k.apply(
    reference('spark-own', namespace, {
      A: 'KUBERNETES/odd-spark/a',
      HADOOP_USER_NAME: 'KUBERNETES/odd-spark/a',
    }),
  );
  await submit('own', 'spark-own');
  const { data } = await delivered('own');
  expect(data).toMatchObject({ A: 'v4lue-a', HADOOP_USER_NAME: 'v4lue-a' });
  expect(secretKeyRefs(data['SPARK_SUBMIT_OPTS'] ?? '')).toMatchObject([{ name: 'A' }]);
});
