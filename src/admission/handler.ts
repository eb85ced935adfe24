import { podPatch } from './json-patch.ts';
import { mutatePod, type PodOptions } from './pod.ts';
import type { Pod } from './pod-shape.ts';
import { isPodCreation, parseReview, refusal, review, type AdmissionReview } from './review.ts';

/** The URL paths of the two webhook entries, and what each says about the namespace. */
export const WEBHOOK_PATHS = {
  '/mutate/pods': { legacy: false },
  '/mutate/legacy-pods': { legacy: true },
} as const satisfies Record<string, PodOptions>;

export type Admission =
  | { readonly status: 200; readonly body: AdmissionReview }
  | { readonly status: 400; readonly body: { readonly message: string } };

/**
 * Answers one AdmissionReview v1 for the creation of a pod. A body that is no such review has no uid to answer to
 * and is a bad request; any other review is refused in the review. Never throws on input, has no side effects
 * (a dry run is like any other), and quotes no env value.
 */
export function admit(body: unknown, options: PodOptions): Admission {
  const request = parseReview(body);
  if (!request)
    return { status: 400, body: { message: 'the body is not an AdmissionReview of admission.k8s.io/v1' } };
  return { status: 200, body: answer(request, options) };
}

function answer(request: NonNullable<ReturnType<typeof parseReview>>, options: PodOptions): AdmissionReview {
  const { uid } = request;
  if (!isPodCreation(request))
    return refusal(uid, 400, 'Fairlead admits the creation of pods and nothing else');
  const mutation = mutatePod(request, options);
  switch (mutation.kind) {
    case 'denied':
      return refusal(uid, 403, mutation.message);
    case 'unchanged':
      return review({ uid, allowed: true, ...withWarnings(mutation.warnings) });
    case 'patched': {
      const patch = JSON.stringify(podPatch(request.object as Pod, mutation.pod));
      return review({
        uid,
        allowed: true,
        ...withWarnings(mutation.warnings),
        patchType: 'JSONPatch',
        patch: Buffer.from(patch).toString('base64'),
      });
    }
  }
}

function withWarnings(warnings: readonly string[]) {
  return warnings.length > 0 ? { warnings } : {};
}
