import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { down, up } from '../../hack/cluster/index.ts';
import { CONTROL_PLANE_CASES, controlPlane } from '../../hack/drills/control-plane.ts';
import { openLab, type Lab } from '../../hack/drills/lab.ts';
import { scratch } from '../support/cluster.ts';

/** In small what `node hack/drills/main.ts control-plane` does, in a cluster of its own: others' must go on. */
let lab: Lab;
let dir: string;
beforeAll(async () => {
  dir = await scratch('ha-control-plane');
  const cluster = await up({ dir: join(dir, 'cluster'), node: false });
  lab = await openLab({ cluster, dir: join(dir, 'fairlead') });
});
afterAll(async () => {
  await lab?.close();
  await down(join(dir, 'cluster'));
  await rm(dir, { recursive: true, force: true });
});

describe('pods that are created meanwhile', () => {
  it.each(CONTROL_PLANE_CASES)(
    '%s: all go on, and none is delivered to twice',
    async (name) => {
      const { pods, ...outcome } = await controlPlane(lab, name, { pods: 60, perSecond: 20 });
      expect(outcome).toMatchObject({ refused: 0, delivered: pods, secrets: pods, twice: 0 });
      expect(pods).toBeGreaterThanOrEqual(60);
    },
    180_000,
  );
});
