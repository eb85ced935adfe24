import { cpSync, existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { killBao } from './bao.ts';
import { baoDir } from './components.ts';
import { withLock } from './lock.ts';
import { deleteBridge } from './node-host.ts';
import { clearNode } from './node-processes.ts';
import { knownComponents, stop } from './process.ts';
import { readState } from './state.ts';

/** All that a cluster makes in its directory, but for the logs: they are what one wants to read afterwards. */
const MADE = ['config', 'etcd', 'kubeconfig', 'node', 'openbao', 'pki', 'run', 'state.json'];

/**
 * Ends a cluster and deletes its data. Its processes get no time to write them to disk properly: nobody will read
 * them. Only processes that the pid files name are ended, and those of this cluster's own node.
 */
export async function down(directory: string, log?: (line: string) => void): Promise<void> {
  if (!existsSync(directory)) return;
  const dir = realpathSync(directory);
  await withLock(
    join(dir, 'lock'),
    { what: `ending the cluster in ${dir}`, timeoutMs: 120_000, log },
    async () => {
      const state = readState(dir);
      const names = knownComponents(dir);
      if (state === undefined && names.length === 0) return;
      await Promise.all(names.map((name) => stop(dir, name, { signal: 'SIGKILL', timeoutMs: 10_000 })));
      await killBao(baoDir(dir));
      if (state?.parts.node === true) {
        await clearNode(dir, state.node.bridge);
        await deleteBridge(state.node);
      }
      keepLogs(join(baoDir(dir), 'logs'), join(dir, 'logs'));
      for (const name of MADE) rmSync(join(dir, name), { recursive: true, force: true });
      log?.(`the cluster is down; its logs stay in ${join(dir, 'logs')}`);
    },
  );
}

function keepLogs(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}
