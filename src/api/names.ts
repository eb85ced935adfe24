/**
 * The names that users, policies and other tools see. They are part of the API: changing one is a breaking
 * change. config/policies spells the same names in CEL; test/unit/policies.test.ts holds the two together.
 */
export const GROUP = 'fairlead.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The aggregated API for keys. */
export const KEYS_GROUP = `keys.${GROUP}`;
export const KEYS_API_VERSION = `${KEYS_GROUP}/${VERSION}`;

/** Holds a pod until its delivery exists. */
export const GATE = `${GROUP}/secrets`;
/** On a pod and on its delivery, with the delivery's name as value, so that one selector finds both. */
export const DELIVERY_LABEL = `${GROUP}/delivery`;
/** Every delivery's name starts with it; policies reserve it for Fairlead. */
export const DELIVERY_PREFIX = 'fairlead-d-';
export const DELIVERY_TYPE = `${GROUP}/delivery`;

/** Pod annotation: the SecretReferences of the pod's namespace, comma separated, whose variables it gets. */
export const REFERENCES_ANNOTATION = `${GROUP}/secret-references`;
/** Pod annotation: the StorageConfigs of the pod's namespace, comma separated, whose variables and properties it gets. */
export const STORAGE_ANNOTATION = `${GROUP}/storage`;
/** Pod annotation: the containers that get the variables; all containers of the first admission if absent. */
export const CONTAINERS_ANNOTATION = `${GROUP}/containers`;
/** Pod annotation that Fairlead sets when it lifts the gate: the name of the delivery. */
export const DELIVERED_ANNOTATION = `${GROUP}/delivered`;
/** Pod condition: False with reason and message while the pod waits. */
export const DELIVERED_CONDITION = `${GROUP}/SecretsDelivered`;

/** Namespace label: the domain (tenant) that the namespace belongs to. */
export const DOMAIN_LABEL = `${GROUP}/domain`;
/** Namespace label, value `enabled`: `${secrets.key}` in env values is Fairlead's business here. */
export const LEGACY_LABEL = `${GROUP}/legacy-placeholders`;

/** Type of the Secrets that hold Vault credentials. */
export const CREDENTIALS_TYPE = `${GROUP}/vault-credentials`;
/** On a credentials Secret: the one server (an origin) it may be sent to. */
export const VAULT_HOST_ANNOTATION = `${GROUP}/vault-host`;
/** On a credentials Secret: the one resource bundle whose integrations may use it; absent for none. */
export const BUNDLE_ANNOTATION = `${GROUP}/resource-bundle`;

/** Roles and RoleBindings of a ResourceBundle: `fairlead-bundle-<bundle>-<permission>`. Policies know the prefix. */
export const BUNDLE_ROLE_PREFIX = 'fairlead-bundle-';
/** On these Roles and RoleBindings: the bundle. */
export const BUNDLE_LABEL = BUNDLE_ANNOTATION;

/** The id of the store that every domain may read. */
export const GLOBAL = 'global';
/** In `spec.domains`: everyone. */
export const EVERY_DOMAIN = '*';

/** Where Fairlead lives if nothing else is said. */
export const DEFAULT_SYSTEM_NAMESPACE = 'fairlead-system';
export const DEFAULT_STORE_PREFIX = 'iomete-secret-store';
/** Who the tokens are for that Fairlead makes of ServiceAccounts, if nothing else is said. */
export const DEFAULT_TOKEN_AUDIENCES: string[] = ['vault'];
/** The serving certificate and its CA: one Secret that all replicas share. */
export const CERTIFICATE_SECRET = 'fairlead-webhook-cert';
export const WEBHOOK_CONFIGURATION = 'fairlead';
/** That of placeholders in Spark configuration, which is not part of every installation. */
export const LEGACY_SPARK_CONFIGURATION = 'fairlead-legacy-spark';
/** The same for the API for keys. */
export const KEYS_CERTIFICATE_SECRET = 'fairlead-keys-cert';
/** The last part of the path at which kube-apiserver asks what to warn of before a deletion. */
export const DELETION_WARNINGS = 'deletionwarnings';
export const KEYS_API_SERVICE = `${VERSION}.${KEYS_GROUP}`;

/** The key that the lines of the audit are chained with, made by the certificates role. */
export const AUDIT_KEY_SECRET = 'fairlead-audit-key';
export const AUDIT_KEY_TYPE = `${GROUP}/audit-key`;
/** The Lease whose annotation names the last line of the audit. */
export const AUDIT_LEASE = 'fairlead-audit';
/** Those of the replicas of the keys role: `fairlead-audit-keys-0` and so on, one for each that runs. */
export const KEYS_AUDIT_LEASE_PREFIX = 'fairlead-audit-keys-';
export const KEYS_AUDIT_LEASES = 8;
export const AUDIT_ANCHOR_ANNOTATION = `${GROUP}/audit-anchor`;

/** Variables of a delivery that feed a placeholder inside a longer value start with it. */
export const PLACEHOLDER_VARIABLE_PREFIX = 'FAIRLEAD_SECRET_';

/** Spark's launcher passes the words of this variable to the JVM, and Spark takes every -Dspark.* of them. */
export const SPARK_SUBMIT_OPTS = 'SPARK_SUBMIT_OPTS';
/** The options of a delivery by a name of our own, for a SPARK_SUBMIT_OPTS that the pod sets itself. */
export const SPARK_OPTIONS_VARIABLE = 'FAIRLEAD_SPARK_OPTS';
/** Variables that hold the value of one Spark property start with it. */
export const CONF_VARIABLE_PREFIX = 'FAIRLEAD_CONF_';
/** Spark's own label: `driver` or `executor`. */
export const SPARK_ROLE_LABEL = 'spark-role';
/** The volume of a driver with the ConfigMap that spark-submit makes, and the keys in it. */
export const SPARK_CONF_VOLUME = 'spark-conf-volume-driver';
export const SPARK_PROPERTIES = 'spark.properties';
export const FAIRLEAD_PROPERTIES = 'fairlead.properties';

/** Limits that stand in more than one place. */
export const LIMITS = {
  /** Linux: MAX_ARG_STRLEN is 131,072 bytes with the closing NUL, for `NAME=value`. */
  variableBytes: 131_071,
  /** The API server: a key of a Secret's data, and so the name of a variable. */
  variableNameLength: 253,
  /** etcd and the API server: a Secret's data. */
  deliveryBytes: 1_048_576,
  /** security: what one pod and one reference may ask for. */
  referencesPerPod: 16,
  storagesPerPod: 16,
  containersPerPod: 256,
  integrationsPerReference: 16,
  variablesPerReference: 256,
  importsPerReference: 16,
  propertiesPerReference: 64,
  /** security: what the ConfigMap of one driver may ask for: properties, and pieces of their values. */
  legacyProperties: 256,
  legacyPieces: 1024,
  /** security: each is a request to Vault, and all are asked again for every pod. */
  vaultPlacesPerPod: 64,
  importedVariablesPerPod: 1024,
  permissionsPerBundle: 32,
  subjectsPerPermission: 64,
  /** A condition's or event's message. */
  messageBytes: 1024,
} as const;
