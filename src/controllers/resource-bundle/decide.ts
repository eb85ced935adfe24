import { isDeepStrictEqual } from 'node:util';
import type { Permission } from '../../api/resource-bundle.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { bound } from '../../resolve/problem.ts';
import { done, type Told } from '../../runtime/outcome.ts';
import { PERMISSIONS, type Grant, type RoleSubject, type Rule } from './grants.ts';

/** A Role of the system namespace, as far as it is Fairlead's to look after. */
export interface LiveRole {
  readonly metadata: Readonly<KubeObject['metadata']>;
  readonly rules: readonly Rule[];
}

export interface LiveBinding {
  readonly metadata: Readonly<KubeObject['metadata']>;
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects: readonly RoleSubject[];
}

/** What stands in the cluster under the names of one bundle's Roles. */
export interface LiveGrant {
  readonly role: LiveRole | undefined;
  readonly binding: LiveBinding | undefined;
}

export type Step =
  | { readonly do: 'delete'; readonly what: 'role' | 'binding'; readonly of: KubeObject['metadata'] }
  | { readonly do: 'apply'; readonly what: 'role'; readonly object: Grant['role'] }
  | { readonly do: 'apply'; readonly what: 'binding'; readonly object: Grant['binding'] };

/**
 * What has to be written so that the cluster says what the bundle says: nothing if it does. What is taken away goes
 * first, and a binding before its Role; what is given comes after, and a Role before its binding.
 */
export function plan(
  wanted: ReadonlyMap<Permission, Grant>,
  live: (permission: Permission) => LiveGrant,
): readonly Step[] {
  const removals: Step[] = [];
  const writes: Step[] = [];
  for (const permission of PERMISSIONS) {
    const grant = wanted.get(permission);
    const { role, binding } = live(permission);
    // Where a binding leads cannot be changed: one that leads elsewhere is made anew.
    const astray = grant && binding && !isDeepStrictEqual(binding.roleRef, grant.binding.roleRef);
    if (binding && (!grant || astray)) removals.push({ do: 'delete', what: 'binding', of: binding.metadata });
    if (role && !grant) removals.push({ do: 'delete', what: 'role', of: role.metadata });
    if (!grant) continue;
    if (!role || !isSame(role.metadata, grant.role.metadata, role.rules, grant.role.rules))
      writes.push({ do: 'apply', what: 'role', object: grant.role });
    const { metadata, subjects } = grant.binding;
    if (!binding || astray || !isSame(binding.metadata, metadata, binding.subjects, subjects))
      writes.push({ do: 'apply', what: 'binding', object: grant.binding });
  }
  return [...removals, ...writes];
}

/** Labels and owners that others add are theirs. */
function isSame(
  live: LiveRole['metadata'],
  wanted: Grant['role']['metadata'],
  said: unknown,
  meant: unknown,
): boolean {
  const hasLabels = Object.entries(wanted.labels).every(([label, value]) => live.labels?.[label] === value);
  const hasOwners = wanted.ownerReferences.every((owner) =>
    live.ownerReferences?.some((one) => isDeepStrictEqual(one, owner)),
  );
  return hasLabels && hasOwners && isDeepStrictEqual(said, meant);
}

/** What the status of a bundle says once everything is written. */
export function bundleOutcome(wanted: ReadonlyMap<Permission, Grant>, integrations: readonly string[]): Told {
  if (integrations.length === 0)
    return done('Granted', 'no VaultIntegration has this spec.resourceBundle, so nobody is granted anything');
  if (wanted.size === 0) return done('Granted', 'spec.permissions is empty, so nobody is granted anything');
  const each = [...wanted].map(
    ([permission, { binding }]) => `${permission} to ${binding.subjects.length} subjects`,
  );
  return done('Granted', bound(`${each.join(', ')} on ${integrations.length} integrations`));
}
