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
  /** Yields the rows of a table; with `only` those of the cases whose name contains it. */
  readonly run: (lab: Lab, only: string) => AsyncIterable<object>;
}

const LOAD = { pods: 300, perSecond: 15 };

/** Every drill by its name, in its full size; test/cluster/ha-*.test.ts run much of it in small. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  leader: {
    about: 'the leader is killed, paused past its lease, cut off from the API server',
    run: (lab, only) => each(FATES, only, async (fate) => loseLeader(lab, fate, LOAD)),
  },
  rolling: {
    about: 'both replicas of admission and controller are replaced (PODS=2000)',
    run: (lab) =>
      each(['rolling'], '', async () =>
        rolling(lab, { pods: Number(process.env['PODS'] ?? 2000), perSecond: 60 }),
      ),
  },
  downtime: {
    about: 'nothing of Fairlead runs for a while (SECONDS_DOWN=180)',
    run: async function* (lab) {
      yield* await downtime(lab, Number(process.env['SECONDS_DOWN'] ?? 180));
    },
  },
  'control-plane': {
    about: 'API server and etcd restarted, etcd compacted, 429 from priority and fairness',
    run: (lab, only) => each(CONTROL_PLANE_CASES, only, async (one) => controlPlane(lab, one, LOAD)),
  },
  certificate: {
    about: 'the certificate of the webhook is renewed under load; it has expired',
    run: (lab, only) => each(CERTIFICATE_CASES, only, async (one) => certificate(lab, one, LOAD)),
  },
  'audit-disk': {
    about: 'the disk of the audit is full for a while (root: mounts a tmpfs)',
    run: (lab) => each(['audit-disk'], '', async () => auditDisk(lab, LOAD)),
  },
  memory: {
    about: 'the leader, and an admission replica, are killed by the kernel for their memory (root: cgroup)',
    run: (lab, only) => each(['controller', 'admission'], only, async (role) => outOfMemory(lab, role, LOAD)),
  },
};

async function* each<T extends string>(
  cases: readonly T[],
  only: string,
  run: (one: T) => Promise<object>,
): AsyncGenerator<object> {
  for (const one of cases) if (one.includes(only)) yield await run(one);
}
