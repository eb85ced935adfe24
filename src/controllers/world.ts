import { CREDENTIALS_TYPE, DELIVERY_LABEL, VAULT_HOST_ANNOTATION } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Reflector, type ReflectorHooks } from '../kube/reflector.ts';
import { placeKey, sourceKey } from '../resolve/place.ts';
import { placesIn, placesInStorage, sourcesOf, sourcesOfStorage } from '../resolve/wanted.ts';
import type { Clock } from '../runtime/clock.ts';
import { storeId } from '../sources/kubernetes.ts';
import { TLS_TYPE } from '../sources/vault/credentials.ts';
import type { LiveBinding, LiveRole } from './resource-bundle/decide.ts';
import { liveBinding, liveRole } from './resource-bundle/objects.ts';
import {
  caConfigMap,
  custom,
  domainNamespace,
  gatedPod,
  namedBy,
  serviceAccount,
  storageWithoutKeys,
  systemSecret,
  type BoundAccount,
  type Bundle,
  type CaConfigMap,
  type DomainNamespace,
  type GatedPod,
  type Integration,
  type Reference,
  type StorageConfig,
  type SystemSecret,
} from './objects.ts';

/** What Fairlead sees of the cluster, kept current by watches: one reflector for each kind of object. */
export interface World {
  readonly pods: Reflector<GatedPod>;
  readonly references: Reflector<Reference>;
  readonly storages: Reflector<StorageConfig>;
  readonly integrations: Reflector<Integration>;
  readonly namespaces: Reflector<DomainNamespace>;
  readonly stores: Reflector<SystemSecret>;
  readonly credentials: Reflector<SystemSecret>;
  /** Secrets that cert-manager and others keep certificates in. */
  readonly certificates: Reflector<SystemSecret>;
  readonly serviceAccounts: Reflector<BoundAccount>;
  readonly configMaps: Reflector<CaConfigMap>;
  readonly bundles: Reflector<Bundle>;
  readonly roles: Reflector<LiveRole>;
  readonly roleBindings: Reflector<LiveBinding>;
}

export interface WorldOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly systemNamespace: string;
  readonly storePrefix: string;
  readonly hooks?: ReflectorHooks;
  /** Whether the keys that stand in StorageConfigs in plain text are kept. */
  readonly plainKeys?: boolean;
}

export function world(options: WorldOptions): World {
  const { client, clock, systemNamespace, storePrefix, hooks = {}, plainKeys = true } = options;
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
        storage: (pod) => pod.storages.map((name) => `${pod.metadata.namespace}/${name}`),
        placeholders: (pod) => (pod.placeholders.length > 0 || pod.spark?.configMap ? ['yes'] : []),
      },
    }),
    references: new Reflector({
      ...common,
      name: 'secretreferences',
      resource: RESOURCES.secretReferences,
      project: custom<Reference>,
      indexes: {
        namespace: (reference) => [reference.metadata.namespace ?? ''],
        source: (reference) => [...new Set(sourcesOf(reference.spec).map(sourceKey))],
        place: (reference) => placesIn(reference.spec).map(placeKey),
      },
    }),
    storages: new Reflector({
      ...common,
      name: 'storageconfigs',
      resource: RESOURCES.storageConfigs,
      project: plainKeys ? custom<StorageConfig> : storageWithoutKeys,
      indexes: {
        namespace: (storage) => [storage.metadata.namespace ?? ''],
        source: (storage) => [...new Set(sourcesOfStorage(storage.spec).map(sourceKey))],
        place: (storage) => placesInStorage(storage.spec).map(placeKey),
      },
    }),
    integrations: new Reflector({
      ...common,
      name: 'vaultintegrations',
      resource: RESOURCES.vaultIntegrations,
      namespace: systemNamespace,
      project: custom<Integration>,
      indexes: {
        secrets: ({ spec }) => namedBy(spec).secrets,
        serviceAccounts: ({ spec }) => namedBy(spec).serviceAccounts,
        configMaps: ({ spec }) => namedBy(spec).configMaps,
        displayName: ({ spec }) => [spec.displayName],
        bundle: ({ spec }) => (spec.resourceBundle === undefined ? [] : [spec.resourceBundle]),
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
    certificates: new Reflector({
      ...common,
      name: 'certificates',
      resource: RESOURCES.secrets,
      namespace: systemNamespace,
      fieldSelector: `type=${TLS_TYPE}`,
      // Fairlead's own serving key, for one, is nobody's business here.
      project: (raw) => systemSecret(raw, () => isBound(raw)),
    }),
    serviceAccounts: new Reflector({
      ...common,
      name: 'serviceaccounts',
      resource: RESOURCES.serviceAccounts,
      namespace: systemNamespace,
      project: serviceAccount,
    }),
    configMaps: new Reflector({
      ...common,
      name: 'configmaps',
      resource: RESOURCES.configMaps,
      namespace: systemNamespace,
      project: caConfigMap,
    }),
    bundles: new Reflector({
      ...common,
      name: 'resourcebundles',
      resource: RESOURCES.resourceBundles,
      namespace: systemNamespace,
      project: custom<Bundle>,
    }),
    // All of the namespace: a label that says whose they are could be taken away, and the Role would be forgotten.
    roles: new Reflector({
      ...common,
      name: 'roles',
      resource: RESOURCES.roles,
      namespace: systemNamespace,
      project: liveRole,
    }),
    roleBindings: new Reflector({
      ...common,
      name: 'rolebindings',
      resource: RESOURCES.roleBindings,
      namespace: systemNamespace,
      project: liveBinding,
    }),
  };
}

function isBound({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[VAULT_HOST_ANNOTATION] !== undefined;
}

export function reflectors(of: World): readonly Reflector<never>[] {
  return Object.values(of) as readonly Reflector<never>[];
}
