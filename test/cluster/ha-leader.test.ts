import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../../hack/drills/lab.ts';
import { FATES, loseLeader } from '../../hack/drills/leader.ts';
import { cluster, scratch } from '../support/cluster.ts';

/** In small what `node hack/drills/main.ts leader` does: two controllers, two admission replicas behind one address. */
let lab: Lab;
let dir: string;
beforeAll(async () => {
  dir = await scratch('ha-leader');
  lab = await openLab({ cluster: await cluster(), dir, leaseSeconds: 4 });
});
afterAll(async () => {
  await lab?.close();
  await rm(dir, { recursive: true, force: true });
});

describe('pods that are created while a leader is lost', () => {
  it.each(FATES)('%s: all go on, none is delivered to twice, none is refused', async (fate) => {
    const { pods, note, ...outcome } = await loseLeader(lab, fate, { pods: 60, perSecond: 30 });
    expect(outcome).toMatchObject({ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
    expect(pods).toBeGreaterThanOrEqual(60);
    expect(note).toMatch(/^(?:gone at once|(?:woke up, )?ended with exit code 1); the other one led/);
  });
});
