import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate } from '../../hack/drills/certificate.ts';
import { openLab, type Lab } from '../../hack/drills/lab.ts';
import { cluster, scratch } from '../support/cluster.ts';

/** In small what `node hack/drills/main.ts certificate` does: the certificates role has another date than everybody else. */
let lab: Lab;
let dir: string;
beforeAll(async () => {
  dir = await scratch('ha-certificate');
  lab = await openLab({ cluster: await cluster(), dir, leaseSeconds: 4 });
});
afterAll(async () => {
  await lab?.close();
  await rm(dir, { recursive: true, force: true });
});

const LOAD = { pods: 60, perSecond: 20 };

describe('the certificate of the webhook', () => {
  it('is renewed after two thirds of its life while pods are created, and none of them is refused', async () => {
    const { pods, ...outcome } = await certificate(lab, 'certificate renewed under load', LOAD);
    expect(outcome).toMatchObject({ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
  });

  it('has expired: pods that ask for secrets are refused and no others, until it is made anew', async () => {
    const { pods, refused, ...outcome } = await certificate(lab, 'certificate expired', LOAD);
    expect(refused).toBeGreaterThan(0);
    expect(outcome).toMatchObject({ unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
  }, 120_000);
});
