import type { KubeObject } from '../../kube/objects.ts';
import type { LiveBinding, LiveRole } from './decide.ts';
import { bundleOfRole } from './grants.ts';

/** What the caches keep of Roles and RoleBindings: of those that are not Fairlead's, nothing but the name. */
export function liveRole(raw: KubeObject): LiveRole {
  const { rules } = raw as Partial<LiveRole>;
  return { metadata: slim(raw), rules: isOurs(raw) ? (rules ?? []) : [] };
}

export function liveBinding(raw: KubeObject): LiveBinding {
  const { roleRef, subjects } = raw as unknown as LiveBinding;
  return { metadata: slim(raw), roleRef, subjects: isOurs(raw) ? (subjects ?? []) : [] };
}

function isOurs({ metadata }: KubeObject): boolean {
  return bundleOfRole(metadata.name) !== undefined;
}

/** Who wrote which field when is long and decides nothing. */
function slim(raw: KubeObject): KubeObject['metadata'] {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences } = raw.metadata;
  return {
    name,
    uid,
    resourceVersion,
    ...(namespace !== undefined && { namespace }),
    ...(isOurs(raw) && labels && { labels }),
    ...(isOurs(raw) && ownerReferences && { ownerReferences }),
  };
}
