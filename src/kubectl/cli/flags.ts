import { parseArgs } from 'node:util';
import { usageError } from './exit.ts';

export interface Flag {
  readonly kind: 'text' | 'list' | 'switch';
  readonly short?: string;
  /** What stands for the value in the help: `NAME`. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** As kubectl has them. */
export const CONNECTION = {
  kubeconfig: {
    kind: 'text',
    value: 'FILE',
    help: 'kubeconfig to use instead of $KUBECONFIG or ~/.kube/config',
  },
  context: { kind: 'text', value: 'NAME', help: 'context of the kubeconfig' },
  cluster: { kind: 'text', value: 'NAME', help: 'cluster of the kubeconfig' },
  user: { kind: 'text', value: 'NAME', help: 'user of the kubeconfig' },
  namespace: {
    kind: 'text',
    short: 'n',
    value: 'NAMESPACE',
    help: 'namespace; default: that of the context',
  },
  as: { kind: 'text', value: 'USER', help: 'user to impersonate' },
  'as-group': { kind: 'list', value: 'GROUP', help: 'group to impersonate; may be repeated' },
  'request-timeout': {
    kind: 'text',
    value: 'TIME',
    help: 'for one request, such as 30s or 2m; 0: without limit; default 60s',
  },
} as const satisfies Flags;

export const OUTPUT = {
  output: { kind: 'text', short: 'o', value: 'json', help: 'json instead of a table' },
} as const satisfies Flags;

export const SYSTEM = {
  'system-namespace': {
    kind: 'text',
    value: 'NAMESPACE',
    help: 'where Fairlead is installed; default fairlead-system',
  },
} as const satisfies Flags;

type ValueOf<F extends Flag> = F['kind'] extends 'switch'
  ? boolean
  : F['kind'] extends 'list'
    ? readonly string[]
    : string | undefined;

export interface Given<F extends Flags> {
  readonly flags: { readonly [Name in keyof F]: ValueOf<F[Name]> };
  readonly args: readonly string[];
}

/**
 * Flags and the other arguments. Throws PluginError Usage; an argument is never quoted, since a value that was typed
 * in the wrong place is one. An unknown flag is named if it looks like one, and not at all without `namesUnknown`.
 */
export function parseFlags<F extends Flags>(
  argv: readonly string[],
  known: F,
  { namesUnknown = true } = {},
): Given<F> {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { kind, short }]) => [
      name,
      {
        type: kind === 'switch' ? ('boolean' as const) : ('string' as const),
        multiple: kind === 'list',
        ...(short && { short }),
      },
    ]),
  );
  const { values, positionals, tokens } = parseArgs({
    ...{ args: [...argv], options, strict: false, tokens: true, allowPositionals: true },
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (!flag) throw usageError(`unknown flag${namesUnknown ? nameOf(token.rawName) : ''}`);
    // `-n` or `--` taken for a value is a value that was forgotten.
    const missing = token.value === undefined || (!token.inlineValue && /^-./.test(token.value));
    if (flag.kind === 'switch' ? token.value !== undefined : missing)
      throw usageError(`the flag --${token.name} ${flag.kind === 'switch' ? 'takes no' : 'needs a'} value`);
  }
  const flags = Object.fromEntries(
    Object.entries(known).map(([name, { kind }]) => [name, values[name] ?? EMPTY[kind]]),
  );
  return { flags: flags as Given<F>['flags'], args: positionals };
}

const EMPTY = { switch: false, list: [], text: undefined } as const;

function nameOf(raw: string): string {
  return /^--?[a-z][a-z-]{0,30}$/.test(raw) ? ` ${raw}` : '';
}

/** `-o json`, or nothing. */
export function wantsJson(output: string | undefined): boolean {
  if (output !== undefined && output !== 'json') throw usageError('-o must be json');
  return output === 'json';
}

/** The flags for a help text. */
export function describeFlags(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { short, value, help }]) => {
    const left = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
    return `  ${left.padEnd(34)} ${help}\n`;
  });
  return rows.join('');
}
