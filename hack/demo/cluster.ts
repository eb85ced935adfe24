import type { Bao } from '../cluster/bao.ts';
import { open, providerFromEnvironment } from '../cluster/providers.ts';
import type { Target } from '../install.ts';
import { CLUSTER_DIR, rememberProvider } from './state.ts';

export interface DemoCluster extends Target {
  readonly image: string;
  readonly node: boolean;
  readonly bao: Pick<Bao, 'address' | 'rootToken'>;
}

/** The cluster that CLUSTER names (local, kind or current), with an OpenBao beside it. */
export async function demoCluster(log: (line: string) => void): Promise<DemoCluster> {
  const provider = providerFromEnvironment();
  await rememberProvider(provider);
  const cluster = await open(provider, { dir: CLUSTER_DIR, node: 'auto', log });
  if (cluster.whyNoNode) log(`no node here (${cluster.whyNoNode}): pods get as far as their lifted gate`);
  if (!cluster.bao) throw new Error('the cluster came without OpenBao');
  const { kubeconfig, hostAddress, image, bao } = cluster;
  const node = cluster.nodeName !== undefined;
  return { kubeconfig, hostAddress, image, bao, node, tool: (name) => cluster.tool(name) };
}
