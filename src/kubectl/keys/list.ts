import { SOURCE_TYPES } from '../../api/secret-object.ts';
import type { Api } from '../api/api.ts';
import { withApi } from '../api/api.ts';
import { EXIT, usageError } from '../cli/exit.ts';
import { CONNECTION, OUTPUT, parseFlags, wantsJson } from '../cli/flags.ts';
import { table } from '../cli/table.ts';
import type { Command } from '../command.ts';
import { SECRET_KEYS, unlessInstalled } from './resource.ts';

const FLAGS = {
  type: { kind: 'text', value: 'VAULT|KUBERNETES', help: 'only keys of this type of source' },
  id: { kind: 'text', value: 'ID', help: 'only keys of this domain, of global, or of this integration' },
  'all-namespaces': { kind: 'switch', short: 'A', help: 'of all namespaces' },
  ...OUTPUT,
  ...CONNECTION,
} as const;

export interface SecretKey {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly secret: {
      readonly key: string;
      readonly source: { readonly type: string; readonly id: string };
    };
  };
}

export const keys: Command = {
  usage: 'keys [--type VAULT|KUBERNETES] [--id ID] [-A] [-o json]',
  summary: 'Lists the keys that a SecretReference of the namespace may name. Values are never shown.',
  description: `The keys of the namespace's domain, of the global store, and of each integration that is shared with the domain and
on which you hold the verb use. It needs the right to list secretkeys.keys.fairlead.dev in the namespace, and the API
for keys in the cluster. What cannot be read is a warning on standard error.`,
  examples: [
    ['kubectl fairlead keys -n marketing-jobs', 'what references in marketing-jobs may name'],
    ['kubectl fairlead keys --type VAULT --id vault-prod-finance', 'the keys of one integration'],
    ['kubectl fairlead keys -o json', 'with the secret object of each key, ready for a SecretReference'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    if (args.length > 0) throw usageError('keys takes flags only');
    const json = wantsJson(flags.output);
    const { type, id } = flags;
    if (type !== undefined && !SOURCE_TYPES.some((known) => known === type))
      throw usageError(`--type must be ${SOURCE_TYPES.join(' or ')}`);
    if (id !== undefined && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(id))
      throw usageError('--id must be the name of a domain, global, or the name of an integration');
    return withApi(flags, io, async (api) => {
      const all = flags['all-namespaces'];
      const items = await listKeys(api, all ? undefined : api.namespace, { type, id }).catch(
        async (error: unknown) => unlessInstalled(api, error),
      );
      if (json) io.out.write(`${JSON.stringify({ kind: 'SecretKeyList', items }, null, 2)}\n`);
      else if (items.length === 0)
        io.err.write(all ? 'No keys found\n' : `No keys found in namespace ${api.namespace}\n`);
      else io.out.write(keyTable(items, all));
      return EXIT.ok;
    });
  },
};

const PAGE = 500;

interface Page {
  readonly items?: readonly SecretKey[];
  readonly metadata?: { readonly continue?: string };
}

/** All pages of the keys that are asked for. Rejects with KubeError. */
export async function listKeys(
  api: Pick<Api, 'list'>,
  namespace: string | undefined,
  { type, id }: { readonly type?: string | undefined; readonly id?: string | undefined },
): Promise<SecretKey[]> {
  const selector = [...(type ? [`source.type=${type}`] : []), ...(id ? [`source.id=${id}`] : [])].join(',');
  const found: SecretKey[] = [];
  let token: string | undefined;
  do {
    const query = { limit: PAGE, continue: token, fieldSelector: selector || undefined };
    const page: Page = await api.list<Page>(SECRET_KEYS, namespace, query);
    found.push(...(page.items ?? []));
    token = page.metadata?.continue || undefined;
  } while (token !== undefined);
  return found;
}

export function keyTable(items: readonly SecretKey[], namespaces: boolean): string {
  const header = [...(namespaces ? ['NAMESPACE'] : []), 'KEY', 'SOURCE', 'ID'];
  const rows = items.map(({ metadata, spec: { secret } }) => [
    ...(namespaces ? [metadata.namespace] : []),
    ...[secret.key, secret.source.type, secret.source.id],
  ]);
  return table(header, rows);
}
