import type { Node } from 'yaml';
import type { SecretObject } from '../../api/secret-object.ts';
import type { Draft } from './draft.ts';

/** What has become of one placeholder or secret object. */
export interface Move {
  /** `variable DB_PASSWORD of container main`. */
  readonly what: string;
  /** Of the reference; or a property. */
  readonly variable?: string;
  readonly property?: string;
  readonly secret: SecretObject;
  /** Its key, unless it was a secret object. */
  readonly placeholder?: string;
}

/** What the parts of a migration share while they go through one workload. */
export interface Context {
  readonly draft: Draft;
  readonly secretFor: (key: string) => SecretObject;
  readonly move: (move: Move, at: Node) => void;
  /** Why this text keeps its placeholder. */
  readonly leave: (at: Node, why: string) => void;
  /** For `storageSecret`. */
  readonly storageProperty: string | undefined;
}
