import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity, readStat } from './identity.ts';
import { until } from './wait.ts';

/** Leaves nothing of a node behind but its files: no process, no mount (they go with the last process), no control group. */
export async function clearNode(dir: string, marker: string): Promise<void> {
  // containerd forgets them while it ends.
  const ids = containerIds(dir);
  await killNodeProcesses(marker);
  await removeCgroups(ids);
}

/**
 * Ends every process of one node, found by what it cannot shake off: it is in the node's mount namespace (the one
 * with tmpfs mounts named `marker`), or it descends from such a process, as containers do from their shims.
 */
async function killNodeProcesses(marker: string): Promise<void> {
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
async function removeCgroups(containerIds: readonly string[]): Promise<void> {
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

/** Ids of all containers that this node's containerd has a directory for. */
function containerIds(dir: string): string[] {
  return list(join(dir, 'node', 'containerd', 'io.containerd.runtime.v2.task', 'k8s.io'));
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
