import type { Refused } from '../aggregation/options.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Action, AuditRecord } from '../audit/record.ts';
import type { PolicyGuard } from '../controllers/policies.ts';
import type { TargetDependencies } from '../controllers/targets.ts';
import { world, type WorldOptions } from '../controllers/world.ts';
import type { AccessReviews } from '../kube/access-review.ts';
import { actorOf } from '../keys/actor.ts';
import type { KeysWorld } from '../keys/secret-keys/deps.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RequestToken } from '../sources/vault/login.ts';
import type { VaultSource } from '../sources/vault/source.ts';

/** What of the cluster the API for keys has to see: no pods, nothing of bundles, and no key of a storage. */
export function keysWorld(options: WorldOptions): KeysWorld {
  const all = world({ ...options, plainKeys: false });
  const { pods: _, bundles: _bundles, roles: _roles, roleBindings: _bindings, ...rest } = all;
  return rest;
}

/** What the kinds of the API for keys are made of. */
export interface KeysDependencies {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly world: KeysWorld;
  readonly vault: VaultSource;
  readonly allowed: TargetDependencies['allowed'];
  readonly guard: PolicyGuard;
  readonly requestToken: RequestToken;
  readonly reviews: AccessReviews;
  readonly audit: AuditLog;
  readonly systemNamespace: string;
  readonly storePrefix: string;
}

const ACTIONS: Readonly<Record<NonNullable<Refused['verb']>, Action>> = {
  get: 'list-keys',
  list: 'list-keys',
  create: 'write-key',
  update: 'write-key',
  delete: 'delete-key',
};

/** Writes down who was turned away at the door; so many of each namespace, as the audit does with refusals. */
export function refusals(audit: Pick<AuditLog, 'note'>, signal: AbortSignal): (refused: Refused) => void {
  return (refused) => void audit.note(refusalRecord(refused), signal).catch(() => undefined);
}

export function refusalRecord({ caller, verb = 'get', resource, name, ...rest }: Refused): AuditRecord {
  const { namespace = '', reason, message } = rest;
  return {
    // security: whoever says who they are without a certificate has said nothing.
    actor: caller ? actorOf(caller) : { kind: 'user', name: 'system:anonymous' },
    action: resource === 'connectiontests' ? 'test-connection' : ACTIONS[verb],
    namespace: caller ? namespace : '',
    ...(name !== undefined && caller && { key: name }),
    outcome: 'refused',
    reason,
    message,
  };
}
