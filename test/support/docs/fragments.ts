/** Objects that are valid but for what a fragment brings, in the namespaces of the docs. */
const TEAM = 'marketing-jobs';
const SYSTEM = 'fairlead-system';

type Json = Record<string, unknown>;

const BASES: Readonly<Record<string, Json>> = {
  Pod: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'fragment', namespace: TEAM },
    spec: {
      containers: [
        { name: 'main', image: 'registry.example.com/a' },
        { name: 'init', image: 'registry.example.com/b' },
      ],
    },
  },
  Namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fragment' } },
  SecretReference: {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'SecretReference',
    metadata: { name: 'fragment', namespace: TEAM },
    spec: {},
  },
  StorageConfig: {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'StorageConfig',
    metadata: { name: 'fragment', namespace: TEAM },
    spec: {},
  },
  VaultIntegration: {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'VaultIntegration',
    metadata: { name: 'fragment', namespace: SYSTEM },
    spec: {
      displayName: 'fragment',
      host: 'https://vault.example.com:8200',
      path: '/v1/secret/data/production',
      resourceBundle: 'finance',
      domains: ['marketing'],
    },
  },
  ResourceBundle: {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'ResourceBundle',
    metadata: { name: 'fragment', namespace: SYSTEM },
    spec: { permissions: [] },
  },
  Role: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'fragment', namespace: TEAM },
  },
  ClusterRole: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'fragment' },
  },
};

/** The base object of `Kind` or `Kind.field` with the fragment in it. Throws for a kind that has no base. */
export function mergeInto(target: string, fragment: unknown): Json {
  const [kind = '', ...fields] = target.split('.');
  const base = BASES[kind];
  if (!base) throw new Error(`there is no base object for a fragment of ${kind}`);
  const placed = fields.reduceRight<unknown>((inner, field) => ({ [field]: inner }), fragment);
  return merged(base, placed) as Json;
}

/** Objects are merged, anything else is replaced. */
function merged(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const both = Object.entries(over).map(([key, value]) => [key, merged(base[key], value)]);
  return { ...base, ...Object.fromEntries(both) };
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
