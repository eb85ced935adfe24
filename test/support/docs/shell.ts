import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { ensureBao } from '../../../hack/cluster/bao-tool.ts';
import { which } from '../../../hack/cluster/exec.ts';
import { installPackages } from '../../../hack/cluster/packages.ts';
import { ensureHelm } from '../../../hack/chart/helm-tool.ts';
import { ensurePromtool } from '../../../hack/monitoring/promtool.ts';
import { buildPlugin } from '../../../hack/plugin.ts';
import type { RunningCluster } from '../../../hack/cluster/index.ts';
import { ROOT } from './blocks.ts';

export interface Ran {
  readonly code: number | null;
  /** Both streams, as a terminal shows them. */
  readonly output: string;
}

export interface Shell {
  /** A copy of the repository's folders that commands name; what they write stays in it. */
  readonly cwd: string;
  /** Runs a script by bash, which ends with the first command that fails. */
  run(script: string, options?: { dry?: boolean }): Promise<Ran>;
}

/** What the docs take for granted: kubectl with the plugin, helm, vault, promtool, jq, and a clone to stand in. */
export async function docsShell(cluster: RunningCluster, dir: string): Promise<Shell> {
  const [bin, dryBin, home, cwd] = ['bin', 'dry-bin', 'home', 'clone'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const made of [bin, dryBin, home, join(home, '.local/bin'), join(cwd, 'dist')])
    await mkdir(made, { recursive: true });
  for (const folder of ['config', 'charts', 'crds']) await symlink(join(ROOT, folder), join(cwd, folder));
  await installPackages(() => (which('jq') === undefined ? ['jq'] : []));
  await buildPlugin(join(cwd, 'dist/kubectl-fairlead'));
  const [bao, helm, promtool] = await Promise.all([ensureBao(), ensureHelm(), ensurePromtool()]);
  const tools = { kubectl: cluster.tool('kubectl'), vault: bao, bao, helm, promtool };
  for (const [name, path] of Object.entries(tools)) await symlink(path, join(bin, name));
  await symlink(join(cwd, 'dist/kubectl-fairlead'), join(bin, 'kubectl-fairlead'));
  // What make would do takes minutes, and is tested elsewhere; here it says whether there is such a target.
  await script(
    join(bin, 'make'),
    `exec /usr/bin/env -i PATH=/usr/bin:/bin make -n -C '${ROOT}' "$@" >/dev/null`,
  );
  await script(join(dryBin, 'kubectl'), dryKubectl(tools.kubectl));
  await script(join(dryBin, 'helm'), dryHelm(helm));
  const path = [bin, join(home, '.local/bin'), dirname(process.execPath), '/usr/bin', '/bin'];
  const env = {
    HOME: home,
    KUBECONFIG: cluster.kubeconfig,
    VAULT_ADDR: cluster.bao?.address,
    BAO_ADDR: cluster.bao?.address,
    BAO_TOKEN: cluster.bao?.rootToken,
  };
  return {
    cwd,
    run: async (text, { dry = false } = {}) => {
      const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${text}`], {
        cwd,
        env: { ...env, PATH: [...(dry ? [dryBin] : []), ...path].join(delimiter) },
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 60_000,
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (more: string) => (output += more));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, output };
    },
  };
}

const script = async (path: string, text: string) => writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });

/** `create` alone is not sent: what it would make may be there already. */
const dryKubectl = (path: string) => `case "$1" in
create) exec '${path}' "$@" --dry-run=client ;;
apply | delete | label | annotate | patch | replace | scale | set) exec '${path}' "$@" --dry-run=server ;;
*) exec '${path}' "$@" ;;
esac`;

const dryHelm = (path: string) => `case "$1" in
install | upgrade) exec '${path}' "$@" --dry-run=client ;;
*) exec '${path}' "$@" ;;
esac`;
