/**
 * `make demo`: from nothing to pods that start with secrets from a domain's store, the global store and Vault;
 * then a rotation, a failure with its reason, and the repair. Leaves everything running; `make demo-down` cleans up.
 */
import { rm } from 'node:fs/promises';
import { failedStep } from './ui.ts';
import { stopDemo, DIR } from './state.ts';
import { play } from './play.ts';

try {
  if (process.argv[2] === 'down') {
    await stopDemo((line) => console.log(line));
    await rm(DIR, { recursive: true, force: true });
    console.log('the demo is gone');
  } else {
    await play();
  }
} catch (error) {
  const { message, stderr } = error as Error & { stderr?: string };
  console.error(`\nThe demo failed in ${failedStep()}:\n${stderr ?? message}`);
  console.error('make demo-down cleans up.');
  process.exitCode = 1;
}
// A finished demo leaves processes behind on purpose; handles to them must not keep this one alive.
process.exit();
