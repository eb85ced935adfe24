/** The values with which the chart is mostly installed, as flags of helm. */
const all = (...values: string[]) => values.flatMap((value) => ['--set', value]);

const EVERYTHING = [
  ...['features.legacySpark.enabled=true', 'features.strictUse.enabled=true', 'keysApi.enabled=true'],
  ...['image.digest=sha256:' + 'a'.repeat(64), 'imagePullSecrets[0].name=registry'],
  ...['serviceAccount.annotations.team=platform', 'priorityClassName=system-cluster-critical'],
  ...['nodeSelector.pool=system', 'tolerations[0].key=dedicated', 'tolerations[0].operator=Exists'],
  ...['affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=1'],
  'affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key=ssd',
  'affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].operator=Exists',
  ...['topologySpreadConstraints[0].maxSkew=1', 'topologySpreadConstraints[0].topologyKey=zone'],
  'topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule',
  ...['podLabels.team=platform', 'podAnnotations.team=platform'],
  ...['podDisruptionBudget.maxUnavailable=1', 'leaderElection.leaseSeconds=30', 'concurrency=64'],
  ...['networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring'],
  ...['networkPolicy.egress[0].ports[0].port=443', 'drainSeconds=5', 'logLevel=debug'],
  ...[
    'audit.log=/var/log/fairlead/audit.log',
    'audit.volume.emptyDir.sizeLimit=1Gi',
    'audit.bestEffort=true',
  ],
  ...[
    'vault.hosts[0]=https://vault.example.com:8200',
    'vault.allowHttp=true',
    'readiness.requiresVault=true',
  ],
  ...['metrics.serviceMonitor.enabled=true', 'metrics.serviceMonitor.labels.release=prometheus'],
  ...['metrics.rules.enabled=true', 'metrics.dashboard.enabled=true'],
  ...[
    'extraObjects[0].apiVersion=v1',
    'extraObjects[0].kind=ConfigMap',
    'extraObjects[0].metadata.name=extra',
  ],
  'extraObjects[0].data.release={{ .Release.Name }}',
];

export const CHART_SETS: Readonly<Record<string, readonly string[]>> = {
  default: [],
  everything: all(...EVERYTHING),
  'keys-api': all('keysApi.enabled=true'),
  'cert-manager': all('webhook.certManager.enabled=true', 'features.legacySpark.enabled=true'),
  'cert-manager-issuer': all(
    'webhook.certManager.enabled=true',
    'webhook.certManager.issuerRef.kind=ClusterIssuer',
    'webhook.certManager.issuerRef.name=internal',
  ),
  minimal: all(
    ...['replicaCount=1', 'leaderElection.enabled=false', 'crds.install=false', 'rbac.create=false'],
    ...['serviceAccount.create=false', 'podDisruptionBudget.enabled=false', 'networkPolicy.enabled=false'],
    ...['features.secretsV2.enabled=false'],
  ),
};
