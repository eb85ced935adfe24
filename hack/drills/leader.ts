import type { Lab } from './lab.ts';
import { seconds, underLoad, type Load, type Outcome } from './load.ts';
import type { Replica } from './replicas.ts';

type Fate = (leader: Replica, lab: Lab) => Promise<string>;

/** What becomes of a leader, until another one leads and it is gone. Each resolves to what is worth saying. */
const FATES: Readonly<Record<string, Fate>> = {
  'leader killed (SIGKILL)': async (leader, lab) => {
    await lab.replicas.lose(leader);
    return 'gone at once';
  },
  'leader paused past its lease (SIGSTOP)': async (leader, lab) => {
    leader.process.signal('SIGSTOP');
    await lab.leader(leader);
    leader.process.signal('SIGCONT');
    const code = await leader.process.exited;
    await lab.replicas.lose(leader);
    return `woke up, ended with exit code ${code}`;
  },
  'leader cut off from the API server': async (leader, lab) => {
    leader.wire?.freeze();
    const code = await leader.process.exited;
    leader.wire?.thaw();
    await lab.replicas.lose(leader);
    return `ended with exit code ${code}`;
  },
};

/** A leader that is lost in each of these ways, while pods are created. */
export async function leader(lab: Lab, load: Load): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [name, fate] of Object.entries(FATES)) {
    const outcome = await underLoad(lab, name, load, async () => {
      const lost = await lab.leader();
      const started = performance.now();
      const [said, next] = await Promise.all([fate(lost, lab), lab.leader(lost)]);
      // What the supervisor would do.
      await lab.replicas.add('controller');
      return `${said}; ${next.name === lost.name ? 'nobody' : 'the other one'} led after ${seconds(performance.now() - started)} s`;
    });
    outcomes.push(outcome);
  }
  return outcomes;
}
