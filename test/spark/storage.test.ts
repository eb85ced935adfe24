import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3 } from '../../hack/spark/s3.ts';
import { NEWEST } from '../../hack/spark/versions.ts';
import { platform, type Platform } from '../support/platform.ts';
import { storage } from '../support/storage.ts';
import { bench, type Bench } from './bench.ts';
import { collectRun, type SparkRun, startSubmit } from './submit.ts';

/** Two buckets on two servers, each with keys of its own, that one job reaches by an annotation and nothing else. */
let b: Bench;
let p: Platform;
let namespace: string;
let lake: S3;
let landing: S3;
let run: SparkRun;
beforeAll(async () => {
  p = await platform('spark-storage');
  b = await bench('spark-storage');
  namespace = await b.namespace({ 'fairlead.dev/domain': 'spark-storage' });
  [lake, landing] = [await b.s3(), await b.s3()];
  lake.bucket('lake');
  landing.bucket('landing');
  await p.store('spark-storage', {
    ...{ lake_access: lake.accessKey, lake_secret: lake.secretKey },
    landing_access: landing.accessKey,
  });
  await p.integration('spark-storage', { secret: landing.secretKey }, { domains: ['spark-storage'] });
  const store = 'KUBERNETES/spark-storage';
  await p.k.apply(
    storage(
      'lake',
      namespace,
      { access: `${store}/lake_access`, secret: `${store}/lake_secret` },
      {
        endpoint: lake.endpoint,
      },
    ),
    storage(
      'landing',
      namespace,
      { access: `${store}/landing_access`, secret: 'VAULT/spark-storage/secret' },
      {
        ...{ type: 's3', endpoint: landing.endpoint, pathStyle: true },
      },
    ),
  );
  const driver = await startSubmit(b, {
    version: NEWEST,
    namespace,
    name: 'buckets',
    app: 'two_buckets.py',
    args: ['s3a://lake/job', 's3a://landing/job'],
    conf: {
      'spark.kubernetes.driver.annotation.fairlead.dev/storage': 'lake,landing',
      'spark.hadoop.fs.s3a.attempts.maximum': '2',
      'spark.hadoop.fs.s3a.retry.limit': '2',
    },
  });
  await p.released(namespace, driver, 60_000);
  run = await collectRun(b, namespace, driver);
});
afterAll(async () => {
  await b?.stop();
  await p?.stop();
});

describe('a Spark job that names two storages', () => {
  it('reads and writes both buckets, on two executors', () => {
    const { sum, executors } = run.result<{ sum: number; executors: string[] }>();
    expect(sum).toBe(4950);
    expect(executors).toHaveLength(2);
    expect(lake.list('lake', 'job')).toContain('_SUCCESS');
    expect(landing.list('landing', 'job')).toContain('_SUCCESS');
  });

  it('leaves no key in the ConfigMap, the pods and the logs', async () => {
    const values = [lake, landing].flatMap(({ accessKey, secretKey }) => [accessKey, secretKey]);
    const seen: Record<string, string> = {
      driver: JSON.stringify(run.driverPod) + run.driverLog + run.submitLog,
      executors: JSON.stringify(run.executors),
      configMaps: await b.k.run('get', 'configmaps,events', '-n', namespace, '-o', 'json'),
      fairlead: await p.logs(),
    };
    for (const [where, text] of Object.entries(seen)) {
      expect(text.length, where).toBeGreaterThan(100);
      for (const value of values) expect(text.includes(value), where).toBe(false);
    }
  });
});
