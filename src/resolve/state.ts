import type { Problem } from './problem.ts';

/** One value as its source keeps it. JSON values that are no strings come as their JSON text. */
export type FieldValue = string | Uint8Array;
export type Fields = ReadonlyMap<string, FieldValue>;

export interface FieldsState {
  readonly kind: 'fields';
  readonly location: string;
  readonly fields: Fields;
  /** VAULT only: the version that was read. */
  readonly version?: number;
}

/** What was learned of one place, whether the source itself or the permission check said it. */
export type SourceState =
  FieldsState | ({ readonly kind: 'failed' } & Pick<Problem, 'reason' | 'message' | 'retryAfterMs'>);
