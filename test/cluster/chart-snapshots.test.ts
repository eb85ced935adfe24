import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { scratch, type KubeJson } from '../support/cluster.ts';
import { CHART_SETS } from '../support/chart-sets.ts';
import { byId, CHART, helmFor, type Helm } from '../support/helm.ts';

/**
 * What the chart makes of the values that it is mostly installed with, to be read when it changes. Objects that are
 * config/ in other words are only named (chart.test.ts compares them), and beside the default only what differs from it.
 */
const NAMED =
  /^(CustomResourceDefinition|ValidatingAdmissionPolicy(Binding)?|(Cluster)?Role(Binding)?|MutatingWebhookConfiguration|ValidatingWebhookConfiguration|PrometheusRule|ConfigMap)\//;
let dir: string;
let helm: Helm;
const render = async (set: readonly string[]) =>
  byId(await helm('template', 'fairlead', CHART, '-n', 'fairlead-system', ...set));

beforeAll(async () => {
  dir = await scratch('chart-snapshots');
  helm = await helmFor('', dir);
}, 1_200_000);
afterAll(async () => rm(dir, { recursive: true, force: true }));

function page(objects: Map<string, KubeJson>, beside: Map<string, KubeJson>): string {
  const same = (id: string) => stringify(beside.get(id)) === stringify(objects.get(id));
  const ids = [...objects.keys()].sort();
  const gone = [...beside.keys()].filter((id) => !objects.has(id)).sort();
  const list = [
    ...ids.filter((id) => !beside.has(id)).map((id) => `# + ${id}`),
    ...ids.filter((id) => beside.has(id) && !same(id)).map((id) => `# ~ ${id}`),
    ...gone.map((id) => `# - ${id}`),
  ];
  const shown = ids.filter((id) => !NAMED.test(id) && !same(id));
  const texts = shown.map((id) => stringify(withoutLabels(objects.get(id)), { lineWidth: 0 }));
  return `${list.join('\n')}\n---\n${texts.join('---\n')}`;
}

/** Without those that every object bears: chart.test.ts looks at them. */
function withoutLabels(object: KubeJson): KubeJson {
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    /^(app\.kubernetes\.io\/(instance|version|managed-by)|helm\.sh\/chart)$/.test(key) ? undefined : value,
  );
}

describe('the chart', () => {
  it.each(Object.entries(CHART_SETS))('%s is what it was', async (name, set) => {
    const beside = name === 'default' ? new Map<string, KubeJson>() : await render([]);
    const file = new URL(`../fixtures/chart/${name}.yaml`, import.meta.url).pathname;
    // A release is no change of what the chart makes.
    const { appVersion } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
    const text = page(await render(set), beside).replaceAll(`:${appVersion}\n`, ':VERSION\n');
    await expect(text).toMatchFileSnapshot(file);
  });

  it.each(Object.entries(CHART_SETS))('passes helm lint --strict with %s', async (_, set) => {
    expect(await helm('lint', '--strict', CHART, ...set)).toContain('0 chart(s) failed');
  });
});

describe('extraObjects', () => {
  it('are rendered, as objects and as text', async () => {
    const rendered = await render(CHART_SETS['everything']!);
    expect(rendered.get('ConfigMap/extra').data).toEqual({ of: 'fairlead' });
    expect(rendered.get('ConfigMap/extra-text').metadata.namespace).toBe('fairlead-system');
  });
});

describe('webhook.certManager.enabled', () => {
  it('leaves the certificate of the webhook to cert-manager, and its CA in every webhook configuration that leads there', async () => {
    const objects = [...(await render(CHART_SETS['cert-manager']!)).values()];
    const isOurs = ({ clientConfig }: KubeJson) => clientConfig.service?.name === 'fairlead-webhook';
    const leading = objects.filter(({ webhooks }) => webhooks?.some(isOurs));
    expect(leading.map(({ metadata }): string => metadata.name).sort()).toEqual([
      'fairlead',
      'fairlead-legacy-spark',
    ]);
    for (const { metadata } of leading)
      expect(metadata.annotations).toEqual({
        'cert-manager.io/inject-ca-from': 'fairlead-system/fairlead-webhook',
      });
    const found = (id: string) => objects.find(({ kind, metadata }) => `${kind}/${metadata.name}` === id);
    expect(found('Deployment/fairlead-certificates').spec.template.spec.containers[0].args).toContain(
      '--manage-webhook-certificate=false',
    );
    // What cert-manager writes is what the pods mount.
    const [volume] = found('Deployment/fairlead-admission').spec.template.spec.volumes;
    expect(found('Certificate/fairlead-webhook').spec.secretName).toBe(volume.secret.secretName);
  });
});
