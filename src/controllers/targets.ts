import type { SourceFailure } from '../sources/source.ts';
import type { SystemObjects } from '../sources/vault/credentials.ts';
import type { Place } from '../sources/vault/path.ts';
import { vaultTarget, type TargetOptions, type VaultTarget } from '../sources/vault/target.ts';
import type { View } from './view.ts';
import type { World } from './world.ts';

export interface TargetDependencies {
  readonly world: NamedByIntegrations;
  readonly systemNamespace: string;
  /** What the operator allows integrations. */
  readonly allowed: TargetOptions;
}

type NamedByIntegrations = Pick<World, 'credentials' | 'certificates' | 'serviceAccounts' | 'configMaps'>;

/** What an integration means, or a place below its path: where to read, and how to log in. */
export function targetOf(
  id: string,
  view: Pick<View, 'integration'>,
  { world, systemNamespace, allowed }: TargetDependencies,
  place: Place = {},
): VaultTarget | SourceFailure {
  const found = view.integration(id);
  if (!found) {
    const message = `there is no VaultIntegration ${id}`;
    return { kind: 'failed', location: id, reason: 'IntegrationNotFound', message };
  }
  const integration = { name: found.metadata.name, spec: found.spec };
  return vaultTarget(integration, systemObjects(world, systemNamespace), allowed, place);
}

function systemObjects(world: NamedByIntegrations, namespace: string): SystemObjects {
  const key = (name: string) => `${namespace}/${name}`;
  return {
    secret: (name) => world.credentials.get(key(name)) ?? world.certificates.get(key(name)),
    serviceAccount: (name) => world.serviceAccounts.get(key(name)),
    configMap: (name) => world.configMaps.get(key(name)),
  };
}
