import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3 } from '../../hack/spark/s3.ts';
import { NEWEST, SPARK_VERSIONS } from '../../hack/spark/versions.ts';
import { bench, type Bench } from './bench.ts';
import { s3aConf, s3aKeys } from './s3a.ts';
import { type SparkRun, sparkSubmit } from './submit.ts';

/** The bench itself, without Fairlead: real Spark, executors of their own, a server that checks signatures. */
let b: Bench;
let namespace: string;
let s3: S3;
beforeAll(async () => {
  b = await bench('bench');
  namespace = await b.namespace();
  s3 = await b.s3();
  s3.bucket('lake');
});
afterAll(async () => b?.stop());

interface Result {
  readonly version: string;
  readonly sum: number;
  readonly executors: readonly string[];
}

describe.each(SPARK_VERSIONS)('Spark %s in cluster mode', (version) => {
  const name = `job-${version.replaceAll('.', '-')}`;
  let run: SparkRun;
  beforeAll(async () => {
    run = await sparkSubmit(b, {
      version,
      namespace,
      name,
      app: 's3a.py',
      args: [`s3a://lake/${name}`],
      conf: { ...s3aConf(s3), ...s3aKeys(s3) },
    });
  });

  it('ends well, with the work done by two executors in pods of their own', () => {
    const { executors, ...rest } = run.result<Result>();
    expect(rest).toEqual({ version, sum: 4950 });
    expect(run.phase).toBe('Succeeded');
    expect(run.executors.map(({ name }) => name).sort()).toEqual([...executors]);
    expect(executors).toHaveLength(2);
  });

  it('wrote to the S3 server what it read back', () => {
    const objects = s3.list('lake', name);
    expect(objects).toContain('_SUCCESS');
    const parts = objects.filter((object) => object.startsWith('part-'));
    const rows = parts.flatMap((part) => s3.read('lake', `${name}/${part}`).toString().trim().split('\n'));
    expect(rows).toHaveLength(100);
  });

  it('leaves logs of driver and executors to read', () => {
    expect(run.driverLog).toContain('Successfully stopped SparkContext');
    for (const { log } of run.executors) expect(log).toContain('Finished task');
  });
});

describe('the S3 server', () => {
  it('refuses a key that is not its own, so that a job cannot pass without the right one', async () => {
    const run = await sparkSubmit(b, {
      version: NEWEST,
      namespace,
      name: 'stranger',
      app: 's3a.py',
      args: ['s3a://lake/stranger'],
      conf: {
        ...s3aConf(s3),
        ...s3aKeys({ accessKey: s3.accessKey, secretKey: 'not the secret key' }),
        'spark.executor.instances': '1',
      },
    });
    expect(run.phase).toBe('Failed');
    expect(run.driverLog).toMatch(/SignatureDoesNotMatch|Forbidden|403/);
    expect(s3.list('lake', 'stranger')).toEqual([]);
  });
});
