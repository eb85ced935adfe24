import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sparkImage } from '../../hack/spark/images.ts';
import { NEWEST } from '../../hack/spark/versions.ts';
import { leaks } from '../support/planted.ts';
import { sparkLab, type SparkLab } from './fairlead.ts';
import { notebookPod } from './notebook.ts';
import { listPods, logOf, podEnded } from './pods.ts';
import { s3aConf } from './s3a.ts';
import { sparkServer } from './servers.ts';
import { resultIn } from './submit.ts';

let lab: SparkLab;
let namespace: string;
beforeAll(async () => {
  lab = await sparkLab('sparkservers');
  namespace = await lab.namespace();
});
afterAll(async () => lab?.stop());

const available = async (name: string) =>
  lab.p.k.run(
    ...['wait', '--for=condition=Available', '--timeout=500s', `deployment/${name}`, '-n', namespace],
  );

async function expectNothingSeen(): Promise<void> {
  const pods = await listPods(lab.b, namespace, '');
  const logs = await Promise.all(pods.map(async ({ metadata }) => logOf(lab.b, namespace, metadata.name)));
  const shown = { ...(await lab.visible()), logs: logs.join('\n') };
  expect(leaks(shown, lab.planted())).toEqual([]);
}

/** A pod that has no secrets, at its end. */
async function client(name: string, args: readonly string[]): Promise<string> {
  const container = { name: 'main', image: sparkImage(NEWEST), args };
  await lab.p.k.apply({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } },
    spec: { restartPolicy: 'Never', containers: [container] },
  });
  await podEnded(lab.b, namespace, name);
  return logOf(lab.b, namespace, name);
}

describe('a Deployment with the label spark-role: driver', () => {
  it('is a Spark Connect server: a client without secrets reads s3a, and its executors have the variable', async () => {
    const server = { name: 'connect', namespace, references: 'warehouse', port: 15002 };
    await lab.p.k.apply(
      ...sparkServer({
        ...{ ...server, command: ['/opt/spark/sbin/start-connect-server.sh'], conf: s3aConf(lab.s3) },
        env: [
          { name: 'SPARK_NO_DAEMONIZE', value: 'true' },
          { name: 'SPARK_LOG_DIR', value: '/tmp' },
          { name: 'SPARK_SUBMIT_OPTS', value: '-Dspark.ui.enabled=false' },
        ],
      }),
    );
    await available('connect');
    const url = `sc://connect.${namespace}.svc:15002`;
    const command = ['python3', '/opt/apps/connect_client.py', url, lab.salt, 's3a://lake/connect'];
    await notebookPod(lab.b, { namespace, name: 'client', command });
    await podEnded(lab.b, namespace, 'client');
    expect(resultIn(await logOf(lab.b, namespace, 'client'))).toEqual({
      rows: 100,
      hashes: [lab.hash(lab.passwords[0])],
    });
    await expectNothingSeen();
    await lab.p.k.run('scale', 'deployment/connect', '--replicas=0', '-n', namespace);
  });

  it('is a thrift server: beeline reads s3a, and its executors have the variable', async () => {
    const server = { name: 'thrift', namespace, references: 'warehouse', port: 10000 };
    const main = 'org.apache.spark.sql.hive.thriftserver.HiveThriftServer2';
    await lab.p.k.apply(
      ...sparkServer({
        ...{ ...server, command: ['/opt/spark/bin/spark-submit'], conf: s3aConf(lab.s3) },
        args: ['--class', main, 'spark-internal'],
      }),
    );
    await available('thrift');
    const folder = 's3a://lake/thrift';
    const getenv = "reflect('java.lang.System', 'getenv', 'DB_PASSWORD')";
    const log = await client('beeline', [
      ...['/opt/spark/bin/spark-class', 'org.apache.hive.beeline.BeeLine', '--outputformat=csv2'],
      ...['-u', `jdbc:hive2://thrift.${namespace}.svc:10000`],
      ...['-e', `INSERT OVERWRITE DIRECTORY '${folder}' USING json SELECT id FROM range(100);`],
      ...[
        '-e',
        `SELECT DISTINCT concat('RESULT ', count(*) OVER (), ' ', sha2(concat('${lab.salt}', ${getenv}), 256)) FROM json.\`${folder}\`;`,
      ],
    ]);
    expect(log).toContain(`RESULT 100 ${lab.hash(lab.passwords[0])}`);
    await expectNothingSeen();
    await lab.p.k.run('scale', 'deployment/thrift', '--replicas=0', '-n', namespace);
  });
});

describe('PySpark in client mode, in a pod with the label spark-role: driver', () => {
  it('has the secrets, reads s3a, and so do its executors', async () => {
    const metadata = {
      labels: { 'spark-role': 'driver' },
      annotations: { 'fairlead.dev/secret-references': 'warehouse' },
    };
    const command = ['python3', '/opt/apps/tell.py', lab.salt, 's3a://lake/notebook', '2'];
    await notebookPod(lab.b, { namespace, name: 'notebook', metadata, command, conf: s3aConf(lab.s3) });
    await podEnded(lab.b, namespace, 'notebook');
    const password = lab.hash(lab.passwords[0]);
    const result = resultIn<{ executors: string[][] }>(await logOf(lab.b, namespace, 'notebook'));
    expect(result).toMatchObject({ version: NEWEST, driver: password, sum: 4950 });
    expect(result.executors.map(([, value]) => value)).toEqual([password, password]);
    await expectNothingSeen();
  });
});
