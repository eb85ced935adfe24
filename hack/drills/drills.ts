import type { Lab } from './lab.ts';
import { leader } from './leader.ts';
import { rolling } from './rolling.ts';

/** Every drill by its name, in its full size; test/cluster/ha-*.test.ts run the same in small. */
export const DRILLS: Readonly<Record<string, (lab: Lab) => Promise<readonly object[]>>> = {
  rolling: async (lab) => rolling(lab, { pods: Number(process.env['PODS'] ?? 2000), perSecond: 60 }),
  leader: async (lab) => leader(lab, { pods: 300, perSecond: 15 }),
};
