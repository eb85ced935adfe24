/**
 * The part of the chart that is config/ and crds/ in other words: RBAC, policies, webhook. Made of these files, so that
 * `kubectl apply -k config` and `helm install` cannot come apart.
 */
import { readdir, readFile } from 'node:fs/promises';
import { type Document, parseAllDocuments, YAMLMap } from 'yaml';
import {
  DEFAULT_STORE_PREFIX,
  DEFAULT_SYSTEM_NAMESPACE,
  DEFAULT_TOKEN_AUDIENCES,
  LEGACY_SPARK_CONFIGURATION,
  WEBHOOK_CONFIGURATION,
} from '../../src/api/names.ts';

const ROOT = new URL('../../', import.meta.url);
const HEADER = '# Generated from config/ or crds/ by hack/generate.ts; do not edit.\n';
/** A key that no manifest has: the place of the labels that all objects of a release bear. */
const LABELS = 'fairlead-labels';
const LABEL_LINE = new RegExp(`^( +)${LABELS}: ""$`, 'gm');

interface Part {
  /** A directory of the repository. */
  readonly from: string;
  /** A directory of the chart's templates. */
  readonly to: string;
  /** The Helm condition under which its objects exist; absent: always. */
  readonly when?: string;
}

const PARTS: readonly Part[] = [
  { from: 'crds', to: 'crds', when: '.Values.crds.install' },
  { from: 'config/rbac', to: 'rbac' },
  { from: 'config/policies', to: 'policies' },
  { from: 'config/warnings', to: 'warnings' },
  { from: 'config/webhook', to: 'webhook' },
  { from: 'config/strict', to: 'strict', when: '.Values.features.strictUse.enabled' },
  { from: 'config/legacy-spark', to: 'legacy-spark', when: '.Values.features.legacySpark.enabled' },
  { from: 'config/keys-api', to: 'keys-api', when: '.Values.keysApi.enabled' },
];

/** The generated templates by their paths in the repository. Throws if a manifest holds what Helm would take for its own. */
export async function chartTemplates(): Promise<ReadonlyMap<string, string>> {
  const parts = await Promise.all(PARTS.map(templatesOf));
  return new Map(parts.flat());
}

/** Of the parts that are optional as a whole. */
const RIGHTS = new Set(['rbac.yaml', 'configmaps.yaml']);

/** ServiceAccounts can be left to somebody else, apart from the rights that are bound to them, and the other way round. */
function conditionOf(file: string, { from, when }: Part): string | undefined {
  if (/^service-accounts?\.yaml$/.test(file)) return both('.Values.serviceAccount.create', when);
  return RIGHTS.has(file) || from === 'config/rbac' ? both('.Values.rbac.create', when) : when;
}

function both(one: string, other: string | undefined): string {
  return other === undefined ? one : `and ${one} ${other}`;
}

async function templatesOf({ from, to, ...part }: Part): Promise<[string, string][]> {
  const directory = new URL(`${from}/`, ROOT);
  const files = (await readdir(directory)).filter(
    (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
  );
  return Promise.all(
    files.sort().map(async (file): Promise<[string, string]> => {
      const text = await readFile(new URL(file, directory), 'utf8');
      return [
        `charts/fairlead/templates/${to}/${file}`,
        template(text, conditionOf(file, { from, to, ...part })),
      ];
    }),
  );
}

/** One manifest file as a template. */
export function template(manifests: string, when?: string): string {
  if (manifests.includes('{{')) throw new Error('a manifest holds {{, which Helm would take for its own');
  const documents = parseAllDocuments(manifests).map(templated);
  const body = settings(documents.join('---\n'));
  return when === undefined ? HEADER + body : `${HEADER}{{- if ${when} }}\n${body}{{- end }}\n`;
}

function templated(document: Document): string {
  const metadata = document.get('metadata');
  if (!(metadata instanceof YAMLMap)) throw new Error('a manifest without metadata');
  const labels = metadata.get('labels');
  if (labels instanceof YAMLMap) {
    // One of those that every object gets.
    labels.delete('app.kubernetes.io/name');
    labels.set(LABELS, '');
  } else metadata.set('labels', document.createNode({ [LABELS]: '' }));
  const annotated = annotationsOf(document.get('kind'), metadata.get('name'));
  if (annotated) metadata.set('annotations', document.createNode({ [ANNOTATED]: '' }));
  return document
    .toString({ lineWidth: 0, directives: false, flowCollectionPadding: false })
    .replaceAll(LABEL_LINE, '$1{{- include "fairlead.labels" . | nindent 4 }}')
    .replace(ANNOTATED_LINES, annotated ?? '')
    .replace(AGGREGATED, AGGREGATED_TEMPLATE);
}

const ANNOTATED = 'fairlead-annotations';
const ANNOTATED_LINES = new RegExp(`^  annotations:\n    ${ANNOTATED}: ""\n`, 'm');

/** The lines that give an object its annotations, which no manifest of config/ has. */
function annotationsOf(kind: unknown, name: unknown): string | undefined {
  switch (kind) {
    case 'CustomResourceDefinition':
      return annotations('.Values.crds.keep', 'helm.sh/resource-policy: keep');
    case 'ServiceAccount':
      return `  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
`;
    case 'MutatingWebhookConfiguration': {
      if (name !== WEBHOOK_CONFIGURATION && name !== LEGACY_SPARK_CONFIGURATION) return undefined;
      const from = '{{ .Release.Namespace }}/fairlead-webhook';
      return annotations('.Values.webhook.certManager.enabled', `cert-manager.io/inject-ca-from: ${from}`);
    }
    default:
      return undefined;
  }
}

function annotations(when: string, line: string): string {
  return `  {{- if ${when} }}
  annotations:
    ${line}
  {{- end }}
`;
}

const AGGREGATED = /^( +)rbac\.authorization\.k8s\.io\/aggregate-to-view: 'true'\n/m;
const AGGREGATED_TEMPLATE = `    {{- if .Values.rbac.aggregateToDefaultRoles }}
    rbac.authorization.k8s.io/aggregate-to-view: 'true'
    {{- end }}
`;

/** Where it is a whole text of YAML, which a namespace of digits would not be. */
const IN_NAMESPACE = new RegExp(`(\\bnamespace: |\\[kube-system, )${DEFAULT_SYSTEM_NAMESPACE}\\b`, 'g');

/**
 * What an operator sets: just what src/controllers/policies.ts puts into the policies that it expects, for a policy that
 * differs stops all deliveries.
 */
function settings(text: string): string {
  const audiences = `[${DEFAULT_TOKEN_AUDIENCES.map((item) => `'${item}'`).join(', ')}]`;
  return text
    .replaceAll(IN_NAMESPACE, '$1{{ .Release.Namespace | quote }}')
    .replaceAll(DEFAULT_SYSTEM_NAMESPACE, '{{ .Release.Namespace }}')
    .replaceAll(audiences, '{{ include "fairlead.celAudiences" . }}')
    .replaceAll(`'${DEFAULT_STORE_PREFIX}-'`, "'{{ .Values.stores.namePrefix }}-'")
    .replaceAll(`'${DEFAULT_STORE_PREFIX}'`, "'{{ .Values.stores.namePrefix }}'");
}
