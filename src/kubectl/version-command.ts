import { EXIT } from './cli/exit.ts';
import { OUTPUT, parseFlags, wantsJson } from './cli/flags.ts';
import type { Command } from './command.ts';
import { version } from './version.ts';

export const versionCommand: Command = {
  usage: 'version [-o json]',
  summary: 'The version of this plugin.',
  description: 'It asks no cluster.',
  examples: [['kubectl fairlead version', 'the version']],
  flags: OUTPUT,
  run: async (argv, { out }) => {
    const { flags } = parseFlags(argv, OUTPUT);
    const facts = { version, node: process.versions.node };
    out.write(wantsJson(flags.output) ? `${JSON.stringify(facts, null, 2)}\n` : `fairlead ${version}\n`);
    return EXIT.ok;
  },
};
