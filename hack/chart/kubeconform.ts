import { ensureModuleTool } from '../cluster/module-tool.ts';
import type { BuildOptions } from '../cluster/tools.ts';

/** Where kubeconform finds a schema below a directory; schemaFile() names it the same way. */
export const LOCATION = '{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json';

/** The path of kubeconform. Rejects with ClusterError. */
export async function ensureKubeconform(options: BuildOptions = {}): Promise<string> {
  const name = 'kubeconform';
  return ensureModuleTool(
    { module: 'helm', name, package: `github.com/yannh/kubeconform/cmd/${name}`, takes: '20 s' },
    options,
  );
}
