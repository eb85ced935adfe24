import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate } from '../../hack/drills/certificate.ts';
import { openLab, type Lab } from '../../hack/drills/lab.ts';
import { FATES, loseLeader } from '../../hack/drills/leader.ts';
import { rolling } from '../../hack/drills/rolling.ts';
import { cluster, scratch } from '../support/cluster.ts';

/** In small what `node hack/drills/main.ts rolling leader certificate` does: two replicas of controller and admission. */
let lab: Lab;
let dir: string;
beforeAll(async () => {
  dir = await scratch('ha-replicas');
  lab = await openLab({ cluster: await cluster(), dir, leaseSeconds: 10 });
});
afterAll(async () => {
  await lab?.close();
  await rm(dir, { recursive: true, force: true });
});

const LOAD = { pods: 60, perSecond: 20 };
const LONG_MS = 180_000;

describe('a rolling update of admission and controller', () => {
  it(
    'refuses none of the pods that are created meanwhile, and all are delivered to once',
    async () => {
      const before = await lab.leader();
      const { pods, ...outcome } = await rolling(lab, { pods: 300, perSecond: 20 });
      expect(outcome).toMatchObject({
        ...{ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 },
        note: 'exit codes 0 0 0 0',
      });
      expect(pods).toBeGreaterThanOrEqual(300);
      expect((await lab.leader()).name).not.toBe(before.name);
      // Those who went have given theirs back to Vault.
      expect(await lab.tokens()).toBe(1);
    },
    LONG_MS,
  );
});

describe('pods that are created while a leader is lost', () => {
  it.each(FATES)(
    '%s: all go on, none is delivered to twice, none is refused',
    async (fate) => {
      const { pods, note, ...outcome } = await loseLeader(lab, fate, LOAD);
      expect(outcome).toMatchObject({ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
      expect(pods).toBeGreaterThanOrEqual(LOAD.pods);
      expect(note).toMatch(/^(?:gone at once|(?:woke up, )?ended with exit code 1); the other one led/);
    },
    LONG_MS,
  );
});

describe('the certificate of the webhook', () => {
  it(
    'is renewed after two thirds of its life while pods are created, and none of them is refused',
    async () => {
      const { pods, ...outcome } = await certificate(lab, 'certificate renewed under load', LOAD);
      expect(outcome).toMatchObject({ refused: 0, unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
    },
    LONG_MS,
  );

  it(
    'has expired: pods that ask for secrets are refused and no others, until it is made anew',
    async () => {
      const { pods, refused, ...outcome } = await certificate(lab, 'certificate expired', LOAD);
      expect(refused).toBeGreaterThan(0);
      expect(outcome).toMatchObject({ unreachable: 0, delivered: pods, secrets: pods, twice: 0 });
    },
    LONG_MS,
  );
});
