import { auditCommand } from '../audit/command.ts';
import type { ExitCode } from './cli/exit.ts';
import type { Command } from './command.ts';

/** The command of src/audit as it is, with its own flags, help and exit codes. */
export const audit: Command = {
  usage: 'audit verify FILE... --key-file F [--anchor F] [-o json]',
  summary: 'Looks for the first line of an audit that was changed, dropped, reordered, repeated or cut off.',
  description: `FILE is audit.log and its older parts, of all replicas that took turns. --key-file holds the key of the Secret
fairlead-audit-key, --anchor the annotation fairlead.dev/audit-anchor of the Lease fairlead-audit; both may be repeated.
Exit codes: 0 everything is as it was written; 1 something is not; 2 wrong usage, or a file cannot be read; 3 what is
there is as it was written, but a chain, or the beginning of one, is in none of these files.`,
  examples: [
    ['kubectl fairlead audit verify audit.log audit.log.* --key-file key --anchor anchor', 'all parts'],
  ],
  flags: {},
  run: async (argv, { out }) => auditCommand(argv, out) as ExitCode,
};
