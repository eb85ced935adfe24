import { describe, expect, it } from 'vitest';
import { confVariable, sparkData, type SparkContents } from './spark.ts';

const delivery = 'fairlead-d-1';
const text = (of: ReturnType<typeof sparkData>) =>
  Object.fromEntries([...of.data].map(([name, value]) => [name, value.toString()]));
const properties = (of: Record<string, string>) =>
  new Map(Object.entries(of).map(([name, value]) => [name, Buffer.from(value)]));
const make = (rest: Partial<SparkContents>) =>
  sparkData({ delivery, role: 'driver', variables: [], properties: new Map(), ...rest });
const both = (options: string) => ({ FAIRLEAD_SPARK_OPTS: options, SPARK_SUBMIT_OPTS: options });

const SECRET_KEY = 'spark.hadoop.fs.s3a.secret.key';
const VARIABLE = confVariable(SECRET_KEY);
const handOn = (variable: string, key = variable) =>
  `-Dspark.kubernetes.executor.secretKeyRef.${variable}=${delivery}:${key}`;

describe('the delivery of a driver', () => {
  it('has an option for each variable, which Spark makes a secretKeyRef of', () => {
    expect(text(make({ variables: ['A', 'B'] }))).toEqual(both(`${handOn('A')} ${handOn('B')}`));
  });

  it('has nothing of Spark without variables', () => {
    expect(make({})).toEqual({ data: new Map(), problems: [], shown: [] });
  });

  it('names a variable in spark.hadoop.*, and hands that on', () => {
    expect(text(make({ properties: properties({ [SECRET_KEY]: 'v4lue "q"' }) }))).toEqual({
      [VARIABLE]: 'v4lue "q"',
      ...both(`-D${SECRET_KEY}=\${env.${VARIABLE}} ${handOn(VARIABLE)}`),
    });
  });

  it('has any other value in its options, quoted', () => {
    const made = make({
      properties: properties({ 'spark.sql.catalog.lake.password': `p w'd "q" $HOME \\` }),
    });
    expect(text(made)).toEqual(both(`"-Dspark.sql.catalog.lake.password=p w'd \\"q\\" $HOME \\\\"`));
    expect(made.shown).toEqual([]);
  });

  it('says which values Spark shows', () => {
    const made = make({
      properties: properties({
        'spark.sql.catalog.lake.uri': 'x',
        'spark.sql.catalog.lake.Token': 'x',
        'spark.hadoop.x': 'x',
        'spark.a.accesskey': 'x',
        'spark.a.access.key': 'x',
      }),
    });
    expect(made.shown).toEqual(['spark.sql.catalog.lake.uri']);
  });

  it('gives executors a variable of their own, instead of one of the same name', () => {
    const key = confVariable('spark.executorEnv.A');
    const made = make({ variables: ['A', 'B'], executorEnv: properties({ A: 'theirs' }) });
    expect(text(made)).toEqual({ [key]: 'theirs', ...both(`${handOn('B')} ${handOn('A', key)}`) });
  });
});

describe('what executors are not handed', () => {
  it.each([
    ...['SPARK_DRIVER_URL', 'SPARK_EXECUTOR_CORES', 'SPARK_JAVA_OPT_0', 'SPARK_EXTRA_CLASSPATH'],
    ...['_SPARK_AUTH_SECRET', 'PYSPARK_PYTHON', 'HADOOP_CONF_DIR', 'JAVA_HOME', 'CLASSPATH'],
  ])('is %s, which Spark sets there or obeys', (variable) => {
    expect(text(make({ variables: [variable, 'MY_SPARK_KEY'] }))).toEqual(both(handOn('MY_SPARK_KEY')));
  });
});

describe('the delivery of an executor', () => {
  it('does without properties that only its driver can have, and hands nothing on', () => {
    const made = make({
      role: 'executor',
      variables: ['A'],
      properties: properties({ 'spark.a.password': 'v4lue', [SECRET_KEY]: 'x' }),
    });
    expect(made.problems).toEqual([]);
    expect(text(made)).toEqual({ [VARIABLE]: 'x', ...both(`-D${SECRET_KEY}=\${env.${VARIABLE}}`) });
  });
});

describe('the delivery of any other pod', () => {
  const other = (rest: Partial<SparkContents>) => make({ role: undefined, ...rest });

  it('has no options for variables', () => {
    expect(other({ variables: ['A'] }).data.size).toBe(0);
  });

  it('has spark.hadoop.* with its variable, and hands nothing on', () => {
    expect(text(other({ variables: ['A'], properties: properties({ [SECRET_KEY]: 'x' }) }))).toEqual({
      [VARIABLE]: 'x',
      ...both(`-D${SECRET_KEY}=\${env.${VARIABLE}}`),
    });
  });

  it('cannot have another property, whose value would be copied', () => {
    const made = other({ properties: properties({ 'spark.a.password': 'v4lue' }) });
    expect(made.problems).toEqual([
      {
        entry: 'spark.a.password',
        reason: 'NotSupportedHere',
        message: expect.stringContaining('spark-role'),
      },
    ]);
    expect(made.data.size).toBe(0);
  });

  it('leaves variables of executors out', () => {
    expect(other({ executorEnv: properties({ A: 'x' }) }).data.size).toBe(0);
  });
});

describe('a SPARK_SUBMIT_OPTS of the pod that names our options', () => {
  it('finds an empty text where there are none, and that of the image is not hidden', () => {
    expect(text(make({ beside: 10 }))).toEqual({ FAIRLEAD_SPARK_OPTS: '' });
    expect(text(make({ role: undefined, beside: 0 }))).toEqual({ FAIRLEAD_SPARK_OPTS: '' });
  });

  it.each([
    ['alone', undefined, 131_071 - 'FAIRLEAD_SPARK_OPTS='.length],
    ['after a long one', 100_000, 131_071 - 'SPARK_SUBMIT_OPTS='.length - 100_000],
  ])('must fit: %s', (_, beside, room) => {
    const of = (length: number) => {
      const value = 'x'.repeat(length - '-Dspark.a.token='.length);
      return make({ beside, properties: properties({ 'spark.a.token': value }) }).problems;
    };
    expect(of(room)).toEqual([]);
    expect(of(room + 1)).toEqual([
      { reason: 'TooLarge', message: expect.stringContaining('SPARK_SUBMIT_OPTS') },
    ]);
  });
});

describe('the variable of a property', () => {
  it('is reserved, always the same, and another one for each property', () => {
    expect(VARIABLE).toMatch(/^FAIRLEAD_CONF_[0-9A-F]{16}$/);
    expect(confVariable(SECRET_KEY)).toBe(VARIABLE);
    const names = Array.from({ length: 1000 }, (_, i) => confVariable(`spark.hadoop.a${i}`));
    expect(new Set(names).size).toBe(1000);
  });

  it('holds what fits with its own name, and no more', () => {
    const of = (length: number) => make({ properties: properties({ 'spark.hadoop.a': 'x'.repeat(length) }) });
    const room = 131_071 - VARIABLE.length - 1;
    expect(of(room).problems).toEqual([]);
    expect(of(room + 1).problems).toEqual([{ reason: 'TooLarge', message: expect.any(String) }]);
  });
});
