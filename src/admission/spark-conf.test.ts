import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyLines } from './properties.ts';
import { legacyProperties, takePlaceholders } from './spark-conf.ts';

const read = (text: string) =>
  Object.fromEntries(
    propertyLines(text).flatMap(({ property }) => (property ? [[property.key, property.value]] : [])),
  );

describe('a properties file', () => {
  it.each<[string, string, Record<string, string>]>([
    ['key and value', 'a=b\nc:d\ne f\n', { a: 'b', c: 'd', e: 'f' }],
    ['white space around', '  a \t=  b \nc   d=e\n', { a: 'b ', c: 'd=e' }],
    ['comments and empty lines', '# a=b\n ! c=d \\\n\n   \ne=f', { e: 'f' }],
    ['escapes', 'a\\:b\\=\\ c=x\\:y\\=z\\#\\u00fc\\n\\t\\q', { 'a:b= c': 'x:y=z#ü\n\tq' }],
    ['continued lines', 'a=b\\\n   c\\\r\n\t#d\ne=f', { a: 'bc#d', e: 'f' }],
    ['a continued line of white space', 'a=b\\\n   \nc=d', { a: 'b', c: 'd' }],
    ['an escaped backslash at the end', 'a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
    ['an end in the middle of a line', 'a=b\\', { a: 'b' }],
    ['line ends of old Macs', 'a=b\rc=d', { a: 'b', c: 'd' }],
    ['keys without values', 'a\nb=\nc', { a: '', b: '', c: '' }],
    ['special names', '__proto__=x', Object.fromEntries([['__proto__', 'x']])],
  ])('is read as Java reads it: %s', (_, text, expected) => expect(read(text)).toEqual(expected));

  it('is its lines, put together', () => {
    const text = fc
      .array(fc.constantFrom('a', '=', '\\', '\n', '\r', ' ', '#', '${secrets.k}'))
      .map((t) => t.join(''));
    fc.assert(
      fc.property(text, (of) => {
        const lines = propertyLines(of).map(({ raw }) => raw);
        expect(lines.join('')).toBe(of);
      }),
    );
  });

  it.each([
    ['in half a million pieces', 'a=\\\n'.repeat(300_000)],
    ['of backslashes', `a=${'\\'.repeat(1_000_000)}b`],
    ['that is all key', `spark.${'a\\:'.repeat(300_000)}`],
    ['of spaces', `a=${' '.repeat(1_000_000)}b${' '.repeat(100_000)}c`],
    ['of placeholders that are not closed', `spark.a=${'${secrets.a'.repeat(90_000)}`],
  ])('costs little time: a line %s', (_, text) => {
    const started = performance.now();
    legacyProperties(takePlaceholders(text).taken + text);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('taking properties with placeholders', () => {
  const HEAD = '#Java properties built from Kubernetes config map\n#Sat Nov 28\n';

  it('takes their lines as they are, and leaves all others', () => {
    const mine =
      'spark.hadoop.fs.s3a.secret.key=${secrets.s3_key}\nspark.jdbc=jdbc\\:x\\://${secrets.u}\\:${secrets.p}@h\n';
    const rest = 'spark.app.name=etl\nspark.master=k8s\\://https\\://x\n';
    const [first, second] = mine.split(/(?<=\n)/);
    expect(takePlaceholders(`${HEAD}${first}${rest}${second}`)).toEqual({
      kept: HEAD + rest,
      taken: mine,
      left: [],
    });
  });

  it.each([
    'spark.kubernetes.driverEnv.A',
    'spark.kubernetes.executor.annotation.x',
    'spark.executor.extraJavaOptions',
    'spark.driver.defaultJavaOptions',
    'spark.authenticate.secret',
    'spark.executorEnv.LD_PRELOAD',
    'spark.executorEnv.a-b',
    'other.key',
    'spark.a -Dspark.b',
  ])('leaves %s as it is', (key) => {
    const text = `${key.replaceAll(' ', '\\ ')}=\${secrets.k}\n`;
    expect(takePlaceholders(text)).toEqual({ kept: text, taken: '', left: [key] });
    expect(legacyProperties(text)).toEqual([]);
  });

  it('takes all lines of a property whose last one has a placeholder, and none if it has not', () => {
    expect(takePlaceholders('spark.a=x\nspark.b=y\nspark.a=${secrets.k}')).toEqual({
      kept: 'spark.b=y\n',
      taken: 'spark.a=x\nspark.a=${secrets.k}\n',
      left: [],
    });
    const text = 'spark.a=${secrets.k}\nspark.a=x\n';
    expect(takePlaceholders(text)).toEqual({ kept: text, taken: '', left: [] });
  });

  it.each(['$${secrets.k}', '${secrets.}', '${other.k}', '${env.X}'])(
    'sees no placeholder in %s',
    (value) => {
      expect(takePlaceholders(`spark.a=${value}\n`).taken).toBe('');
    },
  );

  it('finds nothing more the second time', () => {
    const line = fc.constantFrom(
      'spark.a=${secrets.k}',
      'spark.a=x',
      'spark.b=y',
      '#c',
      'spark.a\\',
      '=${secrets.k}',
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n', '\\\n'), (lines, end) => {
        const { kept, taken } = takePlaceholders(lines.join(end));
        expect(takePlaceholders(kept)).toMatchObject({ kept, taken: '' });
        expect(takePlaceholders(taken)).toMatchObject({ kept: '', taken });
      }),
    );
  });
});

describe('reading them again', () => {
  it('gives the last value of each in pieces, without white space around as Spark has it', () => {
    expect(
      legacyProperties(
        'spark.a=x\nspark.a=\\ a${secrets.k}\\:${secrets.l} \nspark.executorEnv.X=${secrets.k}\n',
      ),
    ).toEqual([
      { property: 'spark.a', pieces: ['a', { key: 'k' }, ':', { key: 'l' }] },
      { property: 'spark.executorEnv.X', pieces: [{ key: 'k' }] },
    ]);
  });
});
