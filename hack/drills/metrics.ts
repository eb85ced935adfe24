import type { Replica } from './replicas.ts';

/** The sum of the series of a metric whose labels contain this text, as the replica shows them now. */
export async function metric({ process }: Replica, name: string, labels = ''): Promise<number> {
  const page = await (await fetch(`${process.health}/metrics`)).text();
  return page
    .split('\n')
    .filter((line) => new RegExp(`^fairlead_${name}[ {]`).test(line) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
