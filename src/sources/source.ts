import type { Reason } from '../api/reasons.ts';

/**
 * One value as its source keeps it. Strings come from Vault (JSON; they may hold lone surrogates), bytes from a
 * Kubernetes Secret. Numbers, booleans, null, objects and arrays of a KV secret come as their exact JSON text.
 */
export type FieldValue = string | Uint8Array;

/** What a source says about one place: all its fields, why it cannot say, or "not just now". */
export type SourceAnswer =
  | {
      readonly kind: 'fields';
      /** Where the fields were read, for messages: `Secret fairlead-system/iomete-secret-store-marketing`. */
      readonly location: string;
      readonly fields: ReadonlyMap<string, FieldValue>;
      /** VAULT only: the version of the KV v2 secret. */
      readonly version?: number;
    }
  | {
      readonly kind: 'failed';
      readonly location: string;
      readonly reason: Reason;
      /** Stable text for people: no value, no time, no counter. Names the HTTP status where there is one. */
      readonly message: string;
      /** Milliseconds until asking again can make a difference; absent: nothing is known. */
      readonly retryAfterMs?: number;
    }
  /** Capacity or coalescing: come back in so many milliseconds. Not a failure, nothing to report. */
  | { readonly kind: 'later'; readonly afterMs: number };

export type SourceFields = Extract<SourceAnswer, { kind: 'fields' }>;
export type SourceFailure = Extract<SourceAnswer, { kind: 'failed' }>;
