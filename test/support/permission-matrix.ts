/**
 * Who may do what: the one table that test/cluster/permissions.test.ts runs against the API server, as each user, and
 * that hack/generate.ts writes into docs/permission-matrix.md. The stage: a bundle `finance` of domain `finance` with
 * one integration, a bundle and an integration of another domain beside it, and an integration without a bundle.
 */
export const USERS = {
  admin: { name: 'platform admin', has: '`fairlead-platform-admin` in the cluster, update on namespaces' },
  owner: {
    name: 'domain owner',
    has: "`fairlead-domain-owner` in `fairlead-system` and in the domain's namespace, `own` and `use` of the domain's bundle, `use` of its login, Update by the bundle, `write` on the domain; `fairlead-domain-user` in the domain's namespace; `fairlead-domain-owner` in one namespace of the other domain, too",
  },
  user: {
    name: 'domain user with use',
    has: "`fairlead-domain-user` in the domain's namespace and in `fairlead-system`, Use by the bundle",
  },
  userWithoutUse: {
    name: 'domain user without use',
    has: "`fairlead-domain-user` in the domain's namespace and in `fairlead-system`",
  },
  viewer: { name: 'viewer', has: "`fairlead-viewer` in the domain's namespace and in `fairlead-system`" },
  stranger: {
    name: "another domain's user",
    has: "`fairlead-domain-user` in a namespace of the other domain and in `fairlead-system`, Use by the other domain's bundle",
  },
  gitops: {
    name: 'GitOps ServiceAccount',
    has: "`fairlead-domain-user` in the domain's namespace, Use by the bundle, `assign` of the domain and update on namespaces",
  },
} as const;

export type User = keyof typeof USERS;

/** Words of the refusal: RBAC's own, or those of the policy that names the permission and the object. */
const RBAC = 'is forbidden: User';
const needs = (verb: string, what: string) => `needs the permission to ${verb} ${what}`;

interface Action {
  readonly title: string;
  readonly allowed: readonly User[];
  /** What those read who are stopped by a policy, not by RBAC. */
  readonly policy?: { readonly says: string; readonly stops: readonly User[] };
}

type Policy = NonNullable<Action['policy']>;

/** The same of every kind that carries secret objects. */
const NEEDS_USE: Policy = {
  says: needs('use', 'vaultintegrations.fairlead.dev/'),
  stops: ['owner', 'userWithoutUse'],
};
const FOREIGN_STORE: Policy = {
  says: 'is not open to this namespace',
  stops: ['admin', 'owner', 'user', 'userWithoutUse', 'gitops'],
};

export const ACTIONS = {
  listIntegrations: {
    title: 'list integrations',
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'viewer', 'stranger'],
  },
  viewIntegration: {
    title: "view the domain's integration",
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'viewer', 'stranger'],
  },
  createIntegration: { title: "create an integration in the domain's bundle", allowed: ['admin', 'owner'] },
  createElsewhere: {
    title: "create an integration in another domain's bundle",
    allowed: ['admin'],
    policy: { says: needs('use', 'resourcebundles.fairlead.dev/'), stops: ['owner'] },
  },
  createForAll: {
    title: 'create an integration without a bundle',
    allowed: ['admin'],
    policy: { says: needs('use', 'all resourcebundles.fairlead.dev'), stops: ['owner'] },
  },
  createWithLogin: {
    title: 'create an integration with a login of somebody else',
    allowed: ['admin'],
    policy: { says: needs('use', 'secrets/'), stops: ['owner'] },
  },
  renameIntegration: {
    title: "change the display name of the domain's integration",
    allowed: ['admin', 'owner'],
  },
  redirectIntegration: {
    title: "change host, path, login or domains of the domain's integration",
    allowed: ['admin', 'owner'],
  },
  changeElsewhere: { title: "change another domain's integration", allowed: ['admin'] },
  deleteIntegration: { title: "delete the domain's integration", allowed: ['admin', 'owner'] },
  deleteElsewhere: {
    title: "delete another domain's integration",
    allowed: ['admin'],
    policy: { says: needs('use', 'resourcebundles.fairlead.dev/'), stops: ['owner'] },
  },
  deleteForAll: {
    title: 'delete an integration without a bundle',
    allowed: ['admin'],
    policy: { says: needs('use', 'all resourcebundles.fairlead.dev'), stops: ['owner'] },
  },
  readReferences: {
    title: 'read references of the namespace',
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'viewer', 'gitops'],
  },
  nameStore: {
    title: "write a reference to the domain's store",
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'gitops'],
  },
  nameIntegration: {
    title: "name the domain's integration in a reference",
    allowed: ['admin', 'user', 'gitops'],
    policy: NEEDS_USE,
  },
  nameElsewhere: {
    title: "name another domain's integration in a reference",
    allowed: ['admin'],
    policy: {
      says: needs('use', 'vaultintegrations.fairlead.dev/'),
      stops: ['owner', 'user', 'userWithoutUse', 'gitops'],
    },
  },
  nameForeignStore: {
    title: "name another domain's store in a reference",
    allowed: [],
    policy: FOREIGN_STORE,
  },
  readStorages: {
    title: 'read storages of the namespace',
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'gitops'],
  },
  storeInStorage: {
    title: "write a storage with keys in the domain's store",
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'gitops'],
  },
  integrationInStorage: {
    title: "name the domain's integration in a storage",
    allowed: ['admin', 'user', 'gitops'],
    policy: NEEDS_USE,
  },
  foreignStoreInStorage: {
    title: "name another domain's store in a storage",
    allowed: [],
    policy: FOREIGN_STORE,
  },
  ownBundle: { title: "write the domain's bundle", allowed: ['admin', 'owner'] },
  deleteBundle: { title: "delete the domain's bundle", allowed: ['admin', 'owner'] },
  ownElsewhere: {
    title: "write another domain's bundle",
    allowed: ['admin'],
    policy: { says: needs('own', 'resourcebundles.fairlead.dev/'), stops: ['owner'] },
  },
  assignDomain: { title: 'put a namespace into the domain', allowed: ['admin', 'gitops'] },
  assignElsewhere: {
    title: 'put a namespace into another domain',
    allowed: ['admin'],
    policy: { says: needs('assign', 'domains.fairlead.dev/'), stops: ['gitops'] },
  },
  listKeys: {
    title: 'list the keys of the namespace',
    allowed: ['admin', 'owner', 'user', 'userWithoutUse', 'gitops'],
  },
  seeKeysOfIntegration: {
    title: "see the keys of the domain's integration",
    allowed: ['admin', 'user', 'gitops'],
    policy: { says: 'not found', stops: ['owner', 'userWithoutUse'] },
  },
  createKey: { title: "create a key of the domain's store", allowed: ['admin', 'owner'] },
  replaceKey: { title: "write a key of the domain's store", allowed: ['admin', 'owner'] },
  deleteKey: { title: "delete a key of the domain's store", allowed: ['admin', 'owner'] },
  createKeyElsewhere: {
    title: "create a key of another domain's store",
    allowed: [],
    policy: { says: 'is not open to domain', stops: ['admin', 'owner'] },
  },
  createKeyWithoutWrite: {
    title: "create a key of another domain's store, in a namespace of that domain",
    allowed: ['admin'],
    policy: { says: 'the verb write on domains.fairlead.dev/', stops: ['owner'] },
  },
  createGlobalKey: {
    title: 'create a key of the global store',
    allowed: [],
    policy: { says: 'the global store is read-only here', stops: ['admin', 'owner'] },
  },
  testConnection: {
    title: "test the connection of the domain's integration",
    allowed: ['admin', 'user', 'gitops'],
    policy: { says: 'you lack the verb use on it', stops: ['owner', 'userWithoutUse'] },
  },
  testOtherPath: {
    title: "test another path with the login of the domain's integration",
    allowed: ['admin'],
    policy: { says: 'the verb u', stops: ['owner', 'user', 'userWithoutUse', 'gitops'] },
  },
  testInline: {
    title: 'test a connection with a login of their own',
    allowed: ['admin', 'owner'],
    policy: { says: 'needs the verb create on', stops: ['user', 'userWithoutUse', 'gitops'] },
  },
  readSecrets: { title: 'read stores and logins', allowed: [] },
  writeRoles: { title: 'write Roles in `fairlead-system`', allowed: [] },
} as const satisfies Record<string, Action>;

export type ActionName = keyof typeof ACTIONS;

/** What happens to a user who tries: `undefined` if it is allowed, else words of the refusal. */
export function refusalOf(action: ActionName, user: User): string | undefined {
  const { allowed, policy }: Action = ACTIONS[action];
  if (allowed.includes(user)) return undefined;
  return policy?.stops.includes(user) ? policy.says : RBAC;
}

/** The page docs/permission-matrix.md. */
export function matrixPage(): string {
  const users = Object.keys(USERS) as User[];
  const cell = (action: ActionName, user: User) => {
    const refusal = refusalOf(action, user);
    if (refusal === undefined) return 'yes';
    return refusal === RBAC ? '' : 'policy';
  };
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    '<!-- Generated from test/support/permission-matrix.ts by hack/generate.ts; do not edit. -->',
    '',
    '# Who may do what',
    '',
    'Tried as each of these users against a real API server by test/cluster/permissions.test.ts.',
    '"yes": allowed. "policy": RBAC would let it pass, a policy of Fairlead or its API for keys refuses it and names the',
    'permission (keys of an integration without `use` on it are just not there). Empty: refused by RBAC.',
    '',
    row(['', ...users.map((user) => USERS[user].name)]),
    row(['---', ...users.map(() => '---')]),
    ...(Object.keys(ACTIONS) as ActionName[]).map((action) =>
      row([ACTIONS[action].title, ...users.map((user) => cell(action, user))]),
    ),
    '',
    'These users hold:',
    '',
    ...users.map((user) => `- **${USERS[user].name}**: ${USERS[user].has}.`),
    '',
  ].join('\n');
}
