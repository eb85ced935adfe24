import { auditDisk } from './audit-disk.ts';
import { CERTIFICATE_CASES, certificate } from './certificate.ts';
import { CONTROL_PLANE_CASES, controlPlane } from './control-plane.ts';
import { downtime } from './downtime.ts';
import type { Lab } from './lab.ts';
import { FATES, loseLeader } from './leader.ts';
import { outOfMemory } from './memory.ts';
import { rolling } from './rolling.ts';

export interface Drill {
  readonly about: string;
  /** Resolves to the rows of a table. */
  readonly run: (lab: Lab) => Promise<readonly object[]>;
}

const LOAD = { pods: 300, perSecond: 15 };

/** Every drill by its name, in its full size; test/cluster/ha-*.test.ts run much of it in small. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  leader: {
    about: 'the leader is killed, paused past its lease, cut off from the API server',
    run: async (lab) => each(FATES, async (fate) => loseLeader(lab, fate, LOAD)),
  },
  rolling: {
    about: 'both replicas of admission and controller are replaced (PODS=2000)',
    run: async (lab) => [await rolling(lab, { pods: Number(process.env['PODS'] ?? 2000), perSecond: 60 })],
  },
  downtime: {
    about: 'nothing of Fairlead runs for a while (SECONDS_DOWN=180)',
    run: async (lab) => downtime(lab, Number(process.env['SECONDS_DOWN'] ?? 180)),
  },
  'control-plane': {
    about: 'API server and etcd restarted, etcd compacted, 429 from priority and fairness',
    run: async (lab) => each(CONTROL_PLANE_CASES, async (one) => controlPlane(lab, one, LOAD)),
  },
  certificate: {
    about: 'the certificate of the webhook is renewed under load; it has expired',
    run: async (lab) => each(CERTIFICATE_CASES, async (one) => certificate(lab, one, LOAD)),
  },
  'audit-disk': {
    about: 'the disk of the audit is full for a while (root: mounts a tmpfs)',
    run: async (lab) => [await auditDisk(lab, LOAD)],
  },
  memory: {
    about: 'the leader, and an admission replica, are killed by the kernel for their memory (root: cgroup)',
    run: async (lab) => each(['controller', 'admission'], async (role) => outOfMemory(lab, role, LOAD)),
  },
};

async function each<T extends string>(
  cases: readonly T[],
  run: (one: T) => Promise<object>,
): Promise<object[]> {
  const rows: object[] = [];
  for (const one of cases) rows.push(await run(one));
  return rows;
}
