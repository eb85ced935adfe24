import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../demo/ui.ts';
import type { Lab } from './lab.ts';
import { seconds, underLoad, type Load, type Outcome } from './load.ts';
import type { Replicated } from './replicas.ts';

/** Version 1 has a tree for memory alone. */
const V1 = '/sys/fs/cgroup/memory';
const ROOT = existsSync(V1) ? V1 : '/sys/fs/cgroup';
const LIMIT = existsSync(V1) ? 'memory.limit_in_bytes' : 'memory.max';
/** What the process may take beside what it has already: far less than the next few pods cost it. */
const LIMIT_BYTES = 1024 * 1024;

/**
 * A replica is put into a cgroup with less memory than it needs, so that the kernel kills it, as it does with a container
 * at its limit. Needs root, and a memory controller at /sys/fs/cgroup.
 */
export async function outOfMemory(lab: Lab, role: Replicated, load: Load): Promise<Outcome> {
  const group = join(ROOT, `fairlead-drill-${process.pid}`);
  await mkdir(group);
  try {
    await writeFile(join(group, LIMIT), String(LIMIT_BYTES));
    return await underLoad(lab, `${role} out of memory (OOM kill)`, load, async () => {
      const victim = role === 'controller' ? await lab.leader() : lab.replicas.of(role)[0];
      if (!victim) throw new Error(`no ${role} runs`);
      const { process: running } = victim;
      const started = performance.now();
      await writeFile(join(group, 'cgroup.procs'), String(running.pid));
      await running.exited;
      const kills = await oomKills(group);
      if (kills === 0) throw new Error(`the ${role} ended by itself`);
      if (role === 'controller') await lab.leader(victim);
      const next = role === 'controller' ? `; the other one led after ${since(started)} s` : '';
      await lab.replicas.restarted();
      return `killed by the kernel${next}`;
    });
  } finally {
    // A moment until the kernel has let go of the last process.
    await waitFor('the cgroup to be empty', async () =>
      rmdir(group).then(
        () => true,
        () => undefined,
      ),
    );
  }
}

const since = (started: number): number => seconds(performance.now() - started);

async function oomKills(group: string): Promise<number> {
  const file = existsSync(V1) ? 'memory.oom_control' : 'memory.events';
  const text = await readFile(join(group, file), 'utf8');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
