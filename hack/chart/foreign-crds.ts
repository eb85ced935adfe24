/** Kinds of others that the chart makes objects of. Their modules have the CRDs; Go's proxy and checksums vouch for them. */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';

const MODULES = [
  {
    module: 'github.com/cert-manager/cert-manager@v1.21.2',
    sum: 'h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=',
    files: ['deploy/crds/cert-manager.io_certificates.yaml', 'deploy/crds/cert-manager.io_issuers.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    files: ['servicemonitors', 'prometheusrules'].map(
      (kind) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
    ),
  },
] as const;

/** The CRDs of cert-manager and the Prometheus operator, one text each. Rejects with ClusterError. */
export async function foreignCrds(): Promise<string[]> {
  const texts = await Promise.all(
    MODULES.map(async ({ module, sum, files }) => {
      // Outside of any module, so that nothing of theirs is resolved.
      const found = await run('go', ['mod', 'download', '-json', module], {
        cwd: tmpdir(),
        timeoutMs: 300_000,
      });
      const { Dir, Sum } = JSON.parse(found) as { Dir: string; Sum: string };
      if (Sum !== sum) throw new Error(`${module} is not what it was: ${Sum}`);
      return Promise.all(files.map(async (file) => readFile(join(Dir, file), 'utf8')));
    }),
  );
  return texts.flat();
}
