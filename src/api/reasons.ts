/**
 * Every reason that a condition, an event or an entry of Fairlead can carry: one table, one meaning each.
 * `terminal`: waiting does not help, somebody has to change the object itself; such a reason also sets
 * `Stalled=True`. docs/reasons.md is generated from this table.
 */
export const MENDERS = {
  nobody: 'nobody: all is well',
  workload: 'who owns the workload, its pod and its SecretReference or StorageConfig',
  source: 'who keeps the value: the owner of the domain, or whoever writes to Vault',
  integration: 'who may change the VaultIntegration, or whoever the message names',
  vault: 'who runs Vault; Fairlead goes on by itself',
  platform: "the platform's administrators",
} as const;
type Mender = keyof typeof MENDERS;

interface ReasonFacts {
  readonly meaning: string;
  readonly fix: string;
  /** Who can mend it. */
  readonly who: Mender;
  /** The page in docs/ that is about it, with an anchor. */
  readonly page: string;
  readonly terminal?: true;
}

export const REASONS = {
  Resolved: {
    who: 'nobody',
    page: 'secret-reference.md#status',
    meaning: 'Everything that is named was found, is allowed and can be an environment variable.',
    fix: 'Nothing to do.',
  },
  Connected: {
    who: 'nobody',
    page: 'vault-integration.md#status',
    meaning: 'Fairlead logged in to Vault and read the path.',
    fix: 'Nothing to do.',
  },
  Granted: {
    who: 'nobody',
    page: 'domains-and-permissions.md#bundles',
    meaning: 'The Roles and RoleBindings of the bundle stand as the bundle says.',
    fix: 'Nothing to do.',
  },
  CredentialsMissing: {
    who: 'platform',
    page: 'vault.md#login-methods',
    meaning:
      'The Secret with the login, the key in it, or the ServiceAccount does not exist in the system namespace.',
    fix: `Create what the message names; a Secret needs the type fairlead.dev/vault-credentials.`,
  },
  CredentialsRefused: {
    who: 'platform',
    page: 'vault.md#binding',
    meaning:
      'Vault refused the login, or the credentials Secret is not bound to this host and resource bundle. Not tried again until the credentials or the integration change, or 15 minutes have passed (repeated bad logins lock accounts).',
    fix: 'Write new credentials into the Secret, or correct its type and annotations.',
  },
  Unreachable: {
    who: 'platform',
    page: 'vault.md#when-it-does-not-work',
    meaning: 'No answer from Vault: name resolution, connection, time-out or a broken answer.',
    fix: 'Check spec.host, DNS, network policies and that Vault runs.',
  },
  TLSVerificationFailed: {
    who: 'platform',
    page: 'vault.md#tls',
    meaning: "Vault's certificate is not signed by the CA that is configured, or is not for this host.",
    fix: 'Put the CA into spec.tls, or use the name that the certificate is for.',
  },
  Sealed: {
    who: 'vault',
    page: 'vault.md#when-it-does-not-work',
    meaning: 'Vault is sealed (503).',
    fix: 'Unseal Vault; Fairlead goes on by itself.',
  },
  RateLimited: {
    who: 'vault',
    page: 'vault.md#when-it-does-not-work',
    meaning: 'Vault answers 429: a rate limit quota is used up.',
    fix: 'Raise the quota; Fairlead waits and goes on by itself.',
  },
  LoginFailed: {
    who: 'integration',
    page: 'vault.md#login-methods',
    meaning:
      'The login failed for another reason than refused credentials: its mount or role, or a server error.',
    fix: "Check spec.auth: mount path and role; read Vault's log.",
  },
  PermissionDenied: {
    who: 'vault',
    page: 'vault.md#the-policy',
    meaning: 'The login works, but the policies of its token do not allow reading the path (403).',
    fix: 'Grant `read` on the path in Vault; docs/vault.md has the policies.',
  },
  NamespaceNotFound: {
    who: 'integration',
    page: 'vault.md#hashicorp-namespaces',
    meaning: 'The HashiCorp namespace does not exist.',
    fix: 'Correct spec.namespace.',
  },
  PathNotFound: {
    who: 'integration',
    page: 'vault-integration.md#paths',
    meaning: 'There is no secret at the path, or nothing is mounted there.',
    fix: 'Correct spec.path or secret.path, or write the secret.',
  },
  NotKVv2: {
    who: 'integration',
    page: 'vault-integration.md#paths',
    meaning: 'The path is not in a KV version 2 engine.',
    fix: 'Use the API path of a KV v2 engine: <mount>/data/<path>.',
  },
  ReferenceNotFound: {
    who: 'workload',
    page: 'pods.md',
    meaning: "The pod's annotation names a SecretReference that does not exist in its namespace.",
    fix: 'Create it; the pod starts by itself.',
  },
  StorageConfigNotFound: {
    who: 'workload',
    page: 'storage.md',
    meaning: "The pod's annotation names a StorageConfig that does not exist in its namespace.",
    fix: 'Create it; the pod starts by itself.',
  },
  IntegrationNotFound: {
    who: 'workload',
    page: 'vault-integration.md',
    meaning: 'There is no VaultIntegration with this id in the system namespace.',
    fix: 'Correct the id, or create the integration.',
  },
  StoreNotFound: {
    who: 'platform',
    page: 'domains-and-permissions.md',
    meaning: "The domain's store Secret does not exist in the system namespace, or is not of type Opaque.",
    fix: 'Create the store.',
  },
  KeyNotFound: {
    who: 'workload',
    page: 'secret-reference.md#fields',
    meaning: 'The source was read and has no such key, or the value of the key no such property.',
    fix: 'Correct the key or the property, or write it.',
  },
  SourceDeleted: {
    who: 'source',
    page: 'secret-reference.md#path-version-property',
    meaning: 'The version of the secret that is asked for, usually the latest, was deleted in Vault.',
    fix: 'Undelete it, or write a new version.',
  },
  SourceDestroyed: {
    who: 'source',
    page: 'secret-reference.md#path-version-property',
    meaning:
      'The version of the secret that is asked for, usually the latest, was destroyed in Vault for good.',
    fix: 'Write a new version.',
  },
  VersionNotFound: {
    who: 'workload',
    page: 'secret-reference.md#path-version-property',
    meaning: 'The secret is there, but not in the version that secret.version asks for.',
    fix: 'Correct secret.version, or leave it out for the latest.',
  },
  DomainMissing: {
    who: 'platform',
    page: 'domains-and-permissions.md',
    meaning: 'The namespace has no label fairlead.dev/domain; it gets nothing, not even global secrets.',
    fix: 'Have an administrator who may `assign` the domain label the namespace.',
  },
  DomainForbidden: {
    who: 'integration',
    page: 'domains-and-permissions.md',
    meaning:
      "The source belongs to another domain, or the integration's spec.domains leaves this domain out.",
    fix: 'Use a source of your own domain, or have the integration shared with it.',
  },
  UseForbidden: {
    who: 'platform',
    page: 'domains-and-permissions.md#strict-mode',
    meaning:
      "With --strict-use: the pod's ServiceAccount lacks the verb `use` on a SecretReference or StorageConfig that the pod names, or on an integration that one of these names.",
    fix: 'Grant the ServiceAccount the verb; the message names user, verb and object. The pod starts by itself.',
  },
  NotAnEnvironmentValue: {
    who: 'source',
    page: 'secret-reference.md#values',
    meaning: 'The value cannot be an environment variable: it is not UTF-8 or contains NUL.',
    fix: 'Store it as text, for example in base64.',
  },
  NotAVariableName: {
    who: 'workload',
    page: 'secret-reference.md#variables-in-bulk',
    meaning: 'A key that envFrom imports does not make the name of an environment variable.',
    fix: 'Set names: upperSnake, or exclude the key.',
  },
  NotAConfigurationValue: {
    who: 'workload',
    page: 'spark.md#spark-configuration',
    meaning:
      'The value would not arrive as it is as a Spark property: Hadoop or Spark would expand a ${...} in it, or the launcher of Spark would alter a character.',
    fix: 'Use another value, or deliver it as an environment variable (env).',
  },
  ConfigMapNotFound: {
    who: 'workload',
    page: 'spark.md#legacy-placeholders',
    meaning:
      'The ConfigMap with the Spark configuration that spark-submit makes for its driver is not there yet (legacy placeholders in Spark configuration).',
    fix: 'Nothing while spark-submit runs. If it ended in between, delete the driver and submit again.',
  },
  TooLarge: {
    who: 'workload',
    page: 'secret-reference.md#values',
    meaning:
      'A variable is over 131,071 bytes with its name, or the options for Spark are, or the delivery is over 1 MiB.',
    fix: 'Use smaller values, or fewer of them.',
  },
  NameConflict: {
    who: 'workload',
    page: 'secret-reference.md#several-references-in-one-pod',
    meaning:
      'The same name is defined twice with different sources, or two imported keys make the same name.',
    fix: 'Rename one of the two; of imported keys exclude one, or set a prefix.',
    terminal: true,
  },
  NotSupportedHere: {
    who: 'workload',
    page: 'pods.md',
    meaning: 'What is asked for is switched off or not possible in this place.',
    fix: 'The message names what is supported.',
    terminal: true,
  },
  FeatureDisabled: {
    who: 'platform',
    page: 'migration.md#switching-references-off',
    meaning:
      'SecretReferences and StorageConfigs are switched off in this cluster; only legacy placeholders are served.',
    fix: 'Have an administrator start the controller with --secrets-v2=true; what waits goes on by itself.',
  },
  QuotaExceeded: {
    who: 'workload',
    page: 'secret-reference.md#values',
    meaning: 'More than the allowed number is asked for.',
    fix: 'Ask for less.',
    terminal: true,
  },
  DeliveryRefused: {
    who: 'platform',
    page: 'operations.md#when-something-is-wrong',
    meaning:
      'The API server refused the delivery: quota, a policy. Or Fairlead has not found its own policies, or cannot write its audit.',
    fix: 'The message names the cause.',
  },
  RolesRefused: {
    who: 'platform',
    page: 'domains-and-permissions.md#bundles',
    meaning:
      'The API server refused a Role or RoleBinding of a bundle, or Fairlead has not found its own policies.',
    fix: 'The message names the cause.',
  },
  GateHeld: {
    who: 'workload',
    page: 'pods.md#what-fairlead-reads-and-writes',
    meaning: 'The pod has our gate but no delivery name of ours: the webhook did not write it.',
    fix: 'Delete the pod and create it again while the webhook is up.',
    terminal: true,
  },
} as const satisfies Record<string, ReasonFacts>;

export type Reason = keyof typeof REASONS;

/** True if waiting does not help: somebody has to change the object itself. */
export function isTerminal(reason: Reason): boolean {
  const facts: ReasonFacts = REASONS[reason];
  return facts.terminal === true;
}

/** What the table says about a reason; undefined for one that it does not know. */
function factsOf(reason: string | undefined): ReasonFacts | undefined {
  return reason !== undefined && Object.hasOwn(REASONS, reason) ? REASONS[reason as Reason] : undefined;
}

/** What to do about a reason; undefined for one that the table does not know. */
export function fixOf(reason: string | undefined): string | undefined {
  return factsOf(reason)?.fix;
}

/** `reasons.md#keynotfound`: where docs/ tells of a reason; undefined if nobody has to read on, or it is unknown. */
export function pageOf(reason: string | undefined): string | undefined {
  const facts = factsOf(reason);
  return facts && facts.who !== 'nobody' ? `reasons.md#${reason?.toLowerCase()}` : undefined;
}
