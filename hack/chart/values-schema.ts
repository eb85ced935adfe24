/** What values.yaml may hold: `helm install` refuses anything else, a mistyped name too, before it touches the cluster. */
import { z } from 'zod';

/** An object as Kubernetes has it: the API server says what is wrong with it. */
const kubernetes = z.record(z.string(), z.unknown());
const kubernetesList = z.array(kubernetes);
const strings = z.record(z.string(), z.string());
const enabled = z.strictObject({ enabled: z.boolean() });
const role = z.strictObject({ resources: kubernetes });
const count = z.int().min(1);
const budget = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,3}%$/)]);

/** Helm's regular expressions know no look-ahead. */
const but = (pattern: RegExp) => ({ not: { pattern: pattern.source } });
/** Labels of the chart and of Fairlead are what pods are found by. */
const labels = z.record(z.string().meta(but(/^(app\.kubernetes\.io|fairlead\.dev)\//)), z.string());
/** Without what the processes refuse to start with. */
const variable = z.looseObject({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
    .meta(but(/^(NODE_OPTIONS|NODE_TLS_REJECT_UNAUTHORIZED|POD_NAME)$/)),
});

const values = z.strictObject({
  // Helm's own, when the chart is a dependency of another one.
  global: kubernetes.optional(),
  // One of the eight slots of the audit's anchors is for the pod that a roll-out makes first.
  replicaCount: count.max(7),
  image: z.strictObject({
    repository: z.string().min(1),
    tag: z.string(),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: kubernetesList,
  crds: z.strictObject({ install: z.boolean(), keep: z.boolean() }),
  features: z.strictObject({ secretsV2: enabled, legacySpark: enabled, strictUse: enabled }),
  stores: z.strictObject({ namePrefix: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,180}[a-z0-9])?$/) }),
  vault: z.strictObject({
    hosts: z.array(z.string().regex(/^https?:\/\/[^/,]+$/)),
    allowHttp: z.boolean(),
    tokenAudiences: z.array(z.string().regex(/^[A-Za-z0-9._:/-]+$/)).min(1),
  }),
  serviceAccount: z.strictObject({ create: z.boolean(), annotations: strings }),
  rbac: z.strictObject({ create: z.boolean(), aggregateToDefaultRoles: z.boolean() }),
  resources: kubernetes,
  controller: role,
  admission: role,
  certificates: role,
  nodeSelector: strings,
  tolerations: kubernetesList,
  affinity: kubernetes,
  topologySpreadConstraints: kubernetesList,
  priorityClassName: z.string(),
  podLabels: labels,
  podAnnotations: strings,
  podDisruptionBudget: z.strictObject({
    enabled: z.boolean(),
    minAvailable: budget.optional(),
    maxUnavailable: budget.optional(),
  }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    metricsFrom: kubernetesList,
    egress: kubernetesList,
  }),
  leaderElection: z.strictObject({ enabled: z.boolean(), leaseSeconds: count.max(86_400) }),
  drainSeconds: z.int().min(0).max(15),
  concurrency: count.max(256),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
  traces: z.strictObject({
    endpoint: z.string().regex(/^(https?:\/\/.+)?$/),
    ratio: z.number().min(0).max(1),
  }),
  extraEnv: z.array(variable),
  docsUrl: z
    .string()
    .max(256)
    .regex(/^(https?:\/\/[^\s"'{}]+)?$/),
  audit: z.strictObject({
    log: z.string().min(1),
    maxMb: count.max(10_240),
    maxFiles: z.int().min(2).max(1_000),
    bestEffort: z.boolean(),
    volume: kubernetes,
  }),
  metrics: z.strictObject({
    serviceMonitor: z.strictObject({ enabled: z.boolean(), interval: z.string(), labels: strings }),
    rules: z.strictObject({ enabled: z.boolean(), labels: strings }),
    dashboard: z.strictObject({ enabled: z.boolean(), labels: strings }),
  }),
  readiness: z.strictObject({ requiresVault: z.boolean() }),
  webhook: z.strictObject({
    certManager: z.strictObject({ enabled: z.boolean(), issuerRef: kubernetes }),
  }),
  keysApi: z.strictObject({ enabled: z.boolean(), resources: kubernetes }),
  extraObjects: z.array(z.union([z.string(), kubernetes])),
});

/** The text of values.schema.json. */
export function valuesSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(values, { target: 'draft-7' }), undefined, 2)}\n`;
}
