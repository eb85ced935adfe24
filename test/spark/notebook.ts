import { NOTEBOOK_IMAGE } from '../../hack/spark/images.ts';
import { NEWEST } from '../../hack/spark/versions.ts';
import { ACCOUNT, type Bench } from './bench.ts';
import { confFlags, MASTER, smallConf } from './submit.ts';

export interface NotebookPod {
  readonly namespace: string;
  readonly name: string;
  /** What it runs instead of the server of a JupyterHub user. */
  readonly command: readonly string[];
  readonly metadata?: object;
  readonly env?: readonly object[];
  /** More of what PySpark is told. */
  readonly conf?: Readonly<Record<string, string>>;
}

/**
 * A pod of the notebook's image. PySpark in it is a driver in client mode: `SparkSession.builder.getOrCreate()` is
 * enough, the rest stands in PYSPARK_SUBMIT_ARGS as an administrator would set it.
 */
export async function notebookPod(b: Bench, options: NotebookPod): Promise<void> {
  const { namespace, name } = options;
  const conf = {
    ...smallConf(NEWEST),
    'spark.kubernetes.namespace': namespace,
    // Executors call the driver: by the pod's address, for it has no Service.
    'spark.driver.host': '$(POD_ADDRESS)',
    'spark.kubernetes.driver.pod.name': name,
    'spark.kubernetes.executor.podNamePrefix': name,
    ...options.conf,
  };
  const flags = ['--master', MASTER, ...confFlags(conf), 'pyspark-shell'];
  await b.k.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...options.metadata, name, namespace },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: ACCOUNT,
      containers: [
        {
          name: 'notebook',
          image: NOTEBOOK_IMAGE,
          args: options.command,
          env: [
            { name: 'POD_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'PYSPARK_SUBMIT_ARGS', value: flags.join(' ') },
            ...(options.env ?? []),
          ],
          resources: { requests: { cpu: '100m', memory: '512Mi' } },
        },
      ],
    },
  });
}
