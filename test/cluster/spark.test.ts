import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { configMapOf, driver, driverConfigMap, executor, secretKeyRefs } from '../support/spark.ts';
import { confVariable } from '../../src/deliver/spark.ts';

const SECRET_KEY = 'spark.hadoop.fs.s3a.secret.key';
const CONF = confVariable(SECRET_KEY);
const VALUES = { db: 'v4lue-db', s3: 'v4lue "s3" $HOME', uri: "v4lue's uri", bad: '${env.v4lue}' };

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('spark');
  namespace = await p.namespace('spark');
  await p.store('spark', VALUES);
  await p.k.apply(
    reference('plain', namespace, { DB_PASSWORD: 'KUBERNETES/spark/db' }),
    withConf('lake', { [SECRET_KEY]: 's3' }, { DB_PASSWORD: 'KUBERNETES/spark/db' }),
    withConf('catalog', { 'spark.sql.catalog.lake.uri': 'uri' }),
    withConf('expanded', { [SECRET_KEY]: 'bad' }),
  );
});
afterAll(async () => p?.stop());

function withConf(
  name: string,
  conf: Record<string, string>,
  env: Parameters<typeof reference>[2] = {},
): object {
  const base = reference(name, namespace, env) as KubeJson;
  const sparkConf = Object.entries(conf).map(([property, key]) => ({
    name: property,
    secret: { key, source: { type: 'KUBERNETES', id: 'spark' } },
  }));
  return { ...base, spec: { ...(base.spec.env.length > 0 && { env: base.spec.env }), sparkConf } };
}

async function submit(app: string, references: string, more: object = {}): Promise<KubeJson> {
  await p.k.apply(driver(app, namespace, { image: p.cluster.image, references, ...more }));
  const pod = await p.getPod(namespace, `${app}-driver`);
  await p.k.apply(driverConfigMap(app, namespace, pod.metadata.uid, 'spark.app.name=x\n'));
  return pod;
}
const released = async (app: string) => {
  const pod = await p.released(namespace, `${app}-driver`);
  return {
    pod,
    delivery: pod.metadata.annotations['fairlead.dev/delivered'] as string,
    data: await p.delivered(namespace, `${app}-driver`),
  };
};
const handOn = (variable: string, delivery: string) =>
  `-Dspark.kubernetes.executor.secretKeyRef.${variable}=${delivery}:${variable}`;

describe('a driver as spark-submit makes it', () => {
  it('gets the variables, and the options that hand them on to its executors', async () => {
    await submit('plain', 'plain');
    const { data, delivery } = await released('plain');
    const options = handOn('DB_PASSWORD', delivery);
    expect(data).toEqual({
      DB_PASSWORD: VALUES.db,
      FAIRLEAD_SPARK_OPTS: options,
      SPARK_SUBMIT_OPTS: options,
    });
  });

  it('gets spark.hadoop.* by a variable, so that no option holds the value', async () => {
    await submit('lake', 'lake');
    const { data, delivery } = await released('lake');
    const options = `${handOn('DB_PASSWORD', delivery)} -D${SECRET_KEY}=\${env.${CONF}} ${handOn(CONF, delivery)}`;
    expect(data).toEqual({
      ...{ DB_PASSWORD: VALUES.db, [CONF]: VALUES.s3 },
      ...{ FAIRLEAD_SPARK_OPTS: options, SPARK_SUBMIT_OPTS: options },
    });
  });

  it('gets any other property in the option, with a warning if Spark would show it', async () => {
    await submit('catalog', 'catalog');
    expect((await released('catalog')).data['SPARK_SUBMIT_OPTS']).toBe(
      `"-Dspark.sql.catalog.lake.uri=v4lue's uri"`,
    );
    const events = async () =>
      p.k.list('events.events.k8s.io', namespace, '--field-selector', 'reason=SparkShowsValue');
    await expect.poll(events, { timeout: 10_000 }).toHaveLength(1);
    expect((await events())[0]?.note).toContain('spark.sql.catalog.lake.uri');
  });

  it('waits with a reason if Hadoop would make something else of the value', async () => {
    await submit('expanded', 'expanded');
    const { message } = await p.waits(namespace, 'expanded-driver', 'NotAConfigurationValue');
    expect(message).toContain(`${SECRET_KEY} from KUBERNETES/spark key bad`);
  });

  it('keeps a SPARK_SUBMIT_OPTS of its own, and ours comes behind it', async () => {
    const env = [{ name: 'SPARK_SUBMIT_OPTS', value: '-Dtheirs=1' }];
    await submit('own', 'plain', { env });
    const { pod, data, delivery } = await released('own');
    expect(pod.spec.containers[0].env.at(-1).value).toBe('-Dtheirs=1 $(FAIRLEAD_SPARK_OPTS)');
    expect(data['FAIRLEAD_SPARK_OPTS']).toBe(handOn('DB_PASSWORD', delivery));
  });
});

describe('a pod that is no driver', () => {
  const env = [{ name: 'SPARK_SUBMIT_OPTS', value: '-Dtheirs=1' }];
  const containers = () => [{ name: 'main', image: p.cluster.image, env }];

  it('gets no options without Spark properties, and an empty text where it names them', async () => {
    await p.pod(namespace, 'notebook', 'plain', { spec: { containers: containers() } });
    await p.released(namespace, 'notebook');
    expect(await p.delivered(namespace, 'notebook')).toEqual({
      DB_PASSWORD: VALUES.db,
      FAIRLEAD_SPARK_OPTS: '',
    });
    await p.pod(namespace, 'job', 'plain');
    await p.released(namespace, 'job');
    expect(await p.delivered(namespace, 'job')).toEqual({ DB_PASSWORD: VALUES.db });
  });

  it('gets spark.hadoop.*, and hands nothing on', async () => {
    await p.pod(namespace, 'notebook-lake', 'lake');
    await p.released(namespace, 'notebook-lake');
    expect((await p.delivered(namespace, 'notebook-lake'))['SPARK_SUBMIT_OPTS']).toBe(
      `-D${SECRET_KEY}=\${env.${CONF}}`,
    );
  });

  it('waits with NotSupportedHere for any other property', async () => {
    await p.pod(namespace, 'notebook-catalog', 'catalog');
    const { message } = await p.waits(namespace, 'notebook-catalog', 'NotSupportedHere');
    expect(message).toContain('spark-role: driver');
  });
});

describe('the status of a reference', () => {
  it('shows its Spark properties', async () => {
    await p.k.run('wait', '--for=condition=Ready', '--timeout=20s', 'secretreference/lake', '-n', namespace);
    const { status } = await p.k.get('secretreference', namespace, 'lake');
    expect(status.entries.map(({ name, state }: KubeJson) => [name, state])).toEqual([
      ['DB_PASSWORD', 'Resolved'],
      [SECRET_KEY, 'Resolved'],
    ]);
    expect(status.conditions[0].message).toBe('1 variable, 1 Spark property');
    await p.k.run(
      ...['wait', '--for=condition=Ready=false', '--timeout=20s'],
      ...['secretreference/expanded', '-n', namespace],
    );
  });
});

describe('executors', () => {
  it('read the delivery of their driver: a hundred of them pass while Fairlead is down, untouched', async () => {
    const { pod, data } = await released('lake');
    const env = secretKeyRefs(data['SPARK_SUBMIT_OPTS'] ?? '');
    expect(env).toHaveLength(2);
    const legacy = await p.namespace('spark', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    await p.k.apply(driver('lake', legacy, { image: p.cluster.image }));
    const owner = async (in_: string) => (await p.getPod(in_, 'lake-driver')).metadata.uid as string;
    const uids = { [namespace]: pod.metadata.uid as string, [legacy]: await owner(legacy) };
    const secrets = async () => (await p.k.list('secrets', namespace)).length;
    const before = await secrets();
    await p.fairlead.stop();
    try {
      const make = (in_: string, id: number) =>
        executor('lake', in_, id, { image: p.cluster.image, uid: uids[in_] ?? '', env });
      await p.k.apply(...Array.from({ length: 100 }, (_, id) => make(namespace, id)), make(legacy, 0));
      const made = [
        ...(await p.k.list('pods', namespace, '-l', 'spark-role=executor')),
        await p.getPod(legacy, 'lake-exec-0'),
      ];
      expect(made).toHaveLength(101);
      for (const { spec, metadata } of made) {
        expect(spec.schedulingGates).toBeUndefined();
        expect(metadata.labels['fairlead.dev/delivery']).toBeUndefined();
        expect(spec.containers[0].env.slice(1)).toEqual(env);
        expect(spec.containers[0].envFrom).toBeUndefined();
      }
    } finally {
      await p.fairlead.start();
    }
    expect(await secrets()).toBe(before);
  }, 180_000);

  it('keep it if they come to the webhook for something of their own', async () => {
    const legacy = await p.namespace('spark', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    await p.k.apply(reference('plain', legacy, { DB_PASSWORD: 'KUBERNETES/spark/db' }));
    await p.store('global', { k: 'v4lue-k' });
    await p.k.apply(driver('both', legacy, { image: p.cluster.image, references: 'plain' }));
    const { metadata } = await p.released(legacy, 'both-driver');
    const theirs = secretKeyRefs((await p.delivered(legacy, 'both-driver'))['SPARK_SUBMIT_OPTS'] ?? '');
    expect(theirs).toHaveLength(1);
    const env = [...theirs, { name: 'OWN', value: '${secrets.k}' }];
    await p.k.apply(executor('both', legacy, 1, { image: p.cluster.image, uid: metadata.uid, env }));
    const pod = await p.released(legacy, 'both-exec-1');
    expect(pod.spec.containers[0].env[1]).toEqual(theirs[0]);
    expect(await p.delivered(legacy, 'both-exec-1')).toEqual({ FAIRLEAD_SECRET_k: 'v4lue-k' });
  });
});

it('no value is anywhere but in the deliveries', async () => {
  const visible = await Promise.all(
    ['pods', 'configmaps', 'events', 'events.events.k8s.io', 'secretreferences'].map(async (kind) =>
      p.k.run('get', kind, '-A', '-o', 'json', '--show-managed-fields'),
    ),
  );
  const secrets = (await p.k.list('secrets', namespace)).map(({ metadata }) => metadata);
  for (const text of [...visible, await p.logs(), JSON.stringify(secrets)])
    expect(text).not.toContain('v4lue');
  expect(await p.k.get('configmap', namespace, configMapOf('lake'))).toMatchObject({ immutable: true });
});
