import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { REFERENCES_ANNOTATION } from '../../src/api/names.ts';
import { lint } from '../../src/kubectl/lint/lint.ts';

const SAMPLES = new URL('../../config/samples/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, SAMPLES), 'utf8');

type Properties = Record<string, string>;
interface Application {
  readonly apiVersion: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly sparkConf?: Properties;
    readonly hadoopConf?: Properties;
    readonly driver?: { readonly annotations?: Properties };
    readonly executor?: { readonly annotations?: Properties };
  };
}

const under = (prefix: string, properties: Properties = {}): [string, string][] =>
  Object.entries(properties).map(([name, value]) => [prefix + name, value]);

/**
 * What of an application becomes a `--conf` of spark-submit, as its operator documents it. sparkConf goes as it is in both;
 * the rest has Kubeflow alone ("Writing a SparkApplication"). Neither operator was run.
 */
function confOf({ apiVersion, spec }: Application): Map<string, string> {
  const kubeflow = [
    ...under('spark.hadoop.', spec.hadoopConf),
    ...under('spark.kubernetes.driver.annotation.', spec.driver?.annotations),
    ...under('spark.kubernetes.executor.annotation.', spec.executor?.annotations),
  ];
  const more = apiVersion.startsWith('sparkoperator.k8s.io/') ? kubeflow : [];
  return new Map([...under('', spec.sparkConf), ...more]);
}

/** The annotations with which Spark makes a pod of this role: what the tests with real Spark submit. */
function annotations(conf: Map<string, string>, role: 'driver' | 'executor'): Properties {
  const prefix = `spark.kubernetes.${role}.annotation.`;
  const own = [...conf].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

const references = parseAllDocuments(read('11-spark.yaml'))
  .map((document) => document.toJS())
  .filter(({ kind }) => kind === 'SecretReference');

describe.each(['kubeflow', 'apache'])('the sample of a SparkApplication for %s', (name) => {
  const application = parse(read(`spark-applications/${name}.yaml`)) as Application;
  const conf = confOf(application);

  it("becomes a driver with Fairlead's annotation, and executors without any", () => {
    expect(annotations(conf, 'driver')).toEqual({ [REFERENCES_ANNOTATION]: 'spark' });
    expect(annotations(conf, 'executor')).toEqual({});
  });

  it('names a SecretReference that the samples have, in the same namespace', () => {
    const { namespace } = application.metadata;
    expect(references).toMatchObject([{ metadata: { name: 'spark', namespace } }]);
  });

  it('sets no property that the reference sets: a --conf would win', () => {
    const fromSecrets = references[0].spec.sparkConf.map((entry: { name: string }) => entry.name);
    expect(fromSecrets.filter((property: string) => conf.has(property))).toEqual([]);
    expect([...conf.keys()]).toContain('spark.hadoop.fs.s3a.endpoint');
  });
});

it('kubectl fairlead lint finds nothing in them, beside the other samples', () => {
  const here = readdirSync(SAMPLES).filter((name) => name.endsWith('.yaml'));
  const sources = [...here, 'spark-applications/kubeflow.yaml', 'spark-applications/apache.yaml'].map(
    (name) => ({ name, text: read(name) }),
  );
  const options = { systemNamespace: 'fairlead-system', legacyNamespaces: [], strict: true };
  expect(lint(sources, options)).toEqual([]);
});

it('the mapping tells where an annotation stands', () => {
  const spec = { driver: { annotations: { a: 'b' } }, sparkConf: { 'spark.x': 'y' } };
  const metadata = { namespace: 'n' };
  const ofKubeflow = { apiVersion: 'sparkoperator.k8s.io/v1beta2', metadata, spec };
  expect(annotations(confOf(ofKubeflow), 'driver')).toEqual({ a: 'b' });
  expect(annotations(confOf({ ...ofKubeflow, apiVersion: 'spark.apache.org/v1' }), 'driver')).toEqual({});
});
