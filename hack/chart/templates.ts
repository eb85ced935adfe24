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
  { from: 'config/rbac', to: 'rbac', when: '.Values.rbac.create' },
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

async function templatesOf({ from, to, when }: Part): Promise<[string, string][]> {
  const directory = new URL(`${from}/`, ROOT);
  const files = (await readdir(directory)).filter(
    (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
  );
  return Promise.all(
    files.sort().map(async (file): Promise<[string, string]> => {
      const text = await readFile(new URL(file, directory), 'utf8');
      return [`charts/fairlead/templates/${to}/${file}`, template(text, when)];
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
  const settable = ANNOTATIONS.get(String(document.get('kind')));
  if (settable) metadata.set('annotations', document.createNode({ [PLACE]: '' }));
  return document
    .toString({ lineWidth: 0, directives: false, flowCollectionPadding: false })
    .replaceAll(LABEL_LINE, '$1{{- include "fairlead.labels" . | nindent 4 }}')
    .replace(PLACE_LINES, settable ?? '')
    .replace(AGGREGATED, AGGREGATED_TEMPLATE);
}

const PLACE = 'fairlead-annotations';
const PLACE_LINES = new RegExp(`^  annotations:\\n    ${PLACE}: ""\\n`, 'm');
/** Kinds with annotations that an operator chooses, and how they come in. */
const ANNOTATIONS: ReadonlyMap<string, string> = new Map([
  [
    'CustomResourceDefinition',
    `  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`,
  ],
  [
    'MutatingWebhookConfiguration',
    `  {{- if .Values.webhook.certManager.enabled }}
  annotations:
    cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/fairlead-webhook
  {{- end }}
`,
  ],
  [
    'ServiceAccount',
    `  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
`,
  ],
]);
const AGGREGATED = /^( +)rbac\.authorization\.k8s\.io\/aggregate-to-view: 'true'\n/m;
const AGGREGATED_TEMPLATE = `    {{- if .Values.rbac.aggregateToDefaultRoles }}
    rbac.authorization.k8s.io/aggregate-to-view: 'true'
    {{- end }}
`;

/**
 * What an operator sets: just what src/controllers/policies.ts puts into the policies that it expects, for a policy that
 * differs stops all deliveries.
 */
function settings(text: string): string {
  const audiences = `[${DEFAULT_TOKEN_AUDIENCES.map((item) => `'${item}'`).join(', ')}]`;
  return text
    .replaceAll(DEFAULT_SYSTEM_NAMESPACE, '{{ .Release.Namespace }}')
    .replaceAll(audiences, '{{ include "fairlead.celAudiences" . }}')
    .replaceAll(`'${DEFAULT_STORE_PREFIX}-'`, "'{{ .Values.stores.namePrefix }}-'")
    .replaceAll(`'${DEFAULT_STORE_PREFIX}'`, "'{{ .Values.stores.namePrefix }}'");
}
