import { parseArgs } from 'node:util';
import { hostname } from 'node:os';
import { z } from 'zod';
import { DEFAULT_STORE_PREFIX, DEFAULT_SYSTEM_NAMESPACE, DEFAULT_TOKEN_AUDIENCES } from './api/names.ts';

export const ROLES = ['controller', 'admission', 'certificates', 'keys'] as const;
export type Role = (typeof ROLES)[number];

/** What is wrong with the flags, the environment or the way the process was started. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'InvalidConfiguration';
}

const list = z.string().transform((text) => text.split(',').flatMap((item) => item.trim() || []));
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const listenAddress = z.string().regex(/^(\[[0-9a-f:.]+\]|[^:\s]*):\d{1,5}$/i);
const seconds = (fallback: number) => whole(1, 86_400).default(fallback);

interface Flag {
  readonly schema: z.ZodType;
  readonly help: string;
}

/** Every flag; `--store-prefix` can also be given as FAIRLEAD_STORE_PREFIX. Flags win. */
const FLAGS = {
  role: { schema: z.enum(ROLES), help: `what this process does: ${ROLES.join(', ')}` },
  kubeconfig: { schema: z.string().optional(), help: 'path of a kubeconfig; absent: in-cluster' },
  'system-namespace': {
    schema: z.string().min(1).default(DEFAULT_SYSTEM_NAMESPACE),
    help: 'where Fairlead and the stores live',
  },
  'store-prefix': {
    // It stands in a policy, too: nothing that would mean something there.
    schema: z
      .string()
      .regex(/^[a-z0-9](?:[-a-z0-9.]{0,180}[a-z0-9])?$/)
      .default(DEFAULT_STORE_PREFIX),
    help: "name of the global store, and prefix of the domains' stores",
  },
  'vault-hosts': {
    schema: list.default([]),
    help: 'origins that integrations may name; empty: any https host',
  },
  'allow-http-vault': {
    schema: z.stringbool().default(false),
    help: 'true lets integrations reach Vault without TLS',
  },
  'token-audiences': {
    schema: list.pipe(z.array(z.string().regex(/^[A-Za-z0-9._:/-]+$/))).default(DEFAULT_TOKEN_AUDIENCES),
    help: 'audiences that tokens of ServiceAccounts may be made for, for kubernetes and jwt logins',
  },
  'strict-use': {
    schema: z.stringbool().default(false),
    help: 'true asks for each pod whether its ServiceAccount may use the references and integrations; needs config/strict',
  },
  'legacy-spark': {
    schema: z.stringbool().default(false),
    help: 'true serves placeholders in Spark configuration; for controller and admission alike; needs config/legacy-spark',
  },
  'secrets-v2': {
    schema: z.stringbool().default(true),
    help: 'false serves legacy placeholders alone: references, and pods that name one, wait with FeatureDisabled',
  },
  'readiness-requires-vault': {
    schema: z.stringbool().default(false),
    help: 'true: the controller is not ready while there are integrations and none of them is Ready',
  },
  workers: { schema: whole(1, 256).default(32), help: 'pods worked on at the same time' },
  'refresh-seconds': {
    schema: seconds(300),
    help: 'how often references and integrations are checked again',
  },
  'leader-elect': { schema: z.stringbool().default(true), help: 'only one replica works at a time' },
  'lease-seconds': { schema: seconds(15), help: 'how long a silent leader keeps the lease' },
  identity: {
    schema: z.string().min(1).default(`${hostname()}-${process.pid}`),
    help: 'name of this replica in the lease',
  },
  'health-address': {
    schema: listenAddress.default('0.0.0.0:8081'),
    help: 'for /livez, /readyz and /metrics',
  },
  'drain-seconds': {
    schema: whole(0, 15).default(3),
    help: 'how long webhook and API for keys still answer everything when they are stopped',
  },
  'webhook-address': { schema: listenAddress.default('0.0.0.0:9443'), help: 'where the webhook listens' },
  'certificate-dir': {
    schema: z.string().default('/var/run/fairlead/certificate'),
    help: 'tls.crt and tls.key of the webhook',
  },
  'manage-webhook-certificate': {
    schema: z.stringbool().default(true),
    help: 'false: somebody else, like cert-manager, writes the certificate of the webhook and its caBundle',
  },
  'webhook-service': {
    schema: z.string().default('fairlead-webhook'),
    help: 'Service that the certificate is for',
  },
  'webhook-names': {
    schema: list.default([]),
    help: 'further DNS names and IP addresses for the certificate',
  },
  'keys-address': { schema: listenAddress.default('0.0.0.0:9444'), help: 'where the API for keys listens' },
  'keys-certificate-dir': {
    schema: z.string().default('/var/run/fairlead/keys-certificate'),
    help: 'tls.crt and tls.key of the API for keys',
  },
  'keys-service': {
    schema: z.string().default('fairlead-keys'),
    help: 'Service that its certificate is for',
  },
  'audit-log': {
    schema: z.string().min(1).default('-'),
    help: 'file that every decision is written to; - is standard output',
  },
  'audit-max-mb': { schema: whole(1, 10_240).default(100), help: 'size at which that file is rotated' },
  'audit-max-files': { schema: whole(2, 1_000).default(10), help: 'how many parts of it are kept' },
  'audit-best-effort': {
    schema: z.stringbool().default(false),
    help: 'true delivers even if the audit cannot be written',
  },
  'docs-url': {
    schema: z
      .url({ protocol: /^https?$/ })
      .max(256)
      .optional(),
    help: 'where docs/ can be read: messages about a problem then end with a link to its reason; absent: no link',
  },
  'traces-endpoint': {
    schema: z.url({ protocol: /^https?$/ }).optional(),
    help: 'where traces are sent by OTLP over HTTP, like http://collector:4318/v1/traces; absent: no traces',
  },
  'traces-ratio': {
    schema: z.coerce.number().min(0).max(1).default(1),
    help: 'which part of all deliveries is traced, 0 to 1',
  },
  'log-level': {
    schema: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    help: 'debug, info, warn or error',
  },
} as const satisfies Record<string, Flag>;

type Flags = typeof FLAGS;
type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
export type Config = Readonly<{ [K in keyof Flags as Camel<K>]: z.output<Flags[K]['schema']> }>;

/**
 * Flags and environment as one frozen object. Throws ConfigError with every mistake named; values are not
 * quoted, since somebody may have put a password where it does not belong.
 */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const names = Object.keys(FLAGS) as (keyof Flags)[];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  let given: Record<string, unknown>;
  try {
    given = parseArgs({ args: [...args], options, strict: true }).values;
  } catch {
    throw new ConfigError(`unknown or incomplete flag; these exist:\n${usage()}`);
  }
  const mistakes: string[] = [];
  const config: Record<string, unknown> = {};
  for (const name of names) {
    const variable = `FAIRLEAD_${name.toUpperCase().replaceAll('-', '_')}`;
    const parsed = FLAGS[name].schema.safeParse(given[name] ?? env[variable]);
    if (parsed.success) config[camel(name)] = parsed.data;
    else mistakes.push(`--${name} (or ${variable}): ${FLAGS[name].help}`);
  }
  if (mistakes.length > 0) throw new ConfigError(`missing or invalid:\n  ${mistakes.join('\n  ')}`);
  return Object.freeze(config) as Config;
}

/**
 * Refuses an environment in which the process could be made to leak: certificate checks switched off, code
 * preloaded, a debugger that a signal opens, or a crash report that lists the environment.
 */
export function checkProcess(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw new ConfigError('NODE_TLS_REJECT_UNAUTHORIZED=0 is refused');
  if (env['NODE_OPTIONS'])
    throw new ConfigError('NODE_OPTIONS is refused; give node its flags on the command line');
  for (const flag of ['--disable-sigusr1', '--report-exclude-env']) {
    if (!execArgv.includes(flag))
      throw new ConfigError(`start with: node --disable-sigusr1 --report-exclude-env src/main.ts`);
  }
}

function usage(): string {
  return Object.entries(FLAGS)
    .map(([name, { help }]) => `  --${name.padEnd(18)} ${help}`)
    .join('\n');
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
