import type { Lab } from './lab.ts';
import { underLoad, type Load, type Outcome } from './load.ts';

/** Both replicas of admission and of the controller are replaced, one after the other, while pods are created. */
export async function rolling(lab: Lab, load: Load): Promise<Outcome> {
  return underLoad(lab, 'rolling update', load, async () => {
    const admission = await lab.replicas.roll('admission');
    const controller = await lab.replicas.roll('controller');
    return `exit codes ${[...admission, ...controller].join(' ')}`;
  });
}
