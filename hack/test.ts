/**
 * `make test`: verify, then the unit, cluster, node and spark tests. Ends with one plain line `N passed, N failed`.
 * Without root or Linux the last two are left out with a line that says so; with CI=true that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
const totals: Totals = { passed: 0, failed: 0, skipped: 0 };

function step(what: string, command: string, args: readonly string[]): boolean {
  console.log(`\n== ${what}`);
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

function vitest(projects: readonly string[]): void {
  const report = join(scratch, `${projects.join('-')}.json`);
  const flags = projects.flatMap((project) => ['--project', project]);
  const ok = step(`tests: ${projects.join(', ')}`, 'vitest', [
    'run',
    ...flags,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counted = count(report);
  totals.passed += counted.passed;
  totals.skipped += counted.skipped;
  // A runner that fails without a failed test (a broken set-up, an unhandled error) counts as one.
  totals.failed += counted.failed || (ok ? 0 : 1);
}

function count(report: string): Totals {
  try {
    const json = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
    return {
      passed: json['numPassedTests'] ?? 0,
      failed: json['numFailedTests'] ?? 0,
      skipped: (json['numPendingTests'] ?? 0) + (json['numTodoTests'] ?? 0),
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

if (!step('verify', 'node', ['hack/verify.ts'])) totals.failed += 1;
vitest(['unit']);
const canRunNode = process.platform === 'linux' && process.getuid?.() === 0;
if (canRunNode) {
  vitest(['cluster', 'node']);
  // On a cluster of its own: the machine's memory is Spark's then, and the images' disk goes back at the end.
  vitest(['spark']);
} else {
  vitest(['cluster']);
  console.log('\nnode and spark tests SKIPPED: a kubelet needs Linux and root');
  if (process.env['CI'] === 'true') totals.failed += 1;
}
if (process.env['CI'] === 'true' && totals.skipped > 0) {
  console.log(`${totals.skipped} skipped tests count as failed in CI`);
  totals.failed += totals.skipped;
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
