import { DEFAULT_SYSTEM_NAMESPACE } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { withApi, type Api } from '../api/api.ts';
import { hiddenText, see } from '../api/see.ts';
import { EXIT, PluginError, usageError } from '../cli/exit.ts';
import { CONNECTION, OUTPUT, parseFlags, SYSTEM, wantsJson } from '../cli/flags.ts';
import type { Command } from '../command.ts';
import { aboutPod, aboutReference, aboutStorage } from './gather.ts';
import type { Known, SeenPod, SeenReference, SeenStorage } from './known.ts';
import { reportOf } from './report.ts';
import { textOf } from './text.ts';

const FLAGS = { ...OUTPUT, ...SYSTEM, ...CONNECTION } as const;

type Kind = 'pod' | 'reference' | 'storage';

const KINDS: Readonly<Record<string, Kind>> = {
  ...{ pod: 'pod', pods: 'pod', po: 'pod' },
  ...{ secretreference: 'reference', secretreferences: 'reference', sref: 'reference', sr: 'reference' },
  ...{ storageconfig: 'storage', storageconfigs: 'storage', stc: 'storage' },
};

export const explain: Command = {
  usage: 'explain pod|secretreference|storageconfig NAME [-o json]',
  summary:
    'Shows where each variable of a pod, SecretReference or StorageConfig comes from, whether it is allowed, and why it waits.',
  description: `Kinds: pod (po), secretreference (sref, sr), storageconfig (stc), also as pod/NAME. Everything is read with your own rights. What you may not
see is said to be "not visible", with the right that would show it. Values and Secrets are never read.

DOMAIN COVERED  the source is open to the domain of the namespace
YOU MAY USE     you hold the verb use on the integration, which it takes to name it in a reference
STATE           Resolved, or the reason why not, as of the last check of the reference

Exit codes: 0 delivered, or ready; 1 it waits, has a problem, or is not there; 2 wrong usage; 3 it may not be seen, or
the API server does not answer.`,
  examples: [
    ['kubectl fairlead explain pod job -n marketing-jobs', 'why does this pod wait?'],
    ['kubectl fairlead explain sref/warehouse', 'what does this reference give, and from where?'],
    ['kubectl fairlead explain po job -o json', 'the same for programs'],
  ],
  flags: FLAGS,
  run: async (argv, io) => {
    const { flags, args } = parseFlags(argv, FLAGS);
    const json = wantsJson(flags.output);
    const { kind, name } = named(args);
    const system = flags['system-namespace'] ?? DEFAULT_SYSTEM_NAMESPACE;
    return withApi(flags, io, async (api) => {
      const report = reportOf(await gather(api, kind, name, system), name);
      io.out.write(json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
      return report.ok ? EXIT.ok : EXIT.notOk;
    });
  },
};

function named(args: readonly string[]): { readonly kind: Kind; readonly name: string } {
  const [word = '', name, ...rest] = args.length === 1 ? (args[0] ?? '').split('/') : args;
  const kind = Object.hasOwn(KINDS, word.toLowerCase()) ? KINDS[word.toLowerCase()] : undefined;
  if (!kind || !name || rest.length > 0)
    throw usageError(
      'name one: explain pod NAME, explain secretreference NAME, or explain storageconfig NAME',
    );
  return { kind, name };
}

async function gather(api: Api, kind: Kind, name: string, system: string): Promise<Known> {
  if (kind === 'pod') {
    const pod = await the<SeenPod>(api, 'pod', RESOURCES.pods, name);
    return aboutPod(api, pod, system);
  }
  if (kind === 'storage') {
    const storage = await the<SeenStorage>(api, 'StorageConfig', RESOURCES.storageConfigs, name);
    return aboutStorage(api, storage, system);
  }
  const reference = await the<SeenReference>(api, 'SecretReference', RESOURCES.secretReferences, name);
  return aboutReference(api, reference, system);
}

async function the<T>(
  api: Api,
  what: string,
  resource: (typeof RESOURCES)['pods' | 'secretReferences' | 'storageConfigs'],
  name: string,
) {
  const seen = await see<T>(api, resource, { namespace: api.namespace, name });
  if (seen.kind === 'found') return seen.object;
  if (seen.kind === 'hidden') throw new PluginError('CannotTell', `the ${what} is ${hiddenText(seen.needs)}`);
  throw new PluginError('NotOk', `there is no ${what} of this name in namespace ${api.namespace}`);
}
