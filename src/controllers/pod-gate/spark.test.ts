import { describe, expect, it } from 'vitest';
import { legacyProperties } from '../../admission/spark-conf.ts';
import { confVariable } from '../../deliver/spark.ts';
import { deliveryContents, type SparkAsking } from './spark.ts';

const bytes = (of: Record<string, string>) =>
  new Map(Object.entries(of).map(([name, value]) => [name, Buffer.from(value)]));
const driver = { driver: true } as const;
const asking = (lines: string, rest: Partial<SparkAsking> = {}): SparkAsking => ({
  delivery: 'fairlead-d-1',
  lines: legacyProperties(lines),
  inEnv: [],
  spark: driver,
  ...rest,
});
const resolved = (data: Record<string, string>, properties: Record<string, string> = {}) => ({
  data: bytes(data),
  properties: bytes(properties),
});
const text = ({ data }: ReturnType<typeof deliveryContents>) =>
  Object.fromEntries([...data].map(([name, value]) => [name, value.toString()]));
const handOn = (variable: string, key = variable) =>
  `-Dspark.kubernetes.executor.secretKeyRef.${variable}=fairlead-d-1:${key}`;
const both = (options: string) => ({ FAIRLEAD_SPARK_OPTS: options, SPARK_SUBMIT_OPTS: options });

describe('what a delivery holds', () => {
  it('is just the variables for a pod that has nothing of Spark', () => {
    const pod = { delivery: 'fairlead-d-1', lines: [], inEnv: ['k'] };
    const contents = deliveryContents(pod, resolved({ A: '1', FAIRLEAD_SECRET_k: '2' }));
    expect(text(contents)).toEqual({ A: '1', FAIRLEAD_SECRET_k: '2' });
    expect(contents.problems).toEqual([]);
  });

  it('is for a driver also that its executors read the variables, but not the placeholders of its own env', () => {
    const contents = deliveryContents(
      asking('', { inEnv: ['k'] }),
      resolved({ A: '1', FAIRLEAD_SECRET_k: '2' }),
    );
    expect(text(contents)).toEqual({ A: '1', FAIRLEAD_SECRET_k: '2', ...both(handOn('A')) });
  });

  it('has an empty option for a pod that names ours', () => {
    const pod = { delivery: 'd', lines: [], inEnv: [], spark: { driver: false, besideOptions: 4 } };
    expect(text(deliveryContents(pod, resolved({ A: '1' })))).toEqual({ A: '1', FAIRLEAD_SPARK_OPTS: '' });
  });
});

describe('Spark configuration with placeholders', () => {
  it('is put together, and what only it needs is not delivered besides', () => {
    const property = 'spark.hadoop.fs.s3a.secret.key';
    const pod = asking(`${property}=\${secrets.k}\nspark.jdbc.token=x\\:\${secrets.l}\\:\${secrets.k}\n`);
    const variable = confVariable(property);
    expect(text(deliveryContents(pod, resolved({ FAIRLEAD_SECRET_k: 'K', FAIRLEAD_SECRET_l: 'L' })))).toEqual(
      {
        [variable]: 'K',
        ...both(`-D${property}=\${env.${variable}} ${handOn(variable)} -Dspark.jdbc.token=x:L:K`),
      },
    );
  });

  it('is a variable of executors from spark.executorEnv', () => {
    const key = confVariable('spark.executorEnv.DB');
    const pod = asking('spark.executorEnv.DB=p/${secrets.k}\n', { inEnv: ['k'] });
    expect(text(deliveryContents(pod, resolved({ FAIRLEAD_SECRET_k: '${K}' })))).toEqual({
      FAIRLEAD_SECRET_k: '${K}',
      [key]: 'p/${K}',
      ...both(handOn('DB', key)),
    });
  });

  it('gives way to the same property of a reference', () => {
    const pod = asking('spark.a.token=${secrets.k}\n');
    const contents = deliveryContents(
      pod,
      resolved({ FAIRLEAD_SECRET_k: 'old' }, { 'spark.a.token': 'new' }),
    );
    expect(text(contents)).toEqual(both('-Dspark.a.token=new'));
  });

  it('waits for each placeholder, of which the reason is told elsewhere', () => {
    const contents = deliveryContents(
      asking('spark.a.token=${secrets.k}${secrets.l}\n'),
      resolved({ FAIRLEAD_SECRET_k: 'x' }),
    );
    expect(contents.problems).toEqual([]);
    expect(text(contents)).toEqual({});
  });

  it.each([
    ['spark.hadoop.a=${secrets.k}\n', '${env.v4lue}', 'spark.hadoop.a', 'NotAConfigurationValue'],
    ['spark.a.b=$${secrets.k}${secrets.k}\n', '{v4lue}', 'spark.a.b', undefined],
    ['spark.a.b=${${secrets.k}}\n', 'v4lue', 'spark.a.b', 'NotAConfigurationValue'],
    ['spark.executorEnv.A=${secrets.k}${secrets.k}\n', 'x'.repeat(70_000), 'spark.executorEnv.A', 'TooLarge'],
  ])('holds the driver if it would not arrive as it is: %s', (lines, value, entry, reason) => {
    const { problems } = deliveryContents(asking(lines), resolved({ FAIRLEAD_SECRET_k: value }));
    expect(problems.map((one) => [one.entry, one.reason])).toEqual(reason ? [[entry, reason]] : []);
    expect(JSON.stringify(problems)).not.toContain('v4lue');
  });
});

describe('what is too much', () => {
  it('is told, with what is made for Spark', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`V${i}`, 'x'.repeat(100_000)]));
    const spark = { 'spark.a.token': 'x'.repeat(40_000) };
    expect(deliveryContents(asking(''), resolved(many)).problems).toEqual([]);
    const { problems } = deliveryContents(asking(''), resolved(many, spark));
    expect(problems).toEqual([{ reason: 'TooLarge', message: expect.stringContaining('1048576') }]);
  });
});
