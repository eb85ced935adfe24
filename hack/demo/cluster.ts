import { up, type RunningCluster } from '../cluster/index.ts';
import type { Bao } from '../cluster/bao.ts';
import type { Target } from '../install.ts';
import { CLUSTER_DIR } from './state.ts';

export interface DemoCluster extends Target {
  readonly image: string;
  readonly node: boolean;
  readonly bao: Pick<Bao, 'address' | 'rootToken'>;
}

/** The cluster that CLUSTER names (local, kind or current), with an OpenBao beside it. */
export async function demoCluster(log: (line: string) => void): Promise<DemoCluster> {
  const cluster: RunningCluster = await up({ dir: CLUSTER_DIR, node: 'auto', log });
  if (cluster.whyNoNode) log(`no node here (${cluster.whyNoNode}): pods get as far as their lifted gate`);
  if (!cluster.bao) throw new Error('the cluster came without OpenBao');
  const { kubeconfig, image, bao } = cluster;
  return { kubeconfig, image, bao, node: cluster.nodeName !== undefined, tool: (name) => cluster.tool(name) };
}
