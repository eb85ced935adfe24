import './node20.ts';
import type { Command } from './command.ts';
import { runPlugin } from './run.ts';

/** Each is loaded when it is asked for: what lint needs would only delay the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  explain: async () => (await import('./explain/command.ts')).explain,
  doctor: async () => (await import('./doctor/command.ts')).doctor,
  keys: async () => (await import('./keys/list.ts')).keys,
  set: async () => (await import('./keys/set.ts')).set,
  unset: async () => (await import('./keys/unset.ts')).unset,
  lint: async () => (await import('./lint/command.ts')).lint,
  'migrate-placeholders': async () => (await import('./migrate/command.ts')).migratePlaceholders,
  audit: async () => (await import('./audit.ts')).audit,
  version: async () => (await import('./version-command.ts')).versionCommand,
};

// Whoever reads has seen enough: `| head`.
process.stdout.on('error', () => process.exit());

// No await at the top: the bundle is CommonJS, which a file without a suffix is to every Node, wherever it lies.
void runPlugin(process.argv.slice(2), COMMANDS, {
  out: process.stdout,
  err: process.stderr,
  stdin: process.stdin,
  env: process.env,
}).then((code) => {
  process.exitCode = code;
});
