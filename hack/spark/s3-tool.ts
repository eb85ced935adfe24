import { ensureModuleTool } from '../cluster/module-tool.ts';
import type { BuildOptions } from '../cluster/tools.ts';

/** The path of versitygw, an S3 server that verifies signatures. Rejects with ClusterError. */
export async function ensureS3Server(options: BuildOptions = {}): Promise<string> {
  return ensureModuleTool(
    {
      module: 's3',
      name: 'versitygw',
      package: 'github.com/versity/versitygw/cmd/versitygw',
      takes: '2 to 3 minutes',
    },
    options,
  );
}
