/** config/argocd: what Argo CD has to know of Fairlead, made of one Lua script for all kinds. */
import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { GROUP } from '../../src/api/names.ts';

const HEALTH = new URL('../../config/argocd/health.lua', import.meta.url);

/** The text of a patch for the ConfigMap argocd-cm. */
export async function argocdConfig(kinds: readonly string[]): Promise<string> {
  const script = await readFile(HEALTH, 'utf8');
  const health = kinds.map((kind) => [`resource.customizations.health.${GROUP}_${kind}`, script]);
  const patch = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data: {
      ...Object.fromEntries(health),
      // Written by Fairlead: its CA, and nothing else of these objects.
      'resource.customizations.ignoreDifferences.admissionregistration.k8s.io_MutatingWebhookConfiguration':
        yaml({
          jqPathExpressions: [
            'select(.metadata.name | startswith("fairlead")) | .webhooks[]?.clientConfig.caBundle',
          ],
        }),
      'resource.customizations.ignoreDifferences.apiregistration.k8s.io_APIService': yaml({
        jqPathExpressions: ['select(.metadata.name == "v1alpha1.keys.fairlead.dev") | .spec.caBundle'],
      }),
    },
  };
  return `# Generated from config/argocd/health.lua by hack/generate.ts; do not edit.\n# kubectl patch configmap argocd-cm -n argocd --patch-file config/argocd/argocd-cm.yaml\n${yaml(patch)}`;
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0 });
}
