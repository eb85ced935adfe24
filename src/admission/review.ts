import { z } from 'zod';
import type { PatchOperation } from './json-patch.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

/** What becomes of an object. */
export type Mutation =
  | { readonly kind: 'unchanged'; readonly warnings: readonly string[] }
  | {
      readonly kind: 'patched';
      readonly patch: readonly PatchOperation[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'denied'; readonly message: string };

/** What we need of an AdmissionReview's envelope. Unknown fields are no mistake and are not looked at. */
const envelope = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  request: z.object({
    // It becomes part of a Secret's name and of a label's value (63 characters with our prefix).
    uid: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/),
    kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
    operation: z.string(),
    subResource: z.string().nullish(),
    namespace: z.string().nullish(),
    object: z.unknown(),
  }),
});

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly operation: string;
  readonly subResource?: string | null | undefined;
  readonly namespace?: string | null | undefined;
  readonly object?: unknown;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly patchType?: 'JSONPatch';
  /** base64 of the JSON patch. */
  readonly patch?: string;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
}

export interface AdmissionReview {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly response: AdmissionResponse;
}

/** The request of an AdmissionReview v1, its object as it came in; undefined if the body is something else. */
export function parseReview(body: unknown): AdmissionRequest | undefined {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return undefined;
  // zod's copies are for checking only: the object must keep what zod does not know.
  return (body as { request: AdmissionRequest }).request;
}

/** Whether it is the creation of an object of this kind of the core group. */
export function isCreation({ kind, operation, subResource }: AdmissionRequest, of: string): boolean {
  return (
    kind.group === '' &&
    kind.version === 'v1' &&
    kind.kind === of &&
    operation === 'CREATE' &&
    (subResource ?? '') === ''
  );
}

export function review(response: AdmissionResponse): AdmissionReview {
  return { apiVersion: API_VERSION, kind: KIND, response };
}

export function refusal(uid: string, code: 400 | 403, message: string): AdmissionReview {
  const reason = code === 400 ? 'BadRequest' : 'Forbidden';
  return review({ uid, allowed: false, status: { code, reason, message } });
}
