import type { Condition } from '../../api/schema.ts';
import type { SecretReferenceSpec, SecretReferenceStatus } from '../../api/secret-reference.ts';
import type { StorageConfigSpec, StorageConfigStatus } from '../../api/storage-config.ts';
import type { VaultIntegrationSpec, VaultIntegrationStatus } from '../../api/vault-integration.ts';
import type { Pod } from '../../admission/pod.ts';
import type { Seen } from '../api/see.ts';

interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SeenReference {
  readonly metadata: Meta;
  readonly spec: SecretReferenceSpec;
  readonly status?: SecretReferenceStatus;
}

export interface SeenStorage {
  readonly metadata: Meta;
  readonly spec: StorageConfigSpec;
  readonly status?: StorageConfigStatus;
}

export interface SeenIntegration {
  readonly metadata: Meta;
  readonly spec: VaultIntegrationSpec;
  readonly status?: VaultIntegrationStatus;
}

export type SeenPod = Pod & {
  readonly metadata: Meta;
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
};

export interface SeenNamespace {
  readonly metadata: Meta;
}

export interface SeenEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly reportingComponent?: string;
  readonly source?: { readonly component?: string };
}

/** All that could be learned with the caller's own rights; everything else is computed from it. */
export interface Known {
  readonly namespace: string;
  readonly systemNamespace: string;
  readonly ofNamespace: Seen<SeenNamespace>;
  /** Absent when a reference or a storage is explained. */
  readonly pod?: SeenPod;
  /** In the order in which the pod names them. */
  readonly references: ReadonlyMap<string, Seen<SeenReference>>;
  /** The same. */
  readonly storages: ReadonlyMap<string, Seen<SeenStorage>>;
  readonly integrations: ReadonlyMap<string, Seen<SeenIntegration>>;
  /** May the caller `use` this integration? */
  readonly use: ReadonlyMap<string, 'yes' | 'no' | 'unknown'>;
  readonly events: Seen<readonly SeenEvent[]>;
}
