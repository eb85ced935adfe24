/**
 * `node hack/drills/main.ts [NAME...] [--only TEXT] [-o json]`: breaks Fairlead in the ways that machines, networks and clusters break, in a
 * cluster of its own, and prints what became of pods meanwhile. docs/reliability.md holds the results of one run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { down, up } from '../cluster/index.ts';
import { table } from '../demo/ui.ts';
import { DRILLS } from './drills.ts';
import { openLab } from './lab.ts';

const USAGE = `usage: node hack/drills/main.ts [NAME...] [--only TEXT] [-o table|json]

Each drill has a cluster of its own, with two replicas of controller and admission, and creates pods while something
happens. Without a name all of them run, which takes about half an hour. --only: the cases that have this in their name.

${Object.entries(DRILLS)
  .map(([name, { about }]) => `  ${name.padEnd(14)} ${about}`)
  .join('\n')}`;

const { values, positionals } = parsed();
const unknown = positionals.filter((name) => !Object.hasOwn(DRILLS, name));
if (values.help) {
  console.log(USAGE);
  process.exit();
}
if (unknown.length > 0 || !['table', 'json'].includes(values.output)) wrong();
const json = values.output === 'json';
// Only the result goes to standard output then.
if (json) console.log = console.error;

const results: Record<string, readonly object[]> = {};
for (const name of positionals.length > 0 ? positionals : Object.keys(DRILLS)) {
  const dir = await mkdtemp(join(tmpdir(), 'fairlead-drill-'));
  console.log(`\n${name}`);
  try {
    const cluster = await up({ dir: join(dir, 'cluster'), node: false });
    const lab = await openLab({ cluster, dir: join(dir, 'fairlead') });
    try {
      const rows: object[] = (results[name] = []);
      // What was found out before a failure is told as well.
      for await (const row of DRILLS[name]?.run(lab, values.only) ?? []) rows.push(row);
    } finally {
      await lab.close();
    }
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    if (!json) show(results[name] ?? []);
    await down(join(dir, 'cluster'));
    await rm(dir, { recursive: true, force: true });
  }
}
const machine = { cores: availableParallelism(), memory_gib: Math.round(totalmem() / 2 ** 30) };
if (json) process.stdout.write(`${JSON.stringify({ machine, results }, undefined, 2)}\n`);
else console.log(`\non ${machine.cores} cores, ${machine.memory_gib} GiB`);
process.exit();

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o', default: 'table' },
        only: { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch {
    return wrong();
  }
}

function wrong(): never {
  console.error(USAGE);
  process.exit(2);
}

function show(rows: readonly object[]): void {
  const head = Object.keys(rows[0] ?? {});
  table(
    head,
    rows.map((row) => Object.values(row).map(String)),
  );
}
