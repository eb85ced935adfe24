import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import { NEWEST, SPARK_VERSIONS } from '../../hack/spark/versions.ts';
import { leaks, type Planted } from '../support/planted.ts';
import { PLAIN_ODD, sparkLab, type SparkLab } from './fairlead.ts';
import { logWith, podWhen } from './pods.ts';
import { s3aConf } from './s3a.ts';
import { collectRun, sparkSubmit, startSubmit, type SparkRun } from './submit.ts';

/** A row for each task: the executor, and the hashes of DB_PASSWORD and LEGACY there. */
type Row = [executor: string, password: string | null, legacy: string | null];
interface Result {
  readonly version: string;
  readonly driver: string;
  readonly custom: string;
  readonly hadoopOdd: string;
  readonly plainOdd: string;
  readonly secretKey: string;
  readonly commandLines: readonly string[];
  readonly executors: readonly Row[];
  readonly late: readonly Row[];
  readonly sum: number;
}

const ANNOTATION = 'spark.kubernetes.driver.annotation.fairlead.dev/secret-references';
let lab: SparkLab;
let namespace: string;
beforeAll(async () => {
  lab = await sparkLab('sparksecrets');
  namespace = await lab.namespace();
});
afterAll(async () => lab?.stop());

const configMapOf = async (run: Pick<SparkRun, 'driverPod'>): Promise<string> => {
  const { volumes } = run.driverPod.spec;
  const volume = volumes.find(({ name }: { name: string }) => name === 'spark-conf-volume-driver');
  return lab.p.k.run('get', 'configmap', volume.configMap.name, '-n', namespace, '-o', 'json');
};

/** The driver waits for a connection before it asks for one more executor. */
async function goOn(driverAddress: string): Promise<void> {
  const socket = connect(7000, driverAddress);
  await once(socket, 'connect');
  socket.destroy();
}

/** What the UI says of the configuration: as a page, and by its API. */
async function environmentOf(driverAddress: string): Promise<Record<string, string>> {
  const ui = `http://${driverAddress}:4040`;
  const get = async (path: string) => (await http(ui + path, { timeoutMs: 60_000 })).text;
  const [{ id }] = JSON.parse(await get('/api/v1/applications')) as [{ id: string }];
  return {
    'the UI, /environment': await get('/environment/'),
    'the UI, API': await get(`/api/v1/applications/${id}/environment`),
  };
}

const hashes: (string | undefined)[] = [];

describe.each(SPARK_VERSIONS)('a job of Spark %s, annotated at the driver only', (version) => {
  const name = `job-${version.replaceAll('.', '-')}`;
  let run: SparkRun;
  let result: Result;
  let page: Record<string, string>;
  let password: Planted | undefined;
  beforeAll(async () => {
    password = lab.passwords.at(-1);
    const driver = await startSubmit(lab.b, {
      ...{ version, namespace, name, app: 'tell.py', args: [lab.salt, `s3a://lake/${name}`, '3'] },
      conf: {
        ...s3aConf(lab.s3),
        [ANNOTATION]: 'warehouse,odd',
        'spark.kubernetes.driverEnv.SPARK_SUBMIT_OPTS': '-Dspark.app.custom=x',
        'spark.logConf': 'true',
        'spark.dynamicAllocation.enabled': 'true',
        'spark.dynamicAllocation.shuffleTracking.enabled': 'true',
        'spark.dynamicAllocation.minExecutors': '2',
        'spark.dynamicAllocation.maxExecutors': '3',
        'spark.eventLog.enabled': 'true',
        'spark.eventLog.dir': 's3a://lake/events',
        'spark.eventLog.compress': 'false',
        'spark.eventLog.rolling.enabled': 'false',
      },
    });
    await logWith(lab.b, namespace, driver, 'WAITING');
    const running = await podWhen(lab.b, namespace, driver, ({ status }) => status.podIP !== undefined);
    const address = running.status.podIP as string;
    page = await environmentOf(address);
    await lab.rotate();
    // With the newest Spark the third executor starts while there is no Fairlead at all.
    if (version === NEWEST) await lab.p.fairlead.stop();
    try {
      await goOn(address);
      run = await collectRun(lab.b, namespace, driver);
    } finally {
      if (version === NEWEST) await lab.p.fairlead.start();
    }
    result = run.result<Result>();
    hashes.push(result.driver);
  });

  it('(a) reads the variable in the driver and in tasks on two executors', () => {
    expect(result).toMatchObject({ version, driver: lab.hash(password) });
    expect(new Set(result.executors.map(([executor]) => executor)).size).toBe(2);
    for (const [, value] of result.executors) expect(value).toBe(lab.hash(password));
    for (const { pod } of run.executors)
      expect(pod.metadata.annotations ?? {}).not.toHaveProperty(ANNOTATION);
  });

  it('(b) writes and reads s3a, with keys that came only by spec.sparkConf', () => {
    expect(result.sum).toBe(4950);
    expect(lab.s3.list('lake', name)).toContain('_SUCCESS');
    expect(result.secretKey).toMatch(/^\$\{env\.FAIRLEAD_CONF_\w+\}$/);
  });

  it(`(c) gets an executor after the rotation that still sees the driver's version${version === NEWEST ? ', (f) while Fairlead is down' : ''}`, () => {
    expect(run.executors).toHaveLength(3);
    expect(new Set(result.late.map(([executor]) => executor)).size).toBe(3);
    for (const [, value] of result.late) expect(value).toBe(lab.hash(password));
    expect(lab.passwords.at(-1)).not.toBe(password);
  });

  it('(d) shows no value in pods, ConfigMap, CRs, command lines, logs, the event log and the UI', async () => {
    const id = run.driverPod.metadata.labels['spark-app-selector'] as string;
    const eventLog = lab.s3.list('lake', 'events').find((object) => object.startsWith(id)) ?? 'none';
    const events = lab.s3.read('lake', `events/${eventLog}`).toString();
    expect(events).toContain('SparkListenerEnvironmentUpdate');
    expect(run.driverLog).toContain('spark.logConf=true');
    // The page of the newest Spark has no properties in it: the browser asks the API for them.
    expect(page['the UI, API']).toContain('spark.hadoop.fairlead.odd');
    expect(page['the UI, /environment']).toContain('Environment');
    // The value of the plain property is in the driver's own command line: documented, and nowhere else.
    const commandLines = result.commandLines.join('\n');
    expect(commandLines).toContain('-Dspark.hadoop.fs.s3a.secret.key=${env.FAIRLEAD_CONF_');
    const shown = {
      ...(await lab.visible()),
      ...page,
      'the event log': events,
      'the driver': JSON.stringify(run.driverPod),
      'the executors': JSON.stringify(run.executors),
      'spark-submit': await lab.p.k.run('logs', `${name}-submit`, '-n', namespace),
    };
    const logs = run.driverLog.replace(/^RESULT .*$/m, '');
    expect(leaks({ ...shown, commandLines, 'the log of the driver': logs }, lab.planted())).toEqual([]);
    expect(leaks({ ...shown, 'the log of the driver': logs }, [lab.plainOdd])).toEqual([]);
  });

  it('gets odd values byte for byte, and keeps a SPARK_SUBMIT_OPTS of its own', () => {
    expect(result).toMatchObject({
      hadoopOdd: lab.hash(lab.hadoopOdd),
      plainOdd: lab.hash(lab.plainOdd),
      custom: 'x',
    });
    expect(run.driverPod.spec.containers[0].env).toContainEqual({
      name: 'SPARK_SUBMIT_OPTS',
      value: '-Dspark.app.custom=x $(FAIRLEAD_SPARK_OPTS)',
    });
  });
});

it('(c) each submission after a rotation sees the new value', () => {
  expect(hashes).toEqual(lab.passwords.slice(0, SPARK_VERSIONS.length).map((one) => lab.hash(one)));
  expect(new Set(hashes).size).toBe(SPARK_VERSIONS.length);
});

describe('(e) spark-submit in cluster mode from a pod that carries our options', () => {
  const annotations = { 'fairlead.dev/secret-references': 'warehouse' };
  const submission = (name: string) => ({
    ...{ version: NEWEST, namespace, name, app: 'tell.py', args: [lab.salt, `s3a://lake/${name}`, '2'] },
    conf: { ...s3aConf(lab.s3), [ANNOTATION]: 'warehouse' },
  });

  it('copies no value from a notebook, and the new job has its own secrets', async () => {
    const run = await sparkSubmit(lab.b, {
      ...submission('nested'),
      submitter: { metadata: { annotations } },
    });
    const configMap = await configMapOf(run);
    // The options were there to be copied.
    expect(configMap).toContain('FAIRLEAD_CONF_');
    expect(run.phase).toBe('Succeeded');
    expect(run.result<Result>()).toMatchObject({ driver: lab.hash(lab.passwords.at(-1)), sum: 4950 });
    const shown = { ...(await lab.visible()), configMap, executors: JSON.stringify(run.executors) };
    expect(leaks(shown, [...lab.planted(), lab.plainOdd])).toEqual([]);
  });

  it('copies nothing at all from a driver that submits without SPARK_SUBMIT_OPTS', async () => {
    const metadata = {
      labels: { 'spark-role': 'driver' },
      annotations: { 'fairlead.dev/secret-references': 'warehouse,odd' },
    };
    const prefix = ['env', '-u', 'SPARK_SUBMIT_OPTS'];
    const driver = await startSubmit(lab.b, {
      ...submission('by-driver'),
      submitter: { metadata, prefix },
    });
    const driverPod = await lab.p.getPod(namespace, driver);
    const configMap = await configMapOf({ driverPod });
    expect(configMap).toContain('spark.properties');
    expect(configMap).not.toContain('FAIRLEAD_CONF_');
    expect(configMap).not.toContain(PLAIN_ODD);
    expect(leaks(await lab.visible(), [...lab.planted(), lab.plainOdd])).toEqual([]);
    await lab.p.k.remove('pod', namespace, driver);
  });
});
