import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { foreignCrds } from '../../hack/chart/foreign-crds.ts';
import { ensureKubeconform, LOCATION } from '../../hack/chart/kubeconform.ts';
import { schemasOf } from '../../hack/chart/schemas.ts';
import { down, up } from '../../hack/cluster/index.ts';
import { kubectl } from '../../hack/install.ts';
import { CHART_SETS } from '../support/chart-sets.ts';
import { kube, scratch, until } from '../support/cluster.ts';
import { CHART, helmFor, type Helm } from '../support/helm.ts';

/** The schemas of the API server that is run here, with the CRDs of Fairlead, cert-manager and the Prometheus operator. */
let dir: string;
let helm: Helm;
let kubeconform: string;
const ROOT = new URL('../..', import.meta.url).pathname;
const GROUPS = ['fairlead.dev/v1alpha1', 'cert-manager.io/v1', 'monitoring.coreos.com/v1'];

beforeAll(async () => {
  dir = await scratch('schemas');
  const cluster = await up({ dir: join(dir, 'cluster'), node: false, openbao: false });
  const k = kube(cluster);
  kubeconform = await ensureKubeconform({ log: (line) => console.log(line) });
  helm = await helmFor(cluster.kubeconfig, join(dir, 'helm'));
  for (const crd of await foreignCrds()) await kubectl(cluster, ['create', '-f', '-'], crd);
  await k.run('create', '-k', join(ROOT, 'crds'));
  const paths = await until('the schemas of all kinds', async () => {
    const index = JSON.parse(await k.run('get', '--raw', '/openapi/v3')) as { paths: Record<string, object> };
    const found = Object.keys(index.paths).filter((path) => /^apis?\/(.+\/)?v\d[a-z0-9]*$/.test(path));
    return GROUPS.every((group) => found.includes(`apis/${group}`)) && found;
  });
  await mkdir(join(dir, 'schemas'));
  for (const path of paths) {
    const schemas = schemasOf(JSON.parse(await k.run('get', '--raw', `/openapi/v3/${path}`)));
    for (const [file, schema] of schemas) await writeFile(join(dir, 'schemas', file), JSON.stringify(schema));
  }
}, 1_200_000);
afterAll(async () => {
  await down(join(dir, 'cluster'));
  await rm(dir, { recursive: true, force: true });
});

/** What kubeconform finds wrong, as `Kind/name: why`, and how many objects it looked at. */
async function check(manifests: string): Promise<{ objects: number; problems: string[] }> {
  const file = join(dir, 'manifests.yaml');
  await writeFile(file, manifests);
  const flags = [
    '-strict',
    '-summary',
    '-output',
    'json',
    '-schema-location',
    join(dir, 'schemas', LOCATION),
  ];
  const { stdout } = await promisify(execFile)(kubeconform, [...flags, file], { maxBuffer: 64 << 20 }).catch(
    (error: { stdout: string }) => error,
  );
  const { resources, summary } = JSON.parse(stdout) as {
    resources?: { kind: string; name: string; msg: string }[];
    summary: { valid: number; invalid: number; errors: number; skipped: number };
  };
  const problems = (resources ?? []).map(({ kind, name, msg }) => `${kind}/${name}: ${msg}`);
  return { objects: summary.valid + summary.invalid + summary.errors, problems };
}

describe('the schemas of the API server know', () => {
  it.each(Object.entries(CHART_SETS))('every field of the chart with %s', async (_, set) => {
    const rendered = await helm('template', 'fairlead', CHART, '-n', 'fairlead-system', ...set);
    const seen = await check(rendered);
    expect(seen.problems).toEqual([]);
    expect(seen.objects).toBeGreaterThan(30);
  });

  it('every field of the samples of our kinds and of config/', async () => {
    const texts: string[] = [];
    for await (const file of glob('config/{samples,monitoring,argocd}/*.yaml', { cwd: ROOT })) {
      const documents = parseAllDocuments(await readFile(join(ROOT, file), 'utf8'));
      texts.push(...documents.filter((one) => one.get('kind') !== undefined).map(String));
    }
    const seen = await check(texts.join('---\n'));
    expect(seen.problems).toEqual([]);
    expect(seen.objects).toBeGreaterThan(20);
  });

  it.each([
    ['replicas: 1', 'replica: 1', /Deployment\/fairlead-certificates: .*replica/],
    ['isCA: true', 'isCa: true', /Certificate\/fairlead-webhook-ca: .*isCa/],
    ['minAvailable: 1', 'minAvailable: true', /PodDisruptionBudget\/fairlead-[a-z]+: .*minAvailable/],
  ])('no other: %s is not %s', async (good, bad, message) => {
    const rendered = await helm('template', 'fairlead', CHART, ...CHART_SETS['cert-manager']!);
    expect(rendered).toContain(good);
    const { problems } = await check(rendered.replace(good, bad));
    expect(problems).toEqual([expect.stringMatching(message)]);
  });
});
