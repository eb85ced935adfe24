import {
  deliveryNameOf,
  isDriver,
  isExecutor,
  ownOptions,
  placeholderKeys,
  listedNames,
  sparkConfigMap,
  type OwnOptions,
} from '../admission/pod.ts';
import {
  DELIVERED_ANNOTATION,
  DELIVERED_CONDITION,
  DOMAIN_LABEL,
  GATE,
  LEGACY_LABEL,
  REFERENCES_ANNOTATION,
  STORAGE_ANNOTATION,
} from '../api/names.ts';
import type { Condition } from '../api/schema.ts';
import type { ResourceBundleSpec, ResourceBundleStatus } from '../api/resource-bundle.ts';
import type { SecretReferenceSpec, SecretReferenceStatus } from '../api/secret-reference.ts';
import type { StorageConfigSpec, StorageConfigStatus } from '../api/storage-config.ts';
import type { VaultIntegrationSpec, VaultIntegrationStatus } from '../api/vault-integration.ts';
import type { KubeObject } from '../kube/objects.ts';

/**
 * What the caches keep of each object: only what a decision needs, so that tens of thousands fit into little
 * memory, and so that no value but those of the stores, the credentials and the storages is ever held.
 */
interface Cached {
  readonly metadata: Readonly<KubeObject['metadata']>;
}

export interface GatedPod extends Cached {
  readonly gated: boolean;
  /** The gate was lifted by us, or a pass found the delivery there. */
  readonly delivered: boolean;
  readonly deleting: boolean;
  /** What its processes are to the API server; cannot be changed after creation. */
  readonly serviceAccount: string;
  /** The one delivery that the pod's envFrom names; undefined if the webhook did not write it. */
  readonly delivery: string | undefined;
  readonly references: readonly string[];
  readonly storages: readonly string[];
  readonly placeholders: readonly string[];
  /** Absent for a pod that has nothing of Spark about it. */
  readonly spark?: SparkPod;
  readonly condition: Condition | undefined;
  /** When Fairlead first saw the pod: values must not have been read before. Monotonic milliseconds. */
  readonly seenAt: number;
}

/** What Spark has to do with a pod; a policy fixes the label of one that waits. */
export interface SparkPod {
  readonly role?: 'driver' | 'executor';
  /** The ConfigMap of a driver that spark-submit made. */
  readonly configMap?: string;
  /** Where its env names our options. */
  readonly ownOptions?: readonly OwnOptions[];
}

type RawPod = Parameters<typeof deliveryNameOf>[0] &
  KubeObject & {
    readonly spec?: {
      readonly serviceAccountName?: string;
      readonly schedulingGates?: readonly { readonly name: string }[];
    };
    readonly status?: { readonly conditions?: readonly Condition[] };
  };

export function gatedPod(raw: KubeObject, seenAt: number): GatedPod {
  const pod = raw as RawPod;
  const notes = pod.metadata.annotations ?? {};
  const delivery = deliveryNameOf(pod);
  const condition = pod.status?.conditions?.find(({ type }) => type === DELIVERED_CONDITION);
  return {
    metadata: slim(raw),
    gated: pod.spec?.schedulingGates?.some(({ name }) => name === GATE) ?? false,
    delivered: notes[DELIVERED_ANNOTATION] !== undefined || condition?.status === 'True',
    deleting: pod.metadata.deletionTimestamp !== undefined,
    serviceAccount: pod.spec?.serviceAccountName ?? 'default',
    delivery,
    references: listedNames(notes[REFERENCES_ANNOTATION] ?? ''),
    storages: listedNames(notes[STORAGE_ANNOTATION] ?? ''),
    placeholders: delivery === undefined ? [] : placeholderKeys(pod, delivery),
    ...sparkPod(pod),
    condition,
    seenAt,
  };
}

function sparkPod(pod: RawPod): { readonly spark?: SparkPod } {
  const role = isDriver(pod) ? 'driver' : isExecutor(pod) ? 'executor' : undefined;
  const [configMap, own] = [sparkConfigMap(pod), ownOptions(pod)];
  if (!role && own.length === 0) return {};
  return {
    spark: {
      ...(role && { role }),
      ...(configMap !== undefined && { configMap }),
      ...(own.length > 0 && { ownOptions: own }),
    },
  };
}

export interface Reference extends Cached {
  readonly spec: SecretReferenceSpec;
  readonly status: SecretReferenceStatus | undefined;
}

/** security: some hold keys in plain text. */
export interface StorageConfig extends Cached {
  readonly spec: StorageConfigSpec;
  readonly status: StorageConfigStatus | undefined;
}

/** Without what stands in it in plain text, for those who only look at what it names. */
export function storageWithoutKeys(raw: KubeObject): StorageConfig {
  const { metadata, status, spec } = custom<StorageConfig>(raw);
  const { accessKey: _, secretKey: _secretKey, ...rest } = spec;
  return { metadata, status, spec: rest };
}

export interface Integration extends Cached {
  readonly spec: VaultIntegrationSpec;
  readonly status: VaultIntegrationStatus | undefined;
}

export interface Bundle extends Cached {
  readonly spec: ResourceBundleSpec;
  readonly status: ResourceBundleStatus | undefined;
}

export function custom<T extends Reference | StorageConfig | Integration | Bundle>(raw: KubeObject): T {
  const { spec, status } = raw as unknown as T;
  return { metadata: slim(raw), spec, status } as T;
}

export interface DomainNamespace extends Cached {
  readonly domain: string | undefined;
  readonly legacy: boolean;
}

export function domainNamespace(raw: KubeObject): DomainNamespace {
  const labels = raw.metadata.labels ?? {};
  return {
    metadata: slim(raw),
    domain: labels[DOMAIN_LABEL] || undefined,
    legacy: labels[LEGACY_LABEL] === 'enabled',
  };
}

/** A Secret of the system namespace; `data` stays base64 until a value is needed. */
export interface SystemSecret extends Cached {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

export function systemSecret(raw: KubeObject, keep: (name: string) => boolean): SystemSecret {
  const { type = 'Opaque', data = {} } = raw as { type?: string; data?: Record<string, string> };
  const { annotations } = raw.metadata;
  return {
    metadata: { ...slim(raw), ...(annotations && { annotations }) },
    type,
    data: keep(raw.metadata.name) ? data : {},
  };
}

/** A ServiceAccount as far as it says which Vault its tokens may go to. */
export type BoundAccount = Cached;

export function serviceAccount(raw: KubeObject): BoundAccount {
  const { annotations } = raw.metadata;
  return { metadata: { ...slim(raw), ...(annotations && { annotations }) } };
}

/** A ConfigMap as far as it holds certificates; `data` is text. */
export interface CaConfigMap extends Cached {
  readonly data: Readonly<Record<string, string>>;
}

export function caConfigMap(raw: KubeObject): CaConfigMap {
  const { data = {} } = raw as { data?: Record<string, string> };
  const certificates = Object.entries(data).filter(([, text]) =>
    text.includes('-----BEGIN CERTIFICATE-----'),
  );
  return { metadata: slim(raw), data: Object.fromEntries(certificates) };
}

/** The objects of the system namespace whose change concerns an integration. */
export function namedBy({ auth, tls }: VaultIntegrationSpec): {
  readonly secrets: readonly string[];
  readonly serviceAccounts: readonly string[];
  readonly configMaps: readonly string[];
} {
  const names = (...refs: readonly ({ readonly name: string } | undefined)[]) => [
    ...new Set(refs.flatMap((ref) => ref?.name ?? [])),
  ];
  return {
    secrets: names(
      auth.jwt?.secretRef,
      auth.appRole?.roleIdRef,
      auth.appRole?.secretIdRef,
      auth.token?.secretRef,
      auth.userPass?.passwordRef,
      tls?.caSecretRef,
      tls?.clientCertSecretRef,
    ),
    serviceAccounts: names(auth.jwt?.serviceAccountRef, auth.kubernetes?.serviceAccountRef),
    configMaps: names(tls?.caConfigMapRef),
  };
}

function slim({ metadata }: KubeObject): KubeObject['metadata'] {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } =
    metadata;
  return {
    name,
    uid,
    resourceVersion,
    ...(namespace !== undefined && { namespace }),
    ...(generation !== undefined && { generation }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}
