import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, join } from 'node:path';
import { buildPlugin } from '../../hack/plugin.ts';
import type { RunningCluster } from '../../hack/cluster/index.ts';

export interface PluginRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface PluginOptions {
  readonly stdin?: string;
  readonly kubeconfig?: string;
}

export type Plugin = (args: readonly string[], options?: PluginOptions) => Promise<PluginRun>;

/** Bundles the plugin into `dir` and runs it as people do: `kubectl fairlead ...`, found in PATH. */
export async function installPlugin(cluster: RunningCluster, dir: string): Promise<Plugin> {
  const bin = join(dir, 'bin');
  await buildPlugin(join(bin, 'kubectl-fairlead'));
  return async (args, { stdin = '', kubeconfig = cluster.kubeconfig } = {}) => {
    const child = spawn(cluster.tool('kubectl'), ['fairlead', ...args], {
      env: { PATH: [bin, dirname(process.execPath)].join(delimiter), HOME: dir, KUBECONFIG: kubeconfig },
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    // It may end without having read what is piped in.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  };
}
