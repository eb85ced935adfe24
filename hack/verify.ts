/** `make verify`: every check that needs no cluster; all of them run, then it fails if one did. */
import { spawnSync } from 'node:child_process';

const checks: readonly (readonly [what: string, command: string, ...args: string[]])[] = [
  ['generated files are up to date', 'node', 'hack/generate.ts', '--check'],
  ['licences of production dependencies', 'node', 'hack/release/licences.ts'],
  ['format', 'prettier', '--log-level', 'warn', '--check', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '--noEmit'],
  [
    'dependency directions',
    'depcruise',
    'src',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'err',
  ],
];

const failed: string[] = [];
for (const [what, command, ...args] of checks) {
  const started = performance.now();
  const run = spawnSync(command, args, { encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${run.status === 0 ? 'ok    ' : 'FAILED'} ${what} (${seconds} s)`);
  if (run.status === 0) continue;
  failed.push(what);
  console.log(run.error ? String(run.error) : `${run.stdout}${run.stderr}`);
}
if (failed.length > 0) {
  console.error(`verify failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
