import { objectPath } from '../../kube/objects.ts';
import { withApi } from '../api/api.ts';
import { EXIT, usageError } from '../cli/exit.ts';
import { CONNECTION, parseFlags } from '../cli/flags.ts';
import type { Command } from '../command.ts';
import { domainOf, keyName, oneKey } from './domain.ts';
import { confirmed } from './prompt.ts';
import { SECRET_KEYS, unlessInstalled } from './resource.ts';

const FLAGS = {
  yes: { kind: 'switch', short: 'y', help: 'do not ask' },
  'dry-run': { kind: 'switch', help: 'let the server check everything and delete nothing' },
  domain: { kind: 'text', value: 'DOMAIN', help: 'domain of the namespace, if you may not see its label' },
  ...CONNECTION,
} as const;

export const unset: Command = {
  usage: 'unset KEY [--yes] [--dry-run]',
  summary: "Deletes a key of the namespace's domain.",
  description: `The server warns if references still name it; with --dry-run it warns before anything is done. Pods that run keep what
they have; new ones that name the key wait. It needs the right to delete secretkeys.keys.fairlead.dev in the namespace
and the verb write on domains.fairlead.dev/<domain>.`,
  examples: [
    ['kubectl fairlead unset db_password --dry-run', 'who still uses it?'],
    ['kubectl fairlead unset db_password --yes', 'delete it without being asked'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    const key = oneKey(args, 'one argument only: the key');
    const dryRun = flags['dry-run'];
    const ask = !flags.yes && !dryRun;
    if (ask && !io.stdin.isTTY) throw usageError('nobody is there to be asked: add --yes');
    return withApi(flags, io, async (api) => {
      const name = keyName(await domainOf(api, flags.domain), key);
      const prompt = { stdin: io.stdin, write: (text: string) => io.err.write(text) };
      if (ask && !(await confirmed(`Delete ${name}?`, prompt))) {
        io.err.write('nothing was deleted\n');
        return EXIT.notOk;
      }
      const path = objectPath(SECRET_KEYS, { namespace: api.namespace, name });
      await api
        .request({
          method: 'DELETE',
          path,
          query: { dryRun: dryRun ? 'All' : undefined },
          call: 'delete secretkeys',
        })
        .catch(async (error: unknown) => unlessInstalled(api, error));
      io.out.write(`secretkey ${name} deleted${dryRun ? ' (server dry run)' : ''}\n`);
      return EXIT.ok;
    });
  },
};
