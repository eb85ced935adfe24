import { APPS, sparkImage } from '../../hack/spark/images.ts';
import type { SparkVersion } from '../../hack/spark/versions.ts';
import type { KubeJson } from '../support/cluster.ts';
import { ACCOUNT, type Bench } from './bench.ts';
import { getPod, listPods, logOf, podEnded } from './pods.ts';

/** The API server as a pod names it. */
export const MASTER = 'k8s://https://kubernetes.default.svc';

export interface Submission {
  readonly version: SparkVersion;
  /** A file of test/spark/apps. */
  readonly app: string;
  readonly args?: readonly string[];
  readonly conf?: Readonly<Record<string, string>>;
  readonly namespace: string;
  /** Of the job: its driver is `<name>-driver`, what submits it `<name>-submit`. Unique in the namespace. */
  readonly name: string;
  /** More of the pod that runs spark-submit: labels, annotations, env of its container. */
  readonly submitter?: {
    readonly metadata?: object;
    readonly env?: readonly object[];
    /** Before spark-submit, as `env -u NAME`. */
    readonly prefix?: readonly string[];
  };
}

export interface SparkRun {
  readonly driver: string;
  readonly phase: 'Succeeded' | 'Failed';
  readonly driverPod: KubeJson;
  readonly driverLog: string;
  /** They stay after their end, so that their specs and logs can be read. */
  readonly executors: readonly { readonly name: string; readonly pod: KubeJson; readonly log: string }[];
  readonly submitLog: string;
  /** What the application printed after `RESULT `. */
  result<T>(): T;
}

/**
 * What a job asks for: little, because all of it runs beside a control plane on two cores. The limit of memory is
 * Spark's smallest heap and the least that Java and Python want beside it.
 */
export function smallConf(version: SparkVersion): Record<string, string> {
  return {
    'spark.kubernetes.container.image': sparkImage(version),
    'spark.kubernetes.authenticate.driver.serviceAccountName': ACCOUNT,
    'spark.driver.memory': '512m',
    'spark.driver.memoryOverhead': '384m',
    'spark.executor.memory': '512m',
    'spark.executor.memoryOverhead': '384m',
    'spark.executor.instances': '2',
    'spark.executor.cores': '1',
    'spark.kubernetes.driver.request.cores': '100m',
    'spark.kubernetes.executor.request.cores': '100m',
    'spark.kubernetes.executor.deleteOnTermination': 'false',
    'spark.sql.shuffle.partitions': '2',
    'spark.ui.showConsoleProgress': 'false',
  };
}

export const confFlags = (conf: Readonly<Record<string, string>>): string[] =>
  Object.entries(conf).flatMap(([name, value]) => ['--conf', `${name}=${value}`]);

/** `spark-submit --deploy-mode cluster` in a pod; resolves to the driver's name once the driver pod exists. */
export async function startSubmit(b: Bench, submission: Submission): Promise<string> {
  const { version, app, args = [], namespace, name, submitter = {} } = submission;
  const driver = `${name}-driver`;
  const conf = {
    ...smallConf(version),
    'spark.kubernetes.namespace': namespace,
    'spark.kubernetes.driver.pod.name': driver,
    'spark.kubernetes.executor.podNamePrefix': name,
    // The pod of spark-submit ends at once; who waits for the driver are we.
    'spark.kubernetes.submission.waitAppCompletion': 'false',
    ...submission.conf,
  };
  const spark = ['/opt/spark/bin/spark-submit', '--master', MASTER, '--deploy-mode', 'cluster'];
  const command = [...(submitter.prefix ?? []), ...spark];
  const submit = `${name}-submit`;
  await b.k.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...submitter.metadata, name: submit, namespace },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: ACCOUNT,
      containers: [
        {
          name: 'submit',
          image: sparkImage(version),
          args: [...command, '--name', name, ...confFlags(conf), `local://${APPS}/${app}`, ...args],
          env: submitter.env ?? [],
          resources: { requests: { cpu: '100m', memory: '256Mi' } },
        },
      ],
    },
  });
  const ended = await podEnded(b, namespace, submit);
  if (ended.status.phase === 'Failed' || (await getPod(b, namespace, driver)) === undefined)
    throw new Error(`spark-submit made no driver:\n${await logOf(b, namespace, submit)}`);
  return driver;
}

/** The whole job: submitted, run, ended, with all that it left behind. */
export async function sparkSubmit(b: Bench, submission: Submission): Promise<SparkRun> {
  const { namespace, name } = submission;
  const driver = await startSubmit(b, submission);
  return collectRun(b, namespace, driver, await logOf(b, namespace, `${name}-submit`));
}

/** Waits for the end of a driver that runs, however it was submitted. */
export async function collectRun(
  b: Bench,
  namespace: string,
  driver: string,
  submitLog = '',
): Promise<SparkRun> {
  const driverPod = await podEnded(b, namespace, driver);
  const driverLog = await logOf(b, namespace, driver);
  const application = driverPod.metadata.labels['spark-app-selector'] as string;
  const pods = await listPods(b, namespace, `spark-role=executor,spark-app-selector=${application}`);
  const executors = await Promise.all(
    pods.map(async (pod) => {
      const name = pod.metadata.name as string;
      return { name, pod, log: await logOf(b, namespace, name) };
    }),
  );
  return {
    driver,
    phase: driverPod.status.phase,
    driverPod,
    driverLog,
    executors,
    submitLog,
    result: () => resultIn(driverLog),
  };
}

/** The JSON that an application printed after `RESULT `; without one, the end of the log says why. */
export function resultIn<T>(log: string): T {
  const line = log.split('\n').findLast((line) => line.startsWith('RESULT '));
  if (line === undefined) throw new Error(`no result in\n${log.split('\n').slice(-60).join('\n')}`);
  return JSON.parse(line.slice('RESULT '.length)) as T;
}
