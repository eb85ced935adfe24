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
  await provideCluster(project);
}

/** As setup(); answers the cluster's directory. */
export async function provideCluster(project: TestProject): Promise<string> {
  const lent = process.env['FAIRLEAD_TEST_CLUSTER'];
  if (lent !== undefined && lent !== '') {
    // While one works on a test: a cluster that `make cluster-up` started, and that stays.
    project.provide('clusterDir', lent);
    return lent;
  }
  users += 1;
  if (dir === undefined) {
    dir = await mkdtemp(join(tmpdir(), 'fairlead-cluster-'));
    await up({ dir, node: 'auto', log: (line) => console.log(line) });
  }
  project.provide('clusterDir', dir);
  return dir;
}

export async function teardown(): Promise<void> {
  users -= 1;
  if (users > 0 || dir === undefined) return;
  await down(dir);
  await rm(dir, { recursive: true, force: true });
}
