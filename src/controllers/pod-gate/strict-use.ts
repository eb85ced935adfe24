import { GROUP, LIMITS } from '../../api/names.ts';
import { serviceAccountUser, type AccessQuestion, type AccessReviews } from '../../kube/access-review.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Problem } from '../../resolve/problem.ts';
import { sourcesOf, sourcesOfStorage } from '../../resolve/wanted.ts';
import type { GatedPod } from '../objects.ts';
import type { View } from '../view.ts';

/**
 * Strict mode (--strict-use): what a pod's ServiceAccount must be allowed to use, so that creating pods in a namespace
 * is not enough to get at all of its references: each reference and storage that the pod names, and each integration that
 * these name. Stores are open to the whole domain, and placeholders to the namespaces that are labelled for them.
 * security: whoever may create any pod chooses its ServiceAccount, too, among all of the namespace, and may choose one
 * that holds `use`. This separates workloads whose ServiceAccount somebody else has fixed.
 */
export function useQuestions(
  pod: Pick<GatedPod, 'metadata' | 'serviceAccount' | 'references' | 'storages'>,
  view: Pick<View, 'reference' | 'storage'>,
  systemNamespace: string,
): readonly AccessQuestion[] {
  const { namespace = '' } = pod.metadata;
  const ask = (resource: string, in_: string) => (name: string) => ({
    ...serviceAccountUser(namespace, pod.serviceAccount),
    verb: 'use',
    group: GROUP,
    resource,
    namespace: in_,
    name,
  });
  // A pod that names more is refused for that.
  const references = [...new Set(pod.references)].slice(0, LIMITS.referencesPerPod);
  const storages = [...new Set(pod.storages)].slice(0, LIMITS.storagesPerPod);
  const sources = [
    ...references.flatMap((name) => sourcesOf(view.reference(`${namespace}/${name}`)?.spec ?? {})),
    ...storages.flatMap((name) => sourcesOfStorage(view.storage(`${namespace}/${name}`)?.spec ?? {})),
  ];
  const vaults = sources.filter(({ type }) => type === 'VAULT');
  return [
    ...references.map(ask('secretreferences', namespace)),
    ...storages.map(ask('storageconfigs', namespace)),
    ...[...new Set(vaults.map(({ id }) => id))].map(ask('vaultintegrations', systemNamespace)),
  ];
}

export interface StrictUse {
  readonly reviews: Pick<AccessReviews, 'allowed'>;
  readonly systemNamespace: string;
}

const AT_ONCE = 8;

/** A problem for each question that is not answered with yes: no answer is a no. */
export async function useProblems(
  pod: GatedPod,
  view: Pick<View, 'reference' | 'storage'>,
  signal: AbortSignal,
  { reviews, systemNamespace }: StrictUse,
): Promise<readonly Problem[]> {
  const questions = useQuestions(pod, view, systemNamespace);
  const problems: Problem[] = [];
  for (let i = 0; i < questions.length; i += AT_ONCE) {
    const some = questions.slice(i, i + AT_ONCE);
    const answers = await Promise.all(some.map(async (question) => answer(question, pod.seenAt)));
    problems.push(...answers.filter((problem) => problem !== undefined));
  }
  return problems;

  async function answer(question: AccessQuestion, notBefore: number): Promise<Problem | undefined> {
    try {
      const allowed = await reviews.allowed(question, { notBefore, signal });
      return allowed ? undefined : { reason: 'UseForbidden', message: refusal(question) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubeError) || error.code === 'LeaseLost') throw error;
      const message = `the API server does not say whether ${question.user} may ${tell(question)} (${error.code})`;
      return { reason: 'UseForbidden', message };
    }
  }
}

function refusal({ user, ...what }: AccessQuestion): string {
  return `${user} lacks the permission to ${tell(what)}`;
}

function tell({ verb, resource, group, namespace, name }: Omit<AccessQuestion, 'user'>): string {
  return `${verb} ${resource}.${group}/${name} in namespace ${namespace}`;
}
