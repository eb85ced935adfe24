/** The objects that spark-submit and a driver make in cluster mode, as they reach the API server (Spark 3.5 and 4). */

export interface DriverOptions {
  readonly image: string;
  readonly references?: string;
  readonly env?: readonly object[];
  readonly labels?: Record<string, string>;
  readonly spec?: object;
}

/** As spark.kubernetes.node.selector.*: what is looked at is what was made, so nothing of it need run. */
const nodeSelector = { 'fairlead.test/node': 'none' };

const labelsOf = (role: string, app: string) => ({
  'spark-role': role,
  'spark-app-selector': `spark-${app}`,
  'spark-app-name': app,
});

export const configMapOf = (app: string) => `spark-drv-${app}-conf-map`;

export function driver(
  app: string,
  namespace: string,
  { image, references, env = [], labels = {}, spec = {} }: DriverOptions,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${app}-driver`,
      namespace,
      labels: { ...labelsOf('driver', app), ...labels },
      ...(references && { annotations: { 'fairlead.dev/secret-references': references } }),
    },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'spark-kubernetes-driver',
          image,
          args: ['driver', '--properties-file', '/opt/spark/conf/spark.properties', 'local:///app.py'],
          env: [
            { name: 'SPARK_USER', value: 'root' },
            { name: 'SPARK_DRIVER_BIND_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'SPARK_CONF_DIR', value: '/opt/spark/conf' },
            ...env,
          ],
          volumeMounts: [{ name: 'spark-conf-volume-driver', mountPath: '/opt/spark/conf' }],
        },
      ],
      nodeSelector,
      volumes: [{ name: 'spark-conf-volume-driver', configMap: { name: configMapOf(app) } }],
      ...spec,
    },
  };
}

/** Made after the pod, whose uid it bears. Kubernetes deletes it if there is no such pod. */
export function driverConfigMap(
  app: string,
  namespace: string,
  uid: string,
  properties: string,
  owner = `${app}-driver`,
): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: configMapOf(app),
      namespace,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: owner, uid, controller: true }],
    },
    immutable: true,
    data: { 'spark.properties': `#Java properties built from Kubernetes config map\n${properties}` },
  };
}

/** An executor as the driver makes it from the options in its delivery. */
export function executor(
  app: string,
  namespace: string,
  id: number,
  {
    image,
    uid,
    env,
    metadata = {},
  }: { image: string; uid: string; env: readonly object[]; metadata?: object },
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${app}-exec-${id}`,
      namespace,
      labels: { ...labelsOf('executor', app), 'spark-exec-id': String(id) },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: `${app}-driver`, uid, controller: true }],
      ...metadata,
    },
    spec: {
      restartPolicy: 'Never',
      nodeSelector,
      containers: [
        {
          name: 'spark-kubernetes-executor',
          image,
          args: ['executor'],
          env: [{ name: 'SPARK_EXECUTOR_ID', value: String(id) }, ...env],
        },
      ],
    },
  };
}

/** The env entries that Spark makes of its options spark.kubernetes.executor.secretKeyRef.*. */
export function secretKeyRefs(options: string): object[] {
  return [...options.matchAll(/-Dspark\.kubernetes\.executor\.secretKeyRef\.(\S+?)=(\S+?):(\S+)/g)].map(
    ([, name, secret, key]) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } }),
  );
}
