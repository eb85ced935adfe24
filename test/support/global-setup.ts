import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { down, up } from '../../hack/cluster/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    clusterDir: string;
  }
}

let dir: string | undefined;
let users = 0;

/** One cluster, with a node where that is possible, for the cluster and the node project together. */
export async function setup(project: TestProject): Promise<void> {
  users += 1;
  if (dir === undefined) {
    dir = await mkdtemp(join(tmpdir(), 'fairlead-cluster-'));
    await up({ dir, node: 'auto', log: (line) => console.log(line) });
  }
  project.provide('clusterDir', dir);
}

export async function teardown(): Promise<void> {
  users -= 1;
  if (users > 0 || dir === undefined) return;
  await down(dir);
  await rm(dir, { recursive: true, force: true });
}
