import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity, readStat } from './identity.ts';
import { until } from './wait.ts';

/**
 * Ends every process of one node, found by what it cannot shake off: it is in the node's mount namespace (the one
 * with tmpfs mounts named `marker`), or it descends from such a process, as containers do from their shims.
 */
export async function killNodeProcesses(marker: string): Promise<void> {
  await until({ what: `processes of the node ${marker} do not end`, timeoutMs: 20_000 }, () => {
    const pids = nodeProcesses(marker);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    return pids.length === 0;
  });
}

export function nodeProcesses(marker: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && processIdentity(pid) !== undefined);
  const found = new Set(all.filter((pid) => readProc(pid, 'mountinfo').includes(` tmpfs ${marker} `)));
  if (found.size === 0) return [];
  const parents = new Map(all.map((pid) => [pid, readStat(pid)?.parent]));
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (found.has(pid) || descends(parents.get(pid)));
  return all.filter(descends);
}

/** What the container runtime would have removed had it not been killed. A group is busy until its last process is reaped. */
export async function removeCgroups(containerIds: readonly string[]): Promise<void> {
  const root = '/sys/fs/cgroup';
  const parents = [root, ...list(root).map((name) => join(root, name))].map((name) => join(name, 'k8s.io'));
  const groups = parents.flatMap((parent) => containerIds.map((id) => join(parent, id)));
  await until({ what: 'control groups of the node stay busy', timeoutMs: 10_000 }, () => {
    for (const group of groups.filter(existsSync)) rmdirSync(group);
    return true;
  });
  for (const parent of parents) {
    try {
      rmdirSync(parent);
    } catch {
      // Not there, or still in use by another node's containers.
    }
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
