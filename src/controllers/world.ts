import { CREDENTIALS_TYPE, DELIVERY_LABEL } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { Reflector, type ReflectorHooks } from '../kube/reflector.ts';
import { sourceKey } from '../resolve/resolve.ts';
import type { Clock } from '../runtime/clock.ts';
import { storeId } from '../sources/kubernetes.ts';
import {
  custom,
  domainNamespace,
  gatedPod,
  systemSecret,
  type DomainNamespace,
  type GatedPod,
  type Integration,
  type Reference,
  type SystemSecret,
} from './objects.ts';

/** What Fairlead sees of the cluster, kept current by watches: one reflector for each kind of object. */
export interface World {
  readonly pods: Reflector<GatedPod>;
  readonly references: Reflector<Reference>;
  readonly integrations: Reflector<Integration>;
  readonly namespaces: Reflector<DomainNamespace>;
  readonly stores: Reflector<SystemSecret>;
  readonly credentials: Reflector<SystemSecret>;
}

export interface WorldOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly systemNamespace: string;
  readonly storePrefix: string;
  readonly hooks?: ReflectorHooks;
}

export function world({ client, clock, systemNamespace, storePrefix, hooks = {} }: WorldOptions): World {
  const common = { client, clock, hooks };
  return {
    // Pending, not "unscheduled": a pod whose gate somebody else lifted may be on a node already, waiting for
    // a delivery that nobody made. Running pods leave the cache.
    pods: new Reflector({
      ...common,
      name: 'pods',
      resource: RESOURCES.pods,
      labelSelector: DELIVERY_LABEL,
      fieldSelector: 'status.phase=Pending',
      project: (raw) => gatedPod(raw, clock.now()),
      indexes: {
        namespace: (pod) => [pod.metadata.namespace ?? ''],
        reference: (pod) => pod.references.map((name) => `${pod.metadata.namespace}/${name}`),
        placeholders: (pod) => (pod.placeholders.length > 0 ? ['yes'] : []),
      },
    }),
    references: new Reflector({
      ...common,
      name: 'secretreferences',
      resource: RESOURCES.secretReferences,
      project: custom<Reference>,
      indexes: {
        namespace: (reference) => [reference.metadata.namespace ?? ''],
        source: (reference) => [...new Set(reference.spec.env.map(({ secret }) => sourceKey(secret.source)))],
      },
    }),
    integrations: new Reflector({
      ...common,
      name: 'vaultintegrations',
      resource: RESOURCES.vaultIntegrations,
      namespace: systemNamespace,
      project: custom<Integration>,
      indexes: {
        credentials: ({ spec: { auth } }) =>
          [auth.appRole?.secretIdRef.name, auth.token?.secretRef.name].filter((name) => name !== undefined),
        displayName: ({ spec }) => [spec.displayName],
      },
    }),
    namespaces: new Reflector({
      ...common,
      name: 'namespaces',
      resource: RESOURCES.namespaces,
      project: domainNamespace,
    }),
    stores: new Reflector({
      ...common,
      name: 'stores',
      resource: RESOURCES.secrets,
      namespace: systemNamespace,
      fieldSelector: 'type=Opaque',
      project: (raw) => systemSecret(raw, (name) => storeId(storePrefix, name) !== undefined),
    }),
    credentials: new Reflector({
      ...common,
      name: 'credentials',
      resource: RESOURCES.secrets,
      namespace: systemNamespace,
      fieldSelector: `type=${CREDENTIALS_TYPE}`,
      project: (raw) => systemSecret(raw, () => true),
    }),
  };
}

export function reflectors(of: World): readonly Reflector<never>[] {
  return Object.values(of) as readonly Reflector<never>[];
}
