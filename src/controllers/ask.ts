import { refusal } from '../resolve/permission.ts';
import { sourceKey, sourcesOf, type SourceKey, type SourceState } from '../resolve/resolve.ts';
import type { WantedSet } from '../resolve/wanted.ts';
import { readStore } from '../sources/kubernetes.ts';
import type { SourceAnswer } from '../sources/source.ts';
import type { VaultAnswer, VaultSource } from '../sources/vault/source.ts';
import { vaultTarget } from '../sources/vault/target.ts';
import type { View } from './view.ts';
import type { World } from './world.ts';

export interface AskDependencies {
  readonly world: Pick<World, 'credentials'>;
  readonly vault: Pick<VaultSource, 'read'>;
  readonly systemNamespace: string;
  readonly storePrefix: string;
  readonly vaultHosts: readonly string[];
  /** Somebody could not read this integration: its status should say so before its next check. */
  readonly onVaultFailure?: (id: string) => void;
}

export interface Asking {
  /** The domain of the namespace that asks; undefined if it has none. */
  readonly domain: string | undefined;
  /** Values read by a request that started before this moment (monotonic milliseconds) are not good enough. */
  readonly notBefore: number;
  readonly signal: AbortSignal;
}

export type Answers =
  | { readonly kind: 'states'; readonly states: ReadonlyMap<SourceKey, SourceState> }
  | { readonly kind: 'later'; readonly afterMs: number };

/** Asks every source of a set at once, each only after the permission check; "later" if one is not free now. */
export async function ask(
  wanted: WantedSet,
  asking: Asking,
  view: View,
  deps: AskDependencies,
): Promise<Answers> {
  const sources = sourcesOf(wanted);
  const answers = await Promise.all(
    sources.map(async (source): Promise<[SourceKey, SourceAnswer | SourceState]> => {
      const refused = refusal(asking.domain, source, (id) => view.integration(id)?.spec);
      if (refused) return [sourceKey(source), { kind: 'failed', ...refused }];
      if (source.type === 'KUBERNETES') return [sourceKey(source), storeAnswer(source.id, view, deps)];
      const answer = await askVault(source.id, asking, view, deps);
      if (answer.kind === 'failed') deps.onVaultFailure?.(source.id);
      return [sourceKey(source), answer];
    }),
  );
  const waits = answers.flatMap(([, answer]) => (answer.kind === 'later' ? answer.afterMs : []));
  if (waits.length > 0) return { kind: 'later', afterMs: Math.max(...waits) };
  return { kind: 'states', states: new Map(answers as [SourceKey, SourceState][]) };
}

/** Reads the path of one integration, without asking who may use it. */
export async function askVault(
  id: string,
  { notBefore, signal }: Pick<Asking, 'notBefore' | 'signal'>,
  view: Pick<View, 'integration'>,
  deps: AskDependencies,
): Promise<VaultAnswer> {
  const found = view.integration(id);
  if (!found) {
    return {
      kind: 'failed',
      location: id,
      reason: 'IntegrationNotFound',
      message: `there is no VaultIntegration ${id}`,
    };
  }
  const { metadata, spec } = found;
  const target = vaultTarget(
    { name: metadata.name, spec },
    (name) => deps.world.credentials.get(`${deps.systemNamespace}/${name}`),
    { vaultHosts: deps.vaultHosts },
  );
  if (target.kind === 'failed') return target;
  return deps.vault.read(target, { notBefore, signal });
}

function storeAnswer(id: string, view: View, deps: AskDependencies): SourceAnswer {
  const { systemNamespace, storePrefix: prefix } = deps;
  return readStore({
    prefix,
    systemNamespace,
    id,
    getSecret: (name) => view.store(name),
  });
}
