/** The values with which the chart is mostly installed, as flags of helm. */
const values = (all: object) =>
  Object.entries(all).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
const enabled = { enabled: true };
const disabled = { enabled: false };

const EVERYTHING = {
  image: { digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  features: { legacySpark: enabled, strictUse: enabled },
  vault: { hosts: ['https://vault.example.com:8200'], allowHttp: true, tokenAudiences: ['bao', 'vault'] },
  serviceAccount: { annotations: { team: 'platform' } },
  nodeSelector: { pool: 'system' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, preference: { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] } },
      ],
    },
  },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  priorityClassName: 'system-cluster-critical',
  podLabels: { team: 'platform' },
  podAnnotations: { team: 'platform' },
  podDisruptionBudget: { maxUnavailable: 1 },
  networkPolicy: {
    metricsFrom: [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }],
    egress: [{ ports: [{ port: 443 }] }],
  },
  leaderElection: { leaseSeconds: 30 },
  drainSeconds: 5,
  concurrency: 64,
  logLevel: 'debug',
  audit: { log: '/var/log/fairlead/audit.log', bestEffort: true, volume: { emptyDir: { sizeLimit: '1Gi' } } },
  metrics: {
    serviceMonitor: { ...enabled, labels: { release: 'prometheus' } },
    rules: enabled,
    dashboard: enabled,
  },
  readiness: { requiresVault: true },
  keysApi: enabled,
  extraObjects: [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extra' }, data: { of: '{{ .Release.Name }}' } },
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra-text, namespace: {{ .Release.Namespace }}}\n',
  ],
};

export const CHART_SETS: Readonly<Record<string, readonly string[]>> = {
  default: [],
  everything: values(EVERYTHING),
  'keys-api': values({ keysApi: enabled }),
  'cert-manager': values({ webhook: { certManager: enabled }, features: { legacySpark: enabled } }),
  'cert-manager-issuer': values({
    webhook: { certManager: { ...enabled, issuerRef: { kind: 'ClusterIssuer', name: 'internal' } } },
  }),
  minimal: values({
    replicaCount: 1,
    leaderElection: disabled,
    crds: { install: false },
    rbac: { create: false },
    serviceAccount: { create: false },
    podDisruptionBudget: disabled,
    networkPolicy: disabled,
    features: { secretsV2: disabled },
  }),
};
