import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { adminClient, type AdminCall } from '../../hack/cluster/api.ts';
import { type RunningCluster } from '../../hack/cluster/index.ts';
import { startS3, type S3 } from '../../hack/spark/s3.ts';
import { cluster, kube, makeNamespace, removeNamespace, scratch, type Kube } from '../support/cluster.ts';

/** Name of the ServiceAccount with which Spark submits, and its drivers run. */
export const ACCOUNT = 'spark';

/** The cluster with the images on its node, and what every test of Spark and Jupyter needs beside them. */
export interface Bench {
  readonly cluster: RunningCluster;
  readonly k: Kube;
  readonly admin: AdminCall;
  /** A namespace of its own, with a ServiceAccount that may do what Spark's documents ask for; removed at the end. */
  namespace(labels?: Record<string, string>): Promise<string>;
  /** An S3 server that pods reach and that takes only requests signed with its keys; ended at the end. */
  s3(options?: { accessKey?: string; secretKey?: string }): Promise<S3>;
  stop(): Promise<void>;
}

export async function bench(name: string): Promise<Bench> {
  const shared = await cluster();
  const { nodeAddress } = shared;
  if (nodeAddress === undefined) throw new Error(`no node: ${shared.whyNoNode}`);
  const k = kube(shared);
  const dir = await scratch(name);
  const namespaces: string[] = [];
  const servers: S3[] = [];
  return {
    cluster: shared,
    k,
    admin: adminClient(shared.dir, shared.server),
    namespace: async (labels = {}) => {
      const namespace = await makeNamespace(k, name, labels);
      namespaces.push(namespace);
      await k.apply(...rights(namespace));
      return namespace;
    },
    s3: async (options = {}) => {
      const server = await startS3({
        dir: join(dir, `s3-${servers.length}`),
        address: nodeAddress,
        ...options,
      });
      servers.push(server);
      return server;
    },
    stop: async () => {
      for (const server of servers) await server.stop();
      for (const namespace of namespaces) await removeNamespace(k, namespace);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** "Running Spark on Kubernetes", RBAC; network policies since 4.3. */
function rights(namespace: string): object[] {
  const metadata = { name: ACCOUNT, namespace };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const core = ['pods', 'services', 'configmaps', 'persistentvolumeclaims'];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: [''], resources: core, verbs: ['*'] },
        { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['*'] },
      ],
    },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  ];
}
