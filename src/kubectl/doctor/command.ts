import { fixOf } from '../../api/reasons.ts';
import { DEFAULT_SYSTEM_NAMESPACE, KEYS_API_VERSION } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { withApi, type Api } from '../api/api.ts';
import { hiddenText, see } from '../api/see.ts';
import { EXIT, PluginError, usageError, type ExitCode } from '../cli/exit.ts';
import { CONNECTION, OUTPUT, parseFlags, SYSTEM, wantsJson } from '../cli/flags.ts';
import type { Io } from '../cli/io.ts';
import type { Command } from '../command.ts';
import { CONNECTION_TESTS, isMissing, NOT_INSTALLED } from '../keys/resource.ts';
import type { SeenIntegration } from '../explain/known.ts';
import { statusText, testText } from './text.ts';
import type { TestStatus } from './resource.ts';

const FLAGS = {
  path: { kind: 'text', value: 'PATH', help: 'test another path than that of the integration' },
  'vault-namespace': { kind: 'text', value: 'NAMESPACE', help: 'test another HashiCorp namespace' },
  ...OUTPUT,
  ...SYSTEM,
  ...CONNECTION,
} as const;

const KINDS = ['integration', 'integrations', 'vaultintegration', 'vaultintegrations', 'vi'];

export const doctor: Command = {
  usage: 'doctor integration NAME [--path P] [--vault-namespace NS] [-o json]',
  summary: 'Tests the connection of a VaultIntegration step by step, with the fix for what fails.',
  description: `Fairlead connects, logs in and reads the path with the login of the integration; nothing is stored, and no value is
shown. It needs the API for keys in the cluster, the right to create connectiontests.keys.fairlead.dev in the namespace
and the verb use on the integration; with --path or --vault-namespace update on it.
Without that API it shows what the controller last found out, from the integration's status.`,
  examples: [
    ['kubectl fairlead doctor integration vault-prod-finance', 'does it connect, log in and read?'],
    ['kubectl fairlead doctor vi vault-prod-finance --path secret/data/staging', 'would another path work?'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    const json = wantsJson(flags.output);
    const name = integrationName(args);
    const system = flags['system-namespace'] ?? DEFAULT_SYSTEM_NAMESPACE;
    return withApi(flags, io, async (api) => {
      const status = await test(api, name, flags.path, flags['vault-namespace']);
      if (status === undefined) return fallback(api, { name, system, json, io });
      const { reason = '' } = status;
      const fix = status.ok ? undefined : fixOf(reason);
      const answer = { integration: name, ...status, ...(fix && { fix }) };
      io.out.write(json ? `${JSON.stringify(answer, null, 2)}\n` : testText(name, status));
      return status.ok ? EXIT.ok : EXIT.notOk;
    });
  },
};

function integrationName(args: readonly string[]): string {
  const [first = '', second, ...rest] = args.length === 1 ? (args[0] ?? '').split('/') : args;
  if (!KINDS.includes(first) || !second || rest.length > 0)
    throw usageError('name one: doctor integration NAME');
  return second;
}

/** Undefined if the API for keys is not there. */
async function test(
  api: Api,
  name: string,
  path: string | undefined,
  namespace: string | undefined,
): Promise<TestStatus | undefined> {
  const overriding = { ...(path !== undefined && { path }), ...(namespace !== undefined && { namespace }) };
  const body = {
    apiVersion: KEYS_API_VERSION,
    kind: 'ConnectionTest',
    metadata: { namespace: api.namespace },
    spec: { integrationRef: { name }, ...overriding },
  };
  try {
    const { status } = await api.create<{ status?: TestStatus }>(CONNECTION_TESTS, api.namespace, body);
    return status ?? {};
  } catch (error) {
    if (await isMissing(api, error)) return undefined;
    throw error;
  }
}

interface Fallback {
  readonly name: string;
  readonly system: string;
  readonly json: boolean;
  readonly io: Io;
}

async function fallback(api: Api, { name, system, json, io }: Fallback): Promise<ExitCode> {
  io.err.write(`${NOT_INSTALLED}\nNothing was tested. This is what the controller last found out:\n\n`);
  const seen = await see<SeenIntegration>(api, RESOURCES.vaultIntegrations, { namespace: system, name });
  if (seen.kind === 'hidden')
    throw new PluginError('CannotTell', `the integration is ${hiddenText(seen.needs)}`);
  if (seen.kind === 'absent')
    throw new PluginError('NotOk', `there is no VaultIntegration of this name in ${system}`);
  const { spec, status } = seen.object;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const ok = ready?.status === 'True';
  const { reason } = ready ?? {};
  const fix = ok ? undefined : fixOf(reason);
  const facts = {
    integration: name,
    tested: false,
    host: spec.host,
    path: spec.path,
    ok,
    reason,
    ...(fix && { fix }),
  };
  const answer = { ...facts, conditions: status?.conditions ?? [] };
  io.out.write(json ? `${JSON.stringify(answer, null, 2)}\n` : statusText(seen.object));
  return ok ? EXIT.ok : EXIT.notOk;
}
