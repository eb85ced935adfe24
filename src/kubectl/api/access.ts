import { KubeError } from '../../kube/errors.ts';
import type { Resource } from '../../kube/objects.ts';
import type { Api } from './api.ts';

const REVIEWS: Resource = {
  ...{ group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', namespaced: false },
};

export interface Question {
  readonly verb: string;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
}

/** May the caller do this? `unknown` if they may not even ask. */
export async function mayI(api: Pick<Api, 'create'>, question: Question): Promise<'yes' | 'no' | 'unknown'> {
  const { verb, resource, namespace = '', name = '' } = question;
  const resourceAttributes = { verb, group: resource.group, resource: resource.plural, namespace, name };
  const body = {
    ...{
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    },
  };
  try {
    const { status } = await api.create<{ status?: { allowed?: boolean; denied?: boolean } }>(
      REVIEWS,
      undefined,
      body,
    );
    return status?.allowed === true && status.denied !== true ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof KubeError && error.code === 'Forbidden') return 'unknown';
    throw error;
  }
}
