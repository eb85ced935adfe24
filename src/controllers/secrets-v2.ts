import type { Problem } from '../resolve/problem.ts';
import type { Resolution } from '../resolve/resolve.ts';
import type { WantedSet } from '../resolve/wanted.ts';
import type { GatedPod } from './objects.ts';

/** --secrets-v2: SecretReferences and StorageConfigs are served, and not legacy placeholders alone. */
export interface SecretsV2 {
  readonly secretsV2: boolean;
}

const FEATURE_DISABLED: Problem = {
  reason: 'FeatureDisabled',
  message:
    'SecretReferences and StorageConfigs are switched off: Fairlead runs with --secrets-v2=false and serves legacy placeholders alone',
};

/** Why a pod gets nothing at all, its placeholders included: what else it asks for is switched off. */
export function podSwitchedOff(
  { references, storages }: Pick<GatedPod, 'references' | 'storages'>,
  { secretsV2 }: SecretsV2,
): Problem | undefined {
  return secretsV2 || references.length + storages.length === 0 ? undefined : FEATURE_DISABLED;
}

/** How a reference or a storage comes out while they are switched off: no source is asked for any part of it. */
export function switchedOffResolution({ variables, properties, imports }: WantedSet): Resolution {
  const problem = FEATURE_DISABLED;
  return {
    entries: [...variables, ...properties].map((wanted) => ({ wanted, problem })),
    imports: imports.map((wanted) => ({ wanted, problem, variables: 0 })),
    problems: [problem],
    data: new Map(),
    properties: new Map(),
    provenance: [],
  };
}
