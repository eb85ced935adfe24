import type { Tail } from './chain.ts';

/** On whose behalf something was decided. */
export type Actor =
  | {
      readonly kind: 'pod';
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly serviceAccount: string;
    }
  | {
      readonly kind: 'user';
      readonly name: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
    }
  | { readonly kind: 'controller'; readonly namespace: string; readonly name: string };

/** What was asked for. The last four are the words of the API for keys. */
export type Action = 'resolve' | 'deliver' | 'list-keys' | 'write-key' | 'delete-key' | 'test-connection';

/**
 *  allowed    the decision is yes; of a delivery: it is about to be made
 *  delivered  the delivery was made and the pod was let go
 *  refused    not permitted, by Fairlead's rules or by the API server
 *  failed     permitted, but it could not be done: a source that is down, a key that is not there
 */
export type Outcome = 'allowed' | 'delivered' | 'refused' | 'failed';

/** One decision. security: never a value nor a hash of one; `message` is a text of ours. */
export interface AuditRecord {
  readonly actor: Actor;
  readonly action: Action;
  /** Of the workload or reference that asks. */
  readonly namespace: string;
  /** The SecretReference; of a pod all that it names, as in its annotation. */
  readonly reference?: string | undefined;
  /** The StorageConfig, likewise. */
  readonly storage?: string | undefined;
  /** The variable, or the import: `envFrom[0] of warehouse`. */
  readonly entry?: string | undefined;
  readonly source?: { readonly type: string; readonly id: string } | undefined;
  /** The name of the key in the source. */
  readonly key?: string | undefined;
  /** Where it was read: `https://vault.example.com:8200/v1/secret/data/app`, `Secret fairlead-system/x`. */
  readonly path?: string | undefined;
  /** That was read; VAULT only. */
  readonly version?: number | undefined;
  /** How many variables an import or a delivery makes. */
  readonly variables?: number | undefined;
  /** How many Spark properties a delivery makes; absent for none. */
  readonly properties?: number | undefined;
  /** The name of the delivery's Secret. */
  readonly delivery?: string | undefined;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly message?: string | undefined;
}

/** Why decisions are not in the file: too many refusals of one namespace, or the file could not be written. */
export type LeftOutWhy = 'limited' | 'unwritable';

export type CheckpointWhy = 'interval' | 'rotation' | 'recovered' | 'stop';

/** Lines that tell of the audit itself. */
export type Housekeeping =
  | {
      readonly action: 'chain-start';
      /** Of the replica that writes. */
      readonly identity: string;
      /** The uid of the Secret that holds the key of this chain. */
      readonly key: string;
      /** The last line, of the chain before, that was anchored in the cluster. */
      readonly after?: Tail | undefined;
      /** The number of the part of the file in which it begins. */
      readonly part?: number | undefined;
    }
  | {
      readonly action: 'checkpoint';
      readonly why: CheckpointWhy;
      /** Decisions in this chain so far, and those that were left out. */
      readonly records: number;
      readonly leftOut: number;
      /** At a rotation: the number of the part that ends with this line. */
      readonly part?: number | undefined;
      /** The last line of each chain in the parts that are deleted, with the number of its part. */
      readonly pruned?: readonly (Tail & { readonly part: number })[] | undefined;
      /** How much is deleted of which nothing proves what it was. */
      readonly unverified?: number | undefined;
    }
  | {
      readonly action: 'left-out';
      readonly namespace: string;
      readonly why: LeftOutWhy;
      readonly count: number;
    };

/** What a line says, in the order in which it stands there. */
export type Body = { readonly time: string } & Readonly<Record<string, unknown>>;

export function housekeeping(line: Housekeeping, at: Date): Body {
  return { time: at.toISOString(), ...line };
}

/** Field by field: whatever else the object has does not get into the file. */
export function recordBody(record: AuditRecord, at: Date): Body {
  const { actor, action, namespace, reference, storage, entry, source, key, path, version } = record;
  const { variables, properties, delivery, outcome, reason, message } = record;
  return {
    time: at.toISOString(),
    actor: actorBody(actor),
    ...{ action, namespace, reference, storage, entry },
    ...(source && { source: { type: source.type, id: source.id } }),
    ...{ key, path, version, variables, properties, delivery, outcome, reason, message },
  };
}

function actorBody(actor: Actor): Actor {
  switch (actor.kind) {
    case 'pod': {
      const { kind, namespace, name, uid, serviceAccount } = actor;
      return { kind, namespace, name, uid, serviceAccount };
    }
    case 'user': {
      const { kind, name, uid, groups } = actor;
      return { kind, name, ...(uid !== undefined && { uid }), ...(groups && { groups: [...groups] }) };
    }
    case 'controller': {
      const { kind, namespace, name } = actor;
      return { kind, namespace, name };
    }
  }
}
