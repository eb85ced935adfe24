import type { Lab } from './lab.ts';
import { seconds, underLoad, type Load, type Outcome } from './load.ts';
import type { Replica } from './replicas.ts';

/** What becomes of a leader, until it is gone. Each resolves to what is worth saying. */
const DOES = {
  'leader killed (SIGKILL)': async ({ process }: Replica) => {
    await process.kill();
    return 'gone at once';
  },
  'leader paused past its lease (SIGSTOP, SIGCONT)': async (leader: Replica, lab: Lab) => {
    leader.process.signal('SIGSTOP');
    await lab.leader(leader);
    leader.process.signal('SIGCONT');
    return `woke up, ended with exit code ${await leader.process.exited}`;
  },
  'leader cut off from the API server': async ({ wire, process }: Replica) => {
    wire?.freeze();
    return `ended with exit code ${await process.exited}`;
  },
};

export type Fate = keyof typeof DOES;
export const FATES = Object.keys(DOES) as readonly Fate[];

/** A leader that is lost in one of these ways, while pods are created, and started again. */
export async function loseLeader(lab: Lab, fate: Fate, load: Load): Promise<Outcome> {
  return underLoad(lab, fate, load, async () => {
    const lost = await lab.leader();
    const started = performance.now();
    const took = lab.leader(lost).then(() => seconds(performance.now() - started));
    const said = await DOES[fate](lost, lab);
    const note = `${said}; the other one led after ${await took} s`;
    await lab.replicas.restarted();
    return note;
  });
}
