import type { VaultIntegrationStatus } from '../../src/api/vault-integration.ts';
import { until, type KubeJson } from './cluster.ts';
import { SYSTEM, type Platform } from './platform.ts';

/** Integrations with any login on a whole Fairlead, and the objects of the system namespace that they name. */

export interface Bound {
  readonly host: string;
  readonly bundle?: string;
}

function metadata(name: string, { host, bundle }: Bound): object {
  return {
    name,
    namespace: SYSTEM,
    annotations: {
      'fairlead.dev/vault-host': host,
      ...(bundle !== undefined && { 'fairlead.dev/resource-bundle': bundle }),
    },
  };
}

export function loginSecret(
  name: string,
  bound: Bound,
  stringData: Readonly<Record<string, string>>,
  type = 'fairlead.dev/vault-credentials',
): object {
  return { apiVersion: 'v1', kind: 'Secret', type, metadata: metadata(name, bound), stringData };
}

export function loginAccount(name: string, bound: Bound): object {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(name, bound) };
}

/** As `spec` says, for every domain. */
export function vaultIntegration(name: string, spec: object): KubeJson {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'VaultIntegration',
    metadata: { name, namespace: SYSTEM },
    spec: { displayName: name, domains: ['*'], ...spec },
  };
}

interface Ready {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The status of an integration, once its Ready condition has this reason and concerns the spec as it is. */
export async function settled(
  p: Platform,
  name: string,
  reason: string,
): Promise<VaultIntegrationStatus & { readonly ready: Ready }> {
  return until(`${name} to be ${reason}`, async () => {
    const { status, metadata } = await p.k.get('vaultintegration', SYSTEM, name);
    const ready = status?.conditions?.find(({ type }: KubeJson) => type === 'Ready');
    if (ready?.reason === reason && status.observedGeneration === metadata.generation)
      return { ...status, ready };
    throw new Error(JSON.stringify(ready ?? 'no status'));
  });
}
