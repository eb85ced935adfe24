import type { AuditLog } from '../../audit/log.ts';
import type { TargetDependencies } from '../../controllers/targets.ts';
import type { World } from '../../controllers/world.ts';
import type { AccessReviews } from '../../kube/access-review.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { VaultSource } from '../../sources/vault/source.ts';

/** What this API sees of the cluster; of the stores it looks at the names of their keys only. */
export type KeysWorld = Pick<
  World,
  | 'references'
  | 'storages'
  | 'integrations'
  | 'namespaces'
  | 'stores'
  | 'credentials'
  | 'certificates'
  | 'serviceAccounts'
  | 'configMaps'
>;

export interface SecretKeyDependencies extends TargetDependencies {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly world: KeysWorld;
  readonly storePrefix: string;
  readonly vault: Pick<VaultSource, 'read'>;
  readonly reviews: Pick<AccessReviews, 'allowed'>;
  readonly audit: Pick<AuditLog, 'intend' | 'conclude' | 'note'>;
  /** While Fairlead's fence does not stand, nothing is written. */
  readonly guard: { problem(): Problem | undefined };
  /** At least 0 and less than 1; for tests. */
  readonly random?: () => number;
}
