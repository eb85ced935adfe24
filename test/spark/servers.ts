import { sparkImage } from '../../hack/spark/images.ts';
import { NEWEST } from '../../hack/spark/versions.ts';
import { ACCOUNT } from './bench.ts';
import { confFlags, MASTER, smallConf } from './submit.ts';

const field = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });

export interface SparkServer {
  readonly name: string;
  readonly namespace: string;
  readonly references: string;
  readonly command: readonly string[];
  /** Behind the flags of Spark. */
  readonly args?: readonly string[];
  readonly port: number;
  readonly conf: Readonly<Record<string, string>>;
  readonly env?: readonly object[];
}

/** A server that runs executors of its own, as a Deployment and a Service: as docs/spark.md says, with the label of drivers. */
export function sparkServer(server: SparkServer): object[] {
  const { name, namespace, port, args = [], env = [] } = server;
  const conf = {
    ...smallConf(NEWEST),
    'spark.executor.instances': '1',
    'spark.kubernetes.namespace': namespace,
    'spark.driver.host': '$(POD_ADDRESS)',
    'spark.kubernetes.driver.pod.name': '$(POD_NAME)',
    'spark.kubernetes.executor.podNamePrefix': name,
    ...server.conf,
  };
  const metadata = { name, namespace };
  const container = {
    name: 'main',
    image: sparkImage(NEWEST),
    command: server.command,
    args: ['--master', MASTER, ...confFlags(conf), ...args],
    env: [field('POD_ADDRESS', 'status.podIP'), field('POD_NAME', 'metadata.name'), ...env],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    resources: { requests: { cpu: '100m', memory: '512Mi' } },
  };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: name }, ports: [{ port }] } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: {
            labels: { app: name, 'spark-role': 'driver' },
            annotations: { 'fairlead.dev/secret-references': server.references },
          },
          spec: { serviceAccountName: ACCOUNT, containers: [container] },
        },
      },
    },
  ];
}
