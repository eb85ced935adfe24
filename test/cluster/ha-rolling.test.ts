import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../../hack/drills/lab.ts';
import { rolling } from '../../hack/drills/rolling.ts';
import { cluster, scratch } from '../support/cluster.ts';

/** In small what `node hack/drills/main.ts rolling` does. */
let lab: Lab;
let dir: string;
beforeAll(async () => {
  dir = await scratch('ha-rolling');
  lab = await openLab({ cluster: await cluster(), dir, leaseSeconds: 4 });
});
afterAll(async () => {
  await lab?.close();
  await rm(dir, { recursive: true, force: true });
});

describe('a rolling update of admission and controller', () => {
  it('refuses none of the pods that are created meanwhile, and all are delivered to once', async () => {
    const before = await lab.leader();
    const { pods, ...outcome } = await rolling(lab, { pods: 300, perSecond: 20 });
    expect(outcome).toMatchObject({
      ...{ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 },
      note: 'exit codes 0 0 0 0',
    });
    expect(pods).toBeGreaterThanOrEqual(300);
    expect((await lab.leader()).name).not.toBe(before.name);
  }, 180_000);

  it('gives the tokens of Vault back, but for those of who leads now', async () => {
    expect(await lab.tokens()).toBe(1);
  });
});
