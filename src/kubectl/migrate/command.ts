import { EXIT, usageError } from '../cli/exit.ts';
import { OUTPUT, parseFlags, wantsJson } from '../cli/flags.ts';
import { printable, type Io } from '../cli/io.ts';
import type { Command } from '../command.ts';
import { readManifests, textIfThere, writeAll } from './disk.ts';
import { migrate, STDIN, type Migrated } from './migrate.ts';
import { parseMapping } from './source.ts';
import { summaryOf, textOf, type Shown } from './text.ts';

const FLAGS = {
  write: { kind: 'switch', help: 'write the files; without it nothing is written' },
  force: { kind: 'switch', help: 'replace a reference file that is there with other contents' },
  name: { kind: 'text', value: 'NAME', help: 'of the SecretReference; default: that of the workload' },
  namespace: {
    kind: 'text',
    short: 'n',
    value: 'NAMESPACE',
    help: 'of the reference where the file says none; default: none',
  },
  source: {
    kind: 'text',
    value: 'TYPE:ID',
    help: 'where the keys of placeholders are; default KUBERNETES:global',
  },
  map: {
    kind: 'list',
    value: 'KEY=TYPE:ID[:KEY]',
    help: 'another source, and key, for one of them; may be repeated',
  },
  'storage-property': {
    kind: 'text',
    value: 'PROPERTY',
    help: 'the Spark property that storageSecret is for',
  },
  ...OUTPUT,
} as const;

export const migratePlaceholders: Command = {
  usage: 'migrate-placeholders FILES... [--write] [--name NAME] [--source TYPE:ID] [--map KEY=TYPE:ID[:KEY]]',
  summary: 'Turns placeholders in manifests and payloads into SecretReferences.',
  description: `FILES are Kubernetes manifests or JSON payloads with placeholders (\${secrets.key}) or secret objects, directories of
them, or - for standard input. Of each workload they are moved into a SecretReference, in a file of its own beside the
manifest, and the workload names the reference. What cannot be moved stays, and is told with its place. Without --write
nothing is written. No value of a file is ever printed, and none that stands there in plain text can be found.

Exit codes: 0 no placeholder is in the files any more; 1 there are some, or could not be written as told; 2 wrong usage,
or a file cannot be read or written.`,
  examples: [
    ['kubectl fairlead migrate-placeholders app.yaml', 'what would be moved, and what would stay'],
    ['kubectl fairlead migrate-placeholders --write app.yaml', 'write app.yaml and app.secretreference.yaml'],
    [
      'kubectl fairlead migrate-placeholders --map s3_key=VAULT:vault-prod-finance:s3_secret_key job.json',
      'one key comes from Vault now, by another name',
    ],
    ['kubectl fairlead migrate-placeholders -o json manifests/', 'in a CI job: fails while one is left'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    const json = wantsJson(flags.output);
    if (args.length === 0) throw usageError('no file is named; - is standard input');
    if (flags.name !== undefined && !NAME.test(flags.name))
      throw usageError('--name is no name for an object');
    const mapping = parseMapping(flags.source, flags.map);
    const files = await readManifests(args, io);
    if (flags.write && files.some(({ name }) => name === STDIN))
      throw usageError('--write needs files: standard input cannot be written');
    const result = migrate(files, {
      mapping,
      name: flags.name,
      namespace: flags.namespace,
      storageProperty: flags['storage-property'],
    });
    const failures = [...result.failures, ...(flags.force ? [] : occupied(result))];
    const written = flags.write && failures.length === 0;
    if (written) writeResult(result);
    const used = new Set(result.moved.map(({ placeholder }) => placeholder));
    const shown: Shown = { written, unusedMaps: mapping.mapped.filter((key) => !used.has(key)) };
    report(io, json, { ...result, failures }, shown);
    const open = result.left.length + failures.length + (written ? 0 : result.moved.length);
    return open > 0 ? EXIT.notOk : EXIT.ok;
  },
};

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A reference file with other contents may be somebody's work, or belong to another workload. */
function occupied({ references }: Migrated): Migrated['failures'] {
  return references.flatMap(({ file, text }) => {
    const there = textIfThere(file);
    if (there === undefined || there === text) return [];
    const message =
      'is there already, with other contents: --name gives the reference another name, --force replaces the file';
    return [{ file, line: 1, message }];
  });
}

/** References first: a manifest that names one which is nowhere would be worse than one which nobody names. */
function writeResult({ files, references }: Migrated): void {
  writeAll([
    ...references.map(({ file, text }) => ({ path: file, before: textIfThere(file), after: text })),
    ...files.flatMap(({ name, before, after }) => (before === after ? [] : [{ path: name, before, after }])),
  ]);
}

function report(io: Io, json: boolean, result: Migrated, shown: Shown): void {
  const { moved, left, failures, files, references } = result;
  if (json) {
    const summary = {
      written: shown.written,
      changed: files.flatMap(({ name, before, after }) => (before === after ? [] : name)),
      references: references.flatMap(({ file, drafts }) =>
        drafts.map(({ namespace, name, env, sparkConf }) => ({
          ...{ file, namespace, name },
          ...{ env: [...env.keys()], sparkConf: [...sparkConf.keys()] },
        })),
      ),
      ...{ moved, left, failures, unusedMaps: shown.unusedMaps },
    };
    io.out.write(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  for (const { file, line, message } of failures)
    io.err.write(`error: ${printable(`${file}:${line}: ${message}`)}\n`);
  io.out.write(textOf(result, shown));
  if (failures.length > 0) io.err.write('nothing was written\n');
  else io.err.write(summaryOf(result, shown));
}
