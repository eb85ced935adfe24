import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEWEST } from '../../hack/spark/versions.ts';
import { leaks, plant } from '../support/planted.ts';
import { sparkLab, type SparkLab } from './fairlead.ts';
import { s3aConf } from './s3a.ts';
import { sparkSubmit, type SparkRun, type Submission } from './submit.ts';

const ANNOTATION = 'spark.kubernetes.driver.annotation.fairlead.dev/secret-references';
type Row = [executor: string, password: string | null, legacy: string | null];
interface Result {
  readonly driver: string | null;
  readonly driverLegacy: string;
  readonly plainUnregistered: string;
  readonly executors: readonly Row[];
  readonly sum: number;
}

const [inDriver, inExecutors, myKey] = [plant(), plant(), plant()];
const legacyConf = {
  'spark.kubernetes.driverEnv.LEGACY': '${secrets.in_driver}',
  'spark.executorEnv.LEGACY': '${secrets.in_executors}',
  'spark.my.key': '${secrets.my_key}',
};

let lab: SparkLab;
let namespace: string;
beforeAll(async () => {
  lab = await sparkLab('sparklegacy', ['--legacy-spark', 'true']);
  await lab.p.fairlead.installLegacySpark();
  await lab.p.store('global', {
    ...{ in_driver: inDriver.value, in_executors: inExecutors.value, my_key: myKey.value },
    ...{ s3_access: lab.s3.accessKey, s3_secret: lab.s3.secretKey },
  });
  namespace = await lab.namespace({ 'fairlead.dev/legacy-placeholders': 'enabled' });
});
afterAll(async () => {
  await lab?.p.fairlead.uninstallLegacySpark();
  await lab?.stop();
});

const submit = async (name: string, version: Submission['version'], conf: Record<string, string>) =>
  sparkSubmit(lab.b, {
    ...{ version, namespace, name, app: 'tell.py', args: [lab.salt, `s3a://lake/${name}`, '2'] },
    conf: { ...s3aConf(lab.s3), ...legacyConf, ...conf },
  });

async function expectNothingSeen(run: SparkRun): Promise<void> {
  const planted = [...lab.planted(), inDriver, inExecutors, myKey];
  const shown = {
    ...(await lab.visible()),
    executors: JSON.stringify(run.executors),
    // Its own command lines are in the result, and the value of spark.my.key in them.
    driver: JSON.stringify(run.driverPod) + run.driverLog.replace(/^RESULT .*$/m, ''),
    'spark-submit': run.submitLog,
  };
  expect(leaks(shown, planted)).toEqual([]);
}

function expectLegacyServed(result: Result): void {
  expect(result).toMatchObject({
    driverLegacy: lab.hash(inDriver),
    plainUnregistered: lab.hash(myKey),
    sum: 4950,
  });
  expect(result.executors.map(([, , legacy]) => legacy)).toEqual(
    Array.from({ length: 2 }, () => lab.hash(inExecutors)),
  );
}

describe('placeholders of a job in a legacy namespace, without any annotation', () => {
  it('are served in driverEnv, executorEnv, s3a keys and an unregistered property, executors included', async () => {
    const run = await submit('placeholders', NEWEST, {
      'spark.hadoop.fs.s3a.access.key': '${secrets.s3_access}',
      'spark.hadoop.fs.s3a.secret.key': '${secrets.s3_secret}',
    });
    const result = run.result<Result>();
    expectLegacyServed(result);
    expect(result.driver).toBeNull();
    expect(lab.s3.list('lake', 'placeholders')).toContain('_SUCCESS');
    await expectNothingSeen(run);
  });
});

describe('placeholders and a SecretReference in one job', () => {
  it('are both served, and executors have both', async () => {
    const run = await submit('both', '3.5.9', { [ANNOTATION]: 'warehouse' });
    const result = run.result<Result>();
    expectLegacyServed(result);
    const password = lab.hash(lab.passwords[0]);
    expect(result.driver).toBe(password);
    expect(result.executors.map(([, value]) => value)).toEqual([password, password]);
    await expectNothingSeen(run);
  });
});
