import { z } from 'zod';
import type { Caller } from '../../aggregation/resource.ts';
import { GROUP } from '../../api/names.ts';
import type { Source } from '../../resolve/place.ts';
import { storeId } from '../../sources/kubernetes.ts';
import { usedBy, usersOf, type UsedByDependencies } from '../secret-keys/used-by.ts';

export interface DeletionDependencies extends UsedByDependencies {
  readonly systemNamespace: string;
  readonly storePrefix: string;
  readonly log?: { warn(fields: object, message: string): void };
}

/** The same shapes as an HTTPS server of ours has. */
export interface DeletionRequest {
  readonly body: unknown;
  readonly signal: AbortSignal;
}

const API_VERSION = 'admission.k8s.io/v1';

const review = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1).max(128),
    operation: z.string(),
    resource: z.object({ group: z.string(), resource: z.string() }),
    namespace: z.string().nullish(),
    name: z.string().nullish(),
    oldObject: z.object({ metadata: z.object({ name: z.string() }) }).nullish(),
    userInfo: z.object({
      username: z.string().nullish(),
      uid: z.string().nullish(),
      groups: z.array(z.string()).nullish(),
      extra: z.record(z.string(), z.array(z.string())).nullish(),
    }),
  }),
});
type Request = z.infer<typeof review>['request'];

/**
 * Answers the review of a deletion: it is always allowed, with warnings if references or storages still name what is deleted. Never
 * rejects; a body that is no such review has no uid to answer to and is a bad request.
 */
export function deletionWarnings(
  deps: DeletionDependencies,
): (request: DeletionRequest) => Promise<{ readonly status: number; readonly body: unknown }> {
  return async ({ body, signal }) => {
    const parsed = review.safeParse(body);
    if (!parsed.success) {
      return { status: 400, body: { message: `the body is not an AdmissionReview of ${API_VERSION}` } };
    }
    const { request } = parsed.data;
    const warnings = await warningsFor(request, signal, deps).catch((error: unknown) => {
      deps.log?.warn({ err: error }, 'a deletion could not be warned about');
      return [];
    });
    const response = { uid: request.uid, allowed: true, ...(warnings.length > 0 && { warnings }) };
    return { status: 200, body: { apiVersion: API_VERSION, kind: 'AdmissionReview', response } };
  };
}

async function warningsFor(
  request: Request,
  signal: AbortSignal,
  deps: DeletionDependencies,
): Promise<readonly string[]> {
  const found = deletedSource(request, deps);
  if (!found) return [];
  const { source, what } = found;
  return usedBy(what, usersOf(source, deps.world), callerOf(request), signal, deps);
}

/** What references and storages call that which is deleted; undefined if it is nothing that they can name. */
function deletedSource(
  { operation, resource, namespace, name, oldObject }: Request,
  { systemNamespace, storePrefix }: DeletionDependencies,
): { readonly source: Source; readonly what: string } | undefined {
  if (operation !== 'DELETE' || namespace !== systemNamespace) return undefined;
  // Of a collection each object comes by itself, and older servers give its name in the object only.
  const deleted = oldObject?.metadata.name ?? name ?? '';
  if (resource.group === GROUP && resource.resource === 'vaultintegrations') {
    return { source: { type: 'VAULT', id: deleted }, what: `VaultIntegration ${deleted}` };
  }
  const id = storeId(storePrefix, deleted);
  if (resource.group !== '' || resource.resource !== 'secrets' || id === undefined) return undefined;
  return { source: { type: 'KUBERNETES', id }, what: `the store of ${id} (Secret ${deleted})` };
}

function callerOf({ userInfo: { username, uid, groups, extra } }: Request): Caller {
  return { user: username ?? '', uid: uid ?? undefined, groups: groups ?? [], extra: extra ?? {} };
}
