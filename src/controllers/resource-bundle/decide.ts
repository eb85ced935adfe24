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

interface Removal {
  readonly permission: Permission;
  readonly do: 'delete';
  readonly what: 'role' | 'binding';
  readonly of: KubeObject['metadata'];
}

type Write = {
  readonly permission: Permission;
  readonly do: 'apply';
  /** Only of a write that takes something away: what has to go if it cannot be made. */
  readonly orElse?: Removal;
} & (
  | { readonly what: 'role'; readonly object: Grant['role'] }
  | { readonly what: 'binding'; readonly object: Grant['binding'] }
);

export type Step = Removal | Write;

/**
 * What has to be written so that the cluster says what the bundle says: nothing if it does. What is taken away goes
 * first: deletions, a binding before its Role, and then what grants too much. What is given comes after, a Role before
 * its binding.
 */
export function plan(
  wanted: ReadonlyMap<Permission, Grant>,
  live: (permission: Permission) => LiveGrant,
): readonly Step[] {
  const steps = PERMISSIONS.flatMap((permission) =>
    stepsFor(permission, wanted.get(permission), live(permission)),
  );
  return steps.toSorted((a, b) => rank(a) - rank(b));
}

function rank(step: Step): number {
  if (step.do === 'delete') return 0;
  return step.orElse ? 1 : 2;
}

/** What is left of a plan while nothing may be granted. */
export function onlyTakingAway(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => (step.do === 'delete' ? step : (step.orElse ?? [])));
}

function stepsFor(permission: Permission, grant: Grant | undefined, { role, binding }: LiveGrant): Step[] {
  const remove = (what: Removal['what'], live: LiveRole | LiveBinding | undefined): Removal[] =>
    live ? [{ permission, do: 'delete', what, of: live.metadata }] : [];
  if (!grant) return [...remove('binding', binding), ...remove('role', role)];

  const tooManyRights = role !== undefined && hasMoreRights(role.rules, grant.role.rules);
  const tooManySubjects = binding !== undefined && hasMoreSubjects(binding.subjects, grant.binding.subjects);
  // Where a binding leads cannot be changed. With too much on both sides, whichever came first could give the old
  // subjects the new integrations, or the new subjects the old ones. And a binding without its Role is not written.
  const anew =
    binding !== undefined &&
    (!isDeepStrictEqual(binding.roleRef, grant.binding.roleRef) ||
      (tooManySubjects && (tooManyRights || !role)));
  const kept = anew ? undefined : binding;
  const write = (takesAway: boolean) => {
    const [orElse] = takesAway ? remove('binding', kept) : [];
    return { permission, do: 'apply', ...(orElse && { orElse }) } as const;
  };

  const steps: Step[] = anew ? remove('binding', binding) : [];
  if (!role || !isSame(role.metadata, grant.role.metadata, role.rules, grant.role.rules))
    steps.push({ ...write(tooManyRights), what: 'role', object: grant.role });
  const { metadata, subjects } = grant.binding;
  if (!kept || !isSame(kept.metadata, metadata, kept.subjects, subjects))
    steps.push({ ...write(tooManySubjects), what: 'binding', object: grant.binding });
  return steps;
}

/** Whether the Role in the cluster allows something that the one of the bundle does not. No names mean all names. */
function hasMoreRights(live: readonly Rule[], wanted: readonly Rule[]): boolean {
  return !live.every((rule) =>
    wanted.some(
      (one) =>
        isWithin(rule.apiGroups, one.apiGroups) &&
        isWithin(rule.resources, one.resources) &&
        isWithin(rule.verbs, one.verbs) &&
        rule.resourceNames !== undefined &&
        rule.resourceNames.length > 0 &&
        isWithin(rule.resourceNames, one.resourceNames),
    ),
  );
}

function hasMoreSubjects(live: readonly RoleSubject[], wanted: readonly RoleSubject[]): boolean {
  const key = ({ kind, namespace = '', name }: RoleSubject) => JSON.stringify([kind, namespace, name]);
  return !isWithin(live.map(key), wanted.map(key));
}

function isWithin(some: readonly string[] = [], all: readonly string[] = []): boolean {
  const known = new Set(all);
  return some.every((one) => known.has(one));
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
