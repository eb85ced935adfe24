import { ensureModuleTool } from '../cluster/module-tool.ts';
import type { BuildOptions } from '../cluster/tools.ts';

/** The path of promtool, without the service discoveries, most of which are SDKs of clouds. Rejects with ClusterError. */
export async function ensurePromtool(options: BuildOptions = {}): Promise<string> {
  return ensureModuleTool(
    {
      module: 'prometheus',
      name: 'promtool',
      package: 'github.com/prometheus/prometheus/cmd/promtool',
      tags: 'remove_all_sd',
      takes: '4 minutes',
    },
    options,
  );
}
