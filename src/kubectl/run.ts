import { failureOf } from './api/failure.ts';
import { EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import { helpOf, type Command } from './command.ts';

const HELP = `Why a pod waits for its secrets, and what can be done about it.

Usage:
  kubectl fairlead COMMAND [flags]

Commands:
  explain pod|secretreference NAME   each variable, where it comes from, and why it waits
  doctor integration NAME            test the connection to Vault, step by step
  keys                               the keys that references may name
  set KEY                            write a key of the domain; the value comes from standard input
  unset KEY                          delete a key of the domain
  lint FILES...                      check manifests, without a cluster
  migrate-placeholders FILES...      turn placeholders in manifests into SecretReferences
  audit verify FILE...               look for changes in the audit
  version                            the version of this plugin

kubectl fairlead COMMAND --help says more.

Exit codes: 0 all is well; 1 it waits, failed, is not there, or something was found; 2 called in a wrong way, or a file
cannot be read; 3 no answer, or not allowed.
`;

/** Runs one command and resolves to the exit code; whatever goes wrong is told on standard error. */
export async function runPlugin(
  argv: readonly string[],
  commands: Readonly<Record<string, () => Promise<Command>>>,
  io: Io,
): Promise<number> {
  const [name = '', ...rest] = argv;
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    io.out.write(HELP);
    return EXIT.ok;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    io.err.write(`error: unknown command; there are ${Object.keys(commands).join(', ')}\n`);
    return EXIT.usage;
  }
  try {
    const command = await load();
    if (asksForHelp(rest)) {
      io.out.write(helpOf(command));
      return EXIT.ok;
    }
    return await command.run(rest, io);
  } catch (error) {
    const { message, exit } = failureOf(error, { quiet: name === 'set' });
    const more = exit === EXIT.usage ? `\nkubectl fairlead ${name} --help says how it is used` : '';
    io.err.write(`error: ${message}${more}\n`);
    return exit;
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((one) => one === '--help' || one === '-h');
}
