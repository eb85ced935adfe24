import { resolve, type Resolution } from '../resolve/resolve.ts';
import type { WantedSet } from '../resolve/wanted.ts';
import { later, type Outcome } from '../runtime/outcome.ts';
import { ask } from './ask.ts';
import { switchedOffResolution, type SecretsV2 } from './secrets-v2.ts';
import { RECENT_MS, type StatusDependencies } from './status.ts';
import { cachedView } from './view.ts';

export type CheckDependencies = StatusDependencies & SecretsV2;

/** How each part of a reference or of a storage is found, for its status; or when a source can be asked again. */
export async function check(
  wanted: WantedSet,
  namespace: string,
  signal: AbortSignal,
  deps: CheckDependencies,
): Promise<Resolution | Outcome> {
  if (!deps.secretsV2) return switchedOffResolution(wanted);
  const domain = deps.world.namespaces.get(namespace)?.domain;
  const asking = { domain, notBefore: deps.clock.now() - RECENT_MS, signal };
  const answers = await ask(wanted, asking, cachedView(deps.world, deps.systemNamespace), deps);
  return answers.kind === 'later' ? later(answers.afterMs) : resolve(wanted, answers.states);
}
