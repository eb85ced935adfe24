import { ensureModuleTool } from '../cluster/module-tool.ts';
import type { BuildOptions } from '../cluster/tools.ts';

/** The path of helm. Rejects with ClusterError. */
export async function ensureHelm(options: BuildOptions = {}): Promise<string> {
  return ensureModuleTool(
    { module: 'helm', name: 'helm', package: 'helm.sh/helm/v4/cmd/helm', takes: '2 minutes' },
    options,
  );
}
