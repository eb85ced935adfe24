import { KEYS_API_VERSION } from '../../api/names.ts';
import { KubeError } from '../../kube/errors.ts';
import { objectPath } from '../../kube/objects.ts';
import { withApi, type Api } from '../api/api.ts';
import { EXIT, PluginError } from '../cli/exit.ts';
import { CONNECTION, parseFlags } from '../cli/flags.ts';
import type { Io } from '../cli/io.ts';
import type { Command } from '../command.ts';
import { domainOf, keyName, oneKey } from './domain.ts';
import { askTwice } from './prompt.ts';
import { isMissing, NOT_INSTALLED, SECRET_KEYS } from './resource.ts';
import { readAll, valueOf } from './value.ts';

const FLAGS = {
  'dry-run': { kind: 'switch', help: 'let the server check everything and write nothing' },
  'keep-newline': { kind: 'switch', help: 'keep the line end at the end of what is piped in' },
  domain: { kind: 'text', value: 'DOMAIN', help: 'domain of the namespace, if you may not see its label' },
  ...CONNECTION,
} as const;

const NEVER_AN_ARGUMENT =
  'one argument only: the key. The value is never an argument, since every user of the machine can see those and the shell keeps them; pipe it in, or let yourself be asked';

export const set: Command = {
  usage: 'set KEY [--dry-run] [--keep-newline]',
  summary:
    "Writes a key of the namespace's domain. The value comes from standard input, or from a hidden prompt.",
  description: `The key is made, or its value replaced. It needs the rights to create and update secretkeys.keys.fairlead.dev in the
namespace and the verb write on domains.fairlead.dev/<domain>, and the API for keys in the cluster. The value can be
used by references, and never be read back here.

One line end (LF or CRLF) at the end of what is piped in is left out, unless --keep-newline. On a terminal you are asked
twice. Values are UTF-8 text of at most 128 KiB. Pods that run keep what they have: restart them.`,
  examples: [
    ['kubectl fairlead set db_password -n marketing-jobs', 'be asked for the value'],
    ['kubectl fairlead set tls.key --keep-newline < tls.key', 'a file, byte for byte'],
    ['openssl rand -base64 24 | kubectl fairlead set db_password', 'a value that nobody sees'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS, { namesUnknown: false });
    const key = oneKey(args, NEVER_AN_ARGUMENT);
    return withApi(flags, io, async (api) => {
      const domain = await domainOf(api, flags.domain);
      const value = await readValue(key, flags['keep-newline'], io);
      const done = await writeKey(api, { domain, key, value, dryRun: flags['dry-run'] });
      io.out.write(
        `secretkey ${keyName(domain, key)} ${done}${flags['dry-run'] ? ' (server dry run)' : ''}\n`,
      );
      return EXIT.ok;
    });
  },
};

async function readValue(key: string, keepNewline: boolean, { stdin, err }: Io): Promise<string> {
  if (!stdin.isTTY) return valueOf(await readAll(stdin), keepNewline);
  const typed = await askTwice(key, { stdin, write: (text) => err.write(text) });
  return valueOf(Buffer.from(typed), true);
}

interface Writing {
  readonly domain: string;
  readonly key: string;
  readonly value: string;
  readonly dryRun: boolean;
}

/**
 * Creates the key, or replaces its value if it is there. Rejects with PluginError; the server's words are not in it,
 * since a webhook on the way could have put the value into them.
 */
export async function writeKey(api: Pick<Api, 'namespace' | 'request' | 'create'>, wish: Writing) {
  const { domain, key, value, dryRun } = wish;
  const { namespace } = api;
  const name = keyName(domain, key);
  const body = {
    apiVersion: KEYS_API_VERSION,
    kind: 'SecretKey',
    metadata: { name, namespace },
    spec: { secret: { key, source: { type: 'KUBERNETES', id: domain } }, value },
  };
  const query = { dryRun: dryRun ? 'All' : undefined };
  try {
    try {
      await api.create(SECRET_KEYS, namespace, body, query);
      return 'created';
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'AlreadyExists') throw error;
    }
    const path = objectPath(SECRET_KEYS, { namespace, name });
    await api.request({ method: 'PUT', path, body, query, call: 'update secretkeys' });
    return 'updated';
  } catch (error) {
    throw await refusalOf(api, error, domain, namespace);
  }
}

async function refusalOf(
  api: Pick<Api, 'request'>,
  error: unknown,
  domain: string,
  namespace: string,
): Promise<unknown> {
  if (await isMissing(api, error)) return new PluginError('CannotTell', NOT_INSTALLED);
  if (!(error instanceof KubeError)) return error;
  if (error.code === 'Forbidden')
    return new PluginError(
      'CannotTell',
      `the key was not written: you need create and update on secretkeys.keys.fairlead.dev in ${namespace}, and the verb write on domains.fairlead.dev/${domain}`,
    );
  if (error.code === 'Invalid')
    return new PluginError('NotOk', 'the key was not written: key or value are not valid');
  return error;
}
