import type { Kube } from './cluster.ts';
import { SYSTEM } from './platform.ts';

export interface SubjectOf {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  readonly namespace?: string;
}

const RBAC = 'rbac.authorization.k8s.io';

/** A subject as a RoleBinding wants it. */
function bound(subject: SubjectOf): object {
  return subject.kind === 'ServiceAccount' ? subject : { apiGroup: RBAC, ...subject };
}

/** A Role of the system namespace (or of `namespace`) with these rules, and its binding. */
export async function grant(
  k: Kube,
  name: string,
  subject: SubjectOf,
  rules: readonly object[],
  namespace = SYSTEM,
): Promise<void> {
  const metadata = { name, namespace };
  await k.apply(
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects: [bound(subject)],
    },
  );
}

export async function revoke(k: Kube, name: string, namespace = SYSTEM): Promise<void> {
  await k.run('delete', 'rolebinding,role', name, '-n', namespace, '--ignore-not-found');
}

/** Binds a ready-made ClusterRole, in one namespace or in the whole cluster. */
export async function bind(
  k: Kube,
  clusterRole: string,
  subject: SubjectOf,
  namespace?: string,
): Promise<void> {
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const name = `test-${clusterRole}-${subject.name}`;
  await k.apply({
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), labels: { test: 'permissions' } },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: clusterRole },
    subjects: [bound(subject)],
  });
}

/** `use` (or another verb) of one named thing of ours. */
export function named(resource: string, name: string, ...verbs: string[]): object {
  return { apiGroups: ['fairlead.dev'], resources: [resource], resourceNames: [name], verbs };
}

export function bundle(name: string, permissions: readonly object[], namespace = SYSTEM): object {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'ResourceBundle',
    metadata: { name, namespace },
    spec: { permissions },
  };
}
