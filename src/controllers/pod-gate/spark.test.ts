import { describe, expect, it } from 'vitest';
import { legacyProperties } from '../../admission/spark-conf.ts';
import { confVariable } from '../../deliver/spark.ts';
import { deliveryContents, type SparkAsking } from './spark.ts';

const bytes = (of: Record<string, string>) =>
  new Map(Object.entries(of).map(([name, value]) => [name, Buffer.from(value)]));
const driver = { role: 'driver' } as const;
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
const OURS = { variable: 'FAIRLEAD_SPARK_OPTS' };
type Pieces = readonly (string | { readonly variable: string })[];
const naming = (...pieces: Pieces) => ({
  ownOptions: [{ variable: 'SPARK_SUBMIT_OPTS', pieces: [...pieces, OURS] }],
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
    const pod = { delivery: 'd', lines: [], inEnv: [], spark: naming('-Da="b ') };
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

describe('a SPARK_SUBMIT_OPTS of the pod itself', () => {
  const of = (pieces: Pieces, data: Record<string, string> = {}) =>
    deliveryContents(
      asking('', { inEnv: ['k'], spark: { ...driver, ...naming(...pieces) } }),
      resolved({ A: '1', ...data }),
    );

  it.each([
    ['a quote that is not closed', '-Da="b '],
    ['a backslash at the end', '-Da=b \\'],
    ['no space', '-Da=b'],
  ])('holds the driver if the launcher would print all options for %s', (_, theirs) => {
    const { problems } = of([theirs]);
    expect(problems.map(({ reason }) => reason)).toEqual(['NotSupportedHere']);
    expect(of([theirs.replaceAll(/["\\]/g, ''), ' ']).problems).toEqual([]);
  });

  it('is looked at with the secrets that it names, which may be mended', () => {
    const named = (value: string) =>
      of(['-Da=', { variable: 'FAIRLEAD_SECRET_k' }, { variable: 'UNKNOWN' }, ' '], {
        FAIRLEAD_SECRET_k: value,
      }).problems;
    expect(named('v4lue')).toEqual([]);
    expect(named('v4l"ue')).toEqual([expect.objectContaining({ reason: 'NotSupportedHere', mayPass: true })]);
    expect(JSON.stringify(named('v4l"ue'))).not.toContain('v4l');
  });

  it('counts with the secrets that it names', () => {
    const long = { FAIRLEAD_SECRET_k: 'x'.repeat(131_000) };
    expect(of([' '], long).problems).toEqual([]);
    const { problems } = of([{ variable: 'FAIRLEAD_SECRET_k' }, ' '], long);
    expect(problems).toMatchObject([{ reason: 'TooLarge' }]);
  });
});

describe('how much is delivered, as events and audit tell it', () => {
  it('leaves out what carries it, and what only properties need', () => {
    const lines = 'spark.hadoop.a=${secrets.k}\nspark.executorEnv.X=${secrets.l}\n';
    const contents = deliveryContents(
      asking(lines, { inEnv: ['k'] }),
      resolved({ A: '1', FAIRLEAD_SECRET_k: '2', FAIRLEAD_SECRET_l: '3' }, { 'spark.b.token': '4' }),
    );
    // A, the placeholder k of the env, X of the executors.
    expect(contents.counts).toEqual({ variables: 3, properties: 2 });
  });
});

describe('what is too much', () => {
  it('is not put together: a thousand properties of one long value', () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `spark.hadoop.a${i}=\${secrets.k}\n`).join('');
    const value = Buffer.alloc(130_000, 'x');
    const { problems, data } = deliveryContents(asking(lines), {
      data: new Map([['FAIRLEAD_SECRET_k', value]]),
      properties: new Map(),
    });
    expect(problems.map(({ reason }) => reason)).toContain('TooLarge');
    expect([...data.values()].reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2_500_000);
  });

  it.each(['spark.hadoop.a', 'spark.a.token', 'spark.executorEnv.A'])(
    'is not put together: eighty thousand placeholders in %s',
    (property) => {
      let reads = 0;
      // Every copy of the value reads it.
      const value = new Proxy(Buffer.alloc(130_000, 'x'), {
        get: (target, name) => {
          if (name !== 'length') reads += 1;
          return Reflect.get(target, name, target) as unknown;
        },
      });
      const { problems } = deliveryContents(asking(`${property}=${'${secrets.k}'.repeat(80_000)}\n`), {
        data: new Map([['FAIRLEAD_SECRET_k', value]]),
        properties: new Map(),
      });
      expect(problems.map(({ reason }) => reason)).toContain('TooLarge');
      expect(reads).toBe(0);
    },
  );

  it('is told, with what is made for Spark', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`V${i}`, 'x'.repeat(100_000)]));
    const spark = { 'spark.a.token': 'x'.repeat(40_000) };
    expect(deliveryContents(asking(''), resolved(many)).problems).toEqual([]);
    const { problems } = deliveryContents(asking(''), resolved(many, spark));
    expect(problems).toEqual([{ reason: 'TooLarge', message: expect.stringContaining('1048576') }]);
  });
});
