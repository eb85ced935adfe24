import { API_VERSION, BUNDLE_LABEL, BUNDLE_ROLE_PREFIX, GROUP } from '../../api/names.ts';
import type { Permission, ResourceBundleSpec, Subject } from '../../api/resource-bundle.ts';

/** In the order of their names. `fairlead-fence-roles` allows no other verbs, and Fairlead holds no others itself. */
const VERBS: Readonly<Record<Permission, readonly string[]>> = {
  View: ['get'],
  Use: ['use'],
  Update: ['get', 'update', 'patch'],
};
export const PERMISSIONS = Object.keys(VERBS) as readonly Permission[];

const RBAC = 'rbac.authorization.k8s.io';

/** The bundle that a Role belongs to, as owner references say it. */
export interface BundleOwner {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Role and RoleBinding have the same name. The permission comes last and has no '-': no two bundles share a name. */
export function roleName(bundle: string, permission: Permission): string {
  return `${BUNDLE_ROLE_PREFIX}${bundle}-${permission.toLowerCase()}`;
}

const ROLE_NAME = new RegExp(
  `^${BUNDLE_ROLE_PREFIX}(.+)-(?:${PERMISSIONS.map((one) => one.toLowerCase()).join('|')})$`,
);

/** The bundle by the name of its Role. Not by a label, which can be edited away. */
export function bundleOfRole(name: string): string | undefined {
  return ROLE_NAME.exec(name)?.[1];
}

/** One permission on the integrations of a bundle: what one Role and its binding say. */
export interface Grant {
  readonly role: ReturnType<typeof roleOf>;
  readonly binding: ReturnType<typeof bindingOf>;
}

/**
 * What a bundle grants. Nothing for a permission that nobody has, and nothing at all while it has no integration:
 * `resourceNames: []` would mean every integration.
 */
export function grantsOf(
  owner: BundleOwner,
  { permissions = [] }: ResourceBundleSpec,
  integrations: readonly string[],
): ReadonlyMap<Permission, Grant> {
  const names = [...new Set(integrations)].toSorted();
  const grants = new Map<Permission, Grant>();
  if (names.length === 0) return grants;
  for (const permission of PERMISSIONS) {
    const holders = permissions.filter(({ allow }) => allow.includes(permission));
    const subjects = distinct(holders.flatMap(({ subjects: all }) => all));
    if (subjects.length === 0) continue;
    const metadata = metadataOf(owner, permission);
    grants.set(permission, {
      role: roleOf(metadata, names, VERBS[permission]),
      binding: bindingOf(metadata, subjects),
    });
  }
  return grants;
}

function metadataOf({ name, namespace, uid }: BundleOwner, permission: Permission) {
  return {
    name: roleName(name, permission),
    namespace,
    labels: { [BUNDLE_LABEL]: name, 'app.kubernetes.io/managed-by': 'fairlead' },
    ownerReferences: [
      {
        apiVersion: API_VERSION,
        kind: 'ResourceBundle',
        name,
        uid,
        controller: true,
        blockOwnerDeletion: false,
      },
    ],
  };
}

type Metadata = ReturnType<typeof metadataOf>;

function roleOf(metadata: Metadata, resourceNames: readonly string[], verbs: readonly string[]) {
  const rule: Rule = { apiGroups: [GROUP], resources: ['vaultintegrations'], resourceNames, verbs };
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules: [rule] };
}

function bindingOf(metadata: Metadata, subjects: readonly RoleSubject[]) {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: RBAC, kind: 'Role', name: metadata.name },
    subjects,
  };
}

/** A subject as a RoleBinding has it. */
export interface RoleSubject {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** In a fixed order, so that the order of a bundle's permissions changes nothing. */
function distinct(subjects: readonly Subject[]): RoleSubject[] {
  const byKey = new Map(
    subjects.map(({ kind, name, namespace }) => [
      `${kind} ${namespace ?? ''} ${name}`,
      kind === 'ServiceAccount' && namespace !== undefined
        ? { kind, name, namespace }
        : { apiGroup: RBAC, kind, name },
    ]),
  );
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, subject]) => subject);
}
