import { afterAll, beforeAll, expect, it } from 'vitest';
import { NEWEST } from '../../hack/spark/versions.ts';
import { bench, type Bench } from './bench.ts';
import { s3aConf, s3aKeys } from './s3a.ts';
import { sparkSubmit } from './submit.ts';

/** What the tests with Fairlead stand on, without it: that a job with the right keys passes they show themselves. */
let b: Bench;
beforeAll(async () => {
  b = await bench('bench');
});
afterAll(async () => b?.stop());

it('the S3 server refuses a key that is not its own, so that a job cannot pass without the right one', async () => {
  const s3 = await b.s3();
  s3.bucket('lake');
  const run = await sparkSubmit(b, {
    version: NEWEST,
    namespace: await b.namespace(),
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
