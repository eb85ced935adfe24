import { DEFAULT_SYSTEM_NAMESPACE } from '../../api/names.ts';
import { EXIT, usageError } from '../cli/exit.ts';
import { OUTPUT, parseFlags, SYSTEM, wantsJson } from '../cli/flags.ts';
import { printable } from '../cli/io.ts';
import type { Command } from '../command.ts';
import type { Finding, Severity } from './codes.ts';
import { readFiles } from './files.ts';
import { lint as lintFiles } from './lint.ts';

const FLAGS = {
  strict: { kind: 'switch', help: 'warnings fail, too, and infos become warnings' },
  'legacy-namespace': {
    kind: 'list',
    value: 'NAMESPACE',
    help: 'a namespace with legacy placeholders; may be repeated',
  },
  ...OUTPUT,
  ...SYSTEM,
} as const;

export const lint: Command = {
  usage: 'lint FILES... [--strict] [-o json]',
  summary: 'Checks manifests without a cluster: kinds, annotations, placeholders, values in plain text.',
  description: `FILES are YAML or JSON with one or many documents, directories, or - for standard input. Our kinds are checked by the
schema and the rules of the CRDs themselves. What depends on the cluster only the API server can check; docs/kubectl.md
has the list, and all codes. A value is never printed.

Exit codes: 0 no errors (with --strict: nor warnings); 1 there are some; 2 wrong usage, or a file cannot be read.`,
  examples: [
    ['kubectl fairlead lint manifests/', 'all manifests of a directory, in a CI job'],
    ['kustomize build . | kubectl fairlead lint -', 'what a tool renders'],
    ['kubectl fairlead lint --strict -o json app.yaml', 'warnings fail, too; for programs'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    const json = wantsJson(flags.output);
    if (args.length === 0) throw usageError('no file is named; - is standard input');
    const findings = lintFiles(await readFiles(args, io), {
      systemNamespace: flags['system-namespace'] ?? DEFAULT_SYSTEM_NAMESPACE,
      legacyNamespaces: flags['legacy-namespace'],
      strict: flags.strict,
    });
    const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
    const [errors, warnings] = [count('error'), count('warning')];
    if (json)
      io.out.write(`${JSON.stringify({ errors, warnings, infos: count('info'), findings }, null, 2)}\n`);
    else io.out.write(findings.map(lineOf).join(''));
    if (!json) io.err.write(`${errors} errors, ${warnings} warnings\n`);
    return errors > 0 || (flags.strict && warnings > 0) ? EXIT.notOk : EXIT.ok;
  },
};

function lineOf({ file, line, column, severity, code, message, fix }: Finding): string {
  return `${printable(file)}:${line}:${column}: ${severity} ${code}: ${printable(message)}\n    ${printable(fix)}\n`;
}
