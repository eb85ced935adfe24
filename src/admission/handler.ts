import { deliveryName } from '../deliver/name.ts';
import { mutateConfigMap } from './config-map.ts';
import { podPatch } from './json-patch.ts';
import { mutatePod, type PodOptions } from './pod.ts';
import type { Pod } from './pod-shape.ts';
import { isCreation, parseReview, refusal, review, type AdmissionReview, type Mutation } from './review.ts';

/** The URL paths of the webhook entries for pods, and what each says about the namespace. */
export const WEBHOOK_PATHS = {
  '/mutate/pods': { legacy: false },
  '/mutate/legacy-pods': { legacy: true },
} as const satisfies Record<string, PodOptions>;

/** The one of the entry for ConfigMaps of Spark drivers in legacy namespaces. */
export const CONFIG_MAPS_PATH = '/mutate/legacy-configmaps';

export type Admission =
  | { readonly status: 200; readonly body: AdmissionReview }
  | { readonly status: 400; readonly body: { readonly message: string } };

/**
 * Answers one AdmissionReview v1 for the creation of a pod. A body that is no such review has no uid to answer to
 * and is a bad request; any other review is refused in the review. Never throws on input, has no side effects
 * (a dry run is like any other), and quotes no env value.
 */
export function admit(body: unknown, options: PodOptions): Admission {
  return answered(body, 'Pod', (request) => {
    const mutation = mutatePod(request, options);
    if (mutation.kind !== 'patched') return mutation;
    return { ...mutation, patch: podPatch(request.object as Pod, mutation.pod) };
  });
}

/** The same for the creation of a ConfigMap; nothing is changed while placeholders in Spark configuration are off. */
export function admitConfigMap(body: unknown, { legacySpark }: { readonly legacySpark: boolean }): Admission {
  return answered(body, 'ConfigMap', ({ object }) =>
    legacySpark ? mutateConfigMap(object) : { kind: 'unchanged', warnings: [] },
  );
}

/** How an answer is counted. */
export function outcomeOf(admission: Admission): 'patched' | 'unchanged' | 'denied' | 'invalid' {
  if (admission.status !== 200) return 'invalid';
  const { response } = admission.body;
  if (!response.allowed) return 'denied';
  return response.patch === undefined ? 'unchanged' : 'patched';
}

/** The delivery that a pod waits for from now on; undefined if it waits for none. */
export function deliveryOf(admission: Admission): string | undefined {
  return admission.status === 200 && outcomeOf(admission) === 'patched'
    ? deliveryName(admission.body.response.uid)
    : undefined;
}

type Request = NonNullable<ReturnType<typeof parseReview>>;

function answered(
  body: unknown,
  kind: 'Pod' | 'ConfigMap',
  mutate: (request: Request) => Mutation,
): Admission {
  const request = parseReview(body);
  if (!request)
    return { status: 400, body: { message: 'the body is not an AdmissionReview of admission.k8s.io/v1' } };
  const { uid } = request;
  if (!isCreation(request, kind)) {
    const message = `Fairlead admits the creation of ${kind === 'Pod' ? 'pods' : 'ConfigMaps'} here and nothing else`;
    return { status: 200, body: refusal(uid, 400, message) };
  }
  return { status: 200, body: answer(uid, mutate(request)) };
}

function answer(uid: string, mutation: Mutation): AdmissionReview {
  switch (mutation.kind) {
    case 'denied':
      return refusal(uid, 403, mutation.message);
    case 'unchanged':
      return review({ uid, allowed: true, ...withWarnings(mutation.warnings) });
    case 'patched':
      return review({
        uid,
        allowed: true,
        ...withWarnings(mutation.warnings),
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(mutation.patch)).toString('base64'),
      });
  }
}

function withWarnings(warnings: readonly string[]) {
  return warnings.length > 0 ? { warnings } : {};
}
