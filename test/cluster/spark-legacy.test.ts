import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKubeconfig } from '../../hack/install.ts';
import { kube, scratch, until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { configMapOf, driver, driverConfigMap } from '../support/spark.ts';
import { confVariable } from '../../src/deliver/spark.ts';

const SECRET_KEY = 'spark.hadoop.fs.s3a.secret.key';
const REST = 'spark.app.name=etl\nspark.master=k8s\\://https\\://x\n';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('spark-legacy', { flags: ['--legacy-spark', 'true'] });
  await p.fairlead.installLegacySpark();
  namespace = await p.namespace('marketing', { 'fairlead.dev/legacy-placeholders': 'enabled' });
  await p.store('global', { s3: 'v4lue-s3', user: 'v4lue-user', db: 'v4lue db' });
});
afterAll(async () => {
  await p?.fairlead.uninstallLegacySpark();
  await p?.stop();
});

const make = async (app: string, more: object = {}): Promise<KubeJson> => {
  await p.k.apply(driver(app, namespace, { image: p.cluster.image, ...more }));
  return p.getPod(namespace, `${app}-driver`);
};
const configMap = async (app: string): Promise<KubeJson> => p.k.get('configmap', namespace, configMapOf(app));
const release = async (app: string) => {
  const { metadata } = await p.released(namespace, `${app}-driver`);
  return {
    delivery: metadata.annotations['fairlead.dev/delivered'] as string,
    data: await p.delivered(namespace, `${app}-driver`),
  };
};

describe('a driver in a legacy namespace, without any annotation', () => {
  it('waits while Fairlead may not read its ConfigMap, and says what is missing', async () => {
    await p.k.run('delete', 'clusterrolebinding', 'fairlead-legacy-spark');
    const pod = await make('early');
    expect(pod.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    const { message } = await p.waits(namespace, 'early-driver', 'DeliveryRefused');
    expect(message).toContain('config/legacy-spark');
    await p.fairlead.installLegacySpark();
    await p.k.apply(driverConfigMap('early', namespace, pod.metadata.uid, REST));
    await p.released(namespace, 'early-driver', 70_000);
    expect(await p.delivered(namespace, 'early-driver')).toEqual({});
  }, 120_000);

  it('gets its Spark configuration from the delivery, and the ConfigMap holds none of it', async () => {
    const properties = [
      `${SECRET_KEY}=\${secrets.s3}`,
      'spark.jdbc.lake.password=x\\:${secrets.user}\\:${secrets.s3}',
      'spark.executorEnv.DB_PASSWORD=${secrets.db}',
      'spark.kubernetes.driverEnv.DB_PASSWORD=${secrets.db}',
    ];
    const env = [{ name: 'DB_PASSWORD', value: '${secrets.db}' }];
    const { metadata } = await make('full', { env });
    await p.k.apply(driverConfigMap('full', namespace, metadata.uid, `${REST}${properties.join('\n')}\n`));
    const { data } = await configMap('full');
    expect(data['spark.properties']).toBe(
      `#Java properties built from Kubernetes config map\n${REST}${properties[3]}\n`,
    );
    expect(data['fairlead.properties']).toBe(`${properties.slice(0, 3).join('\n')}\n`);

    const { data: delivered, delivery } = await release('full');
    const [conf, variable] = [confVariable(SECRET_KEY), confVariable('spark.executorEnv.DB_PASSWORD')];
    const options = [
      `-D${SECRET_KEY}=\${env.${conf}}`,
      `-Dspark.kubernetes.executor.secretKeyRef.${conf}=${delivery}:${conf}`,
      '-Dspark.jdbc.lake.password=x:v4lue-user:v4lue-s3',
      `-Dspark.kubernetes.executor.secretKeyRef.DB_PASSWORD=${delivery}:${variable}`,
    ].join(' ');
    expect(delivered).toEqual({
      FAIRLEAD_SECRET_db: 'v4lue db',
      [conf]: 'v4lue-s3',
      [variable]: 'v4lue db',
      FAIRLEAD_SPARK_OPTS: options,
      SPARK_SUBMIT_OPTS: options,
    });
  });

  it('goes together with references', async () => {
    await p.store('marketing', { a: 'v4lue-a' });
    await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/marketing/a' }));
    const { metadata } = await make('both', { references: 'warehouse' });
    await p.k.apply(driverConfigMap('both', namespace, metadata.uid, `${SECRET_KEY}=\${secrets.s3}\n`));
    const { data } = await release('both');
    expect(data).toMatchObject({ A: 'v4lue-a', [confVariable(SECRET_KEY)]: 'v4lue-s3' });
  });

  it('waits for a key that is not there, and goes on when it is', async () => {
    const { metadata } = await make('missing');
    await p.k.apply(driverConfigMap('missing', namespace, metadata.uid, 'spark.a.token=${secrets.later}\n'));
    const { message } = await p.waits(namespace, 'missing-driver', 'KeyNotFound');
    expect(message).toContain('KUBERNETES/global key later');
    await p.store('global', { s3: 'v4lue-s3', user: 'v4lue-user', db: 'v4lue db', later: 'v4lue-l' });
    expect((await release('missing')).data['SPARK_SUBMIT_OPTS']).toBe('-Dspark.a.token=v4lue-l');
  });

  it('gets nothing from a ConfigMap of another driver', async () => {
    await make('theirs');
    const other = await make('other');
    const line = `${SECRET_KEY}=\${secrets.s3}\n`;
    await p.k.apply(driverConfigMap('theirs', namespace, other.metadata.uid, line, 'other-driver'));
    const { message } = await p.waits(namespace, 'theirs-driver', 'NotSupportedHere');
    expect(message).toContain('does not belong to this driver');
  });
});

describe('a ConfigMap that asks for too much', () => {
  it('holds its driver with the limit, and everybody else goes on', async () => {
    const { metadata } = await make('greedy');
    const line = `${SECRET_KEY}=${'${secrets.s3}'.repeat(60_000)}\n`;
    await p.k.apply(driverConfigMap('greedy', namespace, metadata.uid, line));
    expect((await p.waits(namespace, 'greedy-driver', 'TooLarge')).message).toContain('1024 pieces');
    const { metadata: next } = await make('modest');
    await p.k.apply(driverConfigMap('modest', namespace, next.uid, `${SECRET_KEY}=\${secrets.s3}\n`));
    expect((await release('modest')).data).toMatchObject({ [confVariable(SECRET_KEY)]: 'v4lue-s3' });
  });
});

describe('drivers that never get a ConfigMap', () => {
  it('say so, keep nobody waiting, and cannot be let go by taking their label away', async () => {
    const crowd = await p.namespace('marketing', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    const dead = Array.from({ length: 60 }, (_, i) => driver(`dead${i}`, crowd, { image: p.cluster.image }));
    await p.k.apply(...dead);
    await p.store('marketing', { a: 'v4lue-a' });
    const elsewhere = await p.namespace('marketing');
    await p.k.apply(reference('warehouse', elsewhere, { A: 'KUBERNETES/marketing/a' }));
    await p.pod(elsewhere, 'other');
    await p.released(elsewhere, 'other');
    for (const label of ['spark-role-', 'spark-role=executor'])
      expect(
        await p.k.refused(['label', '--overwrite', 'pod', 'dead0-driver', label, '-n', crowd]),
      ).toContain('the label spark-role of a pod that gets secrets is fixed');
    const { message } = await until(
      'a driver to say what it waits for',
      async () => p.waits(crowd, 'dead0-driver', 'ConfigMapNotFound'),
      { timeoutMs: 40_000 },
    );
    expect(message).toContain(configMapOf('dead0'));
  }, 120_000);
});

describe('what has nothing to do with it', () => {
  const plain = (name: string, in_: string, more: object) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: in_ },
    data: { 'spark.properties': `${SECRET_KEY}=\${secrets.s3}\n` },
    ...more,
  });

  it('stays as it is: a ConfigMap that people wrote, and one elsewhere', async () => {
    const elsewhere = await p.namespace('marketing');
    await p.k.apply(driver('x', elsewhere, { image: p.cluster.image }));
    const { uid } = (await p.getPod(elsewhere, 'x-driver')).metadata;
    const submitted = driverConfigMap('x', elsewhere, uid, `${SECRET_KEY}=\${secrets.s3}\n`);
    await p.k.apply(plain('mine', namespace, {}), plain('still', namespace, { immutable: true }), submitted);
    for (const [in_, name] of [
      [namespace, 'mine'],
      [namespace, 'still'],
      [elsewhere, configMapOf('x')],
    ] as const) {
      const { data } = await p.k.get('configmap', in_, name);
      expect(Object.keys(data)).toEqual(['spark.properties']);
      expect(data['spark.properties']).toContain('${secrets.s3}');
    }
  });

  it('never reaches Fairlead: ConfigMaps without a placeholder, and drivers elsewhere', async () => {
    const elsewhere = await p.namespace('marketing');
    await p.fairlead.process('admission').stop();
    try {
      await p.k.apply(
        driver('free', elsewhere, { image: p.cluster.image }),
        driverConfigMap('free', namespace, 'u', REST),
      );
      expect((await p.getPod(elsewhere, 'free-driver')).spec.schedulingGates).toBeUndefined();
      const refused = await p.k.refused(
        ['apply', '-f', '-'],
        driverConfigMap('down', namespace, 'u', `${SECRET_KEY}=\${secrets.s3}\n`),
      );
      expect(refused).toContain('legacy-configmaps.fairlead.dev');
    } finally {
      await p.fairlead.startRole('admission');
    }
  });
});

it('has its own webhook configuration, with the same authority, which Fairlead may not change otherwise', async () => {
  const authorities = async (name: string) => {
    const { webhooks } = await p.k.get('mutatingwebhookconfiguration', '', name);
    return new Set(webhooks.map(({ clientConfig }: KubeJson) => clientConfig.caBundle));
  };
  expect(await authorities('fairlead-legacy-spark')).toEqual(await authorities('fairlead'));
  const kubeconfig = await accountKubeconfig(
    p.cluster,
    'fairlead-certificates',
    await scratch('spark-legacy'),
  );
  const tool = (name: 'kubectl') => p.cluster.tool(name);
  const certificates = kube({ ...p.cluster, kubeconfig, tool });
  const patch = JSON.stringify({
    webhooks: [{ name: 'legacy-drivers.fairlead.dev', failurePolicy: 'Ignore' }],
  });
  const args = ['patch', 'mutatingwebhookconfiguration', 'fairlead-legacy-spark', '--type=strategic'];
  expect(await certificates.refused([...args, '-p', patch])).toContain('caBundle');
});

it('is not there by default: no driver and no ConfigMap comes to Fairlead then', async () => {
  await p.fairlead.uninstallLegacySpark();
  await p.fairlead.process('admission').stop();
  try {
    await make('untouched');
    const line = `${SECRET_KEY}=\${secrets.s3}\n`;
    const { metadata, spec } = await p.getPod(namespace, 'untouched-driver');
    await p.k.apply(driverConfigMap('untouched', namespace, metadata.uid, line));
    expect(spec.schedulingGates).toBeUndefined();
    expect((await configMap('untouched')).data['spark.properties']).toContain('${secrets.s3}');
  } finally {
    await p.fairlead.startRole('admission');
    await p.fairlead.installLegacySpark();
  }
});

it('no value is anywhere but in the deliveries', async () => {
  await until('the last delivery to be told', async () => {
    const events = await p.k.list('events.events.k8s.io', namespace);
    return events.some(({ note }) => note?.includes('Spark') || note?.includes('delivered in Secret'));
  });
  for (const kind of ['pods', 'configmaps', 'events', 'events.events.k8s.io'])
    expect(await p.k.run('get', kind, '-A', '-o', 'json', '--show-managed-fields')).not.toContain('v4lue');
  expect(await p.logs()).not.toContain('v4lue');
});
