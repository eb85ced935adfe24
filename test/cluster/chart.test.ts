import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { down, up, type RunningCluster } from '../../hack/cluster/index.ts';
import { kubectl } from '../../hack/install.ts';
import { expectedPolicies, matches } from '../../src/controllers/policies.ts';
import { parseConfig } from '../../src/config.ts';
import { POLICIES, STRICT_POLICIES } from '../../src/roles/fence.ts';
import { kube, scratch, type Kube, type KubeJson } from '../support/cluster.ts';
import { CHART_SETS } from '../support/chart-sets.ts';
import { byId, CHART, helmFor, type Helm } from '../support/helm.ts';

/** In a cluster of its own: Helm takes over nothing that others have made, and the names are the same. */
let dir: string;
let cluster: RunningCluster;
let k: Kube;
let helm: Helm;
/** Not the default one, so that a name that stands somewhere by itself is noticed. */
const SYSTEM = 'secrets-of-ours';
const roles = ['admission', 'certificates', 'controller', 'keys'];
const release = ['fairlead', CHART, '-n', SYSTEM];

beforeAll(async () => {
  dir = await scratch('chart');
  cluster = await up({ dir: join(dir, 'cluster'), node: false, openbao: false });
  k = kube(cluster);
  helm = await helmFor(cluster.kubeconfig, join(dir, 'helm'));
}, 1_200_000);
afterAll(async () => {
  await down(join(dir, 'cluster'));
  await rm(dir, { recursive: true, force: true });
});

function withoutLabels({ metadata, ...rest }: KubeJson): KubeJson {
  const { name, namespace } = metadata;
  return { ...rest, metadata: { name, namespace } };
}

async function kustomized(directory: string) {
  return byId(await kubectl(cluster, ['kustomize', new URL(`../../${directory}`, import.meta.url).pathname]));
}

describe('the chart', () => {
  it.each([
    ['config', []],
    ['config/strict', ['features.strictUse.enabled=true']],
    ['config/legacy-spark', ['features.legacySpark.enabled=true']],
    ['config/keys-api', ['keysApi.enabled=true']],
  ])('has the objects of %s', async (directory, set) => {
    const flags = set.flatMap((one) => ['--set', one]);
    const rendered = byId(await helm('template', 'fairlead', CHART, '-n', 'fairlead-system', ...flags));
    const wanted = await kustomized(directory);
    // Helm makes the namespace.
    wanted.delete('Namespace/fairlead-system');
    for (const [id, object] of wanted)
      expect([id, withoutLabels(rendered.get(id) ?? { metadata: {} })]).toEqual([id, withoutLabels(object)]);
  });

  it('has the alerts and the dashboard of config/monitoring, if they are wanted', async () => {
    const file = async (name: string) =>
      readFile(new URL(`../../config/monitoring/${name}`, import.meta.url), 'utf8');
    const without = byId(await helm('template', ...release));
    expect([...without.keys()].filter((id) => /PrometheusRule|dashboard/.test(id))).toEqual([]);
    const set = ['metrics.rules.enabled=true', 'metrics.rules.labels.release=prom'];
    set.push('metrics.dashboard.enabled=true');
    const rendered = byId(await helm('template', ...release, ...set.flatMap((one) => ['--set', one])));
    expect(rendered.get('PrometheusRule/fairlead')).toMatchObject({
      metadata: { namespace: SYSTEM, labels: { release: 'prom' } },
      // It says where to look.
      spec: parse((await file('rules.yaml')).replaceAll('-n fairlead-system', `-n ${SYSTEM}`)),
    });
    const { metadata, data } = rendered.get('ConfigMap/fairlead-dashboard');
    expect(metadata.labels['grafana_dashboard']).toBe('1');
    expect(JSON.parse(data['fairlead.json'])).toEqual(JSON.parse(await file('dashboard.json')));
  });

  it('puts the labels of the release on every object of its own', async () => {
    const rendered = byId(await helm('template', ...release, ...CHART_SETS['everything']!));
    for (const [id, { metadata }] of rendered) {
      if (id.startsWith('ConfigMap/extra')) continue;
      expect([id, metadata.labels]).toEqual([
        id,
        expect.objectContaining({
          'app.kubernetes.io/name': 'fairlead',
          'app.kubernetes.io/instance': 'fairlead',
          'app.kubernetes.io/managed-by': 'Helm',
        }),
      ]);
    }
  });

  it('gives every ServiceAccount the annotations that are wanted, and makes none if somebody else does', async () => {
    const accounts = async (...set: string[]) =>
      [...byId(await helm('template', ...release, ...set)).values()].filter(
        ({ kind }) => kind === 'ServiceAccount',
      );
    const set = ['--set', 'keysApi.enabled=true'];
    const found = await accounts(...set, '--set', 'serviceAccount.annotations.team=platform');
    expect(found.map(({ metadata }): string => metadata.name).sort()).toEqual(
      roles.map((role) => `fairlead-${role}`),
    );
    for (const { metadata } of found) expect(metadata.annotations).toEqual({ team: 'platform' });
    expect(await accounts(...set, '--set', 'serviceAccount.create=false')).toEqual([]);
  });

  it('stops within its grace period, however long is drained', async () => {
    const set = ['--set', 'drainSeconds=15', '--set', 'keysApi.enabled=true'];
    const rendered = byId(await helm('template', ...release, ...set));
    for (const role of roles) {
      const { terminationGracePeriodSeconds, containers } = rendered.get(`Deployment/fairlead-${role}`).spec
        .template.spec;
      const [{ lifecycle, args }] = containers;
      const serves = role === 'admission' || role === 'keys';
      expect([role, args.includes('--drain-seconds=15')]).toEqual([role, serves]);
      // 25 seconds after SIGTERM a process of ours ends by itself.
      const slept = lifecycle?.preStop.sleep.seconds ?? 0;
      expect([role, slept > 0]).toEqual([role, serves]);
      expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(slept + 25);
    }
  });

  it('restarts what is not alive and keeps away from what is not ready', async () => {
    const set = ['--set', 'readiness.requiresVault=true'];
    const rendered = byId(await helm('template', ...release, ...set));
    for (const { kind, metadata, spec } of rendered.values()) {
      if (kind !== 'Deployment') continue;
      const [container] = spec.template.spec.containers;
      expect(container.livenessProbe.httpGet.path).toBe('/livez');
      expect(container.readinessProbe.httpGet.path).toBe('/readyz');
      const isController = metadata.name === 'fairlead-controller';
      expect(container.args.includes('--readiness-requires-vault=true')).toBe(isController);
    }
  });

  it.each([
    ['keysAPI.enabled=true', /additional properties 'keysAPI' not allowed/],
    ['replicaCount=0', /replicaCount/],
    // One of eight slots is for the pod that a roll-out makes first.
    ['replicaCount=8', /replicaCount/],
    ['leaderElection.enabled=false', /leaderElection.enabled: false needs replicaCount: 1/],
    ['audit.log=/var/log/fairlead.log', /a file needs audit.volume/],
    ['audit.volume.emptyDir.sizeLimit=1Gi', /must be the absolute path of a file/],
    ['extraEnv[0].name=NODE_OPTIONS', /extraEnv\/0\/name/],
    ['podLabels.app\\.kubernetes\\.io/component=mine', /app.kubernetes.io\/component/],
    ['features.secretsV2.enabled=maybe', /secretsV2/],
    ['vault.hosts[0]=vault.example.com', /vault\/hosts\/0/],
  ])('refuses %s and names it', async (value, message) => {
    const refused = helm('template', 'fairlead', CHART, '--set', value);
    await expect(refused).rejects.toMatchObject({ stderr: expect.stringMatching(message) });
  });

  it.each([
    [[]],
    [
      [
        'features.strictUse.enabled=true',
        'features.legacySpark.enabled=true',
        'leaderElection.enabled=false',
        'replicaCount=1',
        'docsUrl=https://docs.example.com/fairlead',
        'webhook.certManager.enabled=true',
        'features.secretsV2.enabled=false',
      ],
    ],
  ])('starts every role with flags that it takes, with %j', async (set) => {
    const flags = ['keysApi.enabled=true', ...set].flatMap((one) => ['--set', one]);
    const rendered = byId(await helm('template', ...release, ...flags));
    for (const role of ['admission', 'certificates', 'controller', 'keys']) {
      const [container] = rendered.get(`Deployment/fairlead-${role}`)?.spec.template.spec.containers ?? [];
      expect(parseConfig(container.args, {})).toMatchObject({ role, systemNamespace: SYSTEM });
    }
  });

  it('gives the audit of each pod a file of its own', async () => {
    const set = ['keysApi.enabled=true', 'audit.log=/var/log/fairlead/audit.log'];
    set.push('audit.volume.persistentVolumeClaim.claimName=audit');
    const rendered = byId(await helm('template', ...release, ...set.flatMap((one) => ['--set', one])));
    for (const role of ['controller', 'keys']) {
      const [container] = rendered.get(`Deployment/fairlead-${role}`)?.spec.template.spec.containers ?? [];
      expect(container.args).toContain('--audit-log=/var/log/fairlead/$(POD_NAME).audit.log');
      expect(container.env).toContainEqual({
        name: 'POD_NAME',
        valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
      });
      expect(container.volumeMounts).toContainEqual({ name: 'audit', mountPath: '/var/log/fairlead' });
    }
  });

  it('keeps no node from being drained for the sake of a single replica', async () => {
    const rendered = byId(await helm('template', ...release, '--set', 'replicaCount=1'));
    expect([...rendered.values()].filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  });

  it('lives in any namespace, also one whose name is a number', async () => {
    const rendered = byId(
      await helm('template', 'fairlead', CHART, '-n', '123', '--set', 'keysApi.enabled=true'),
    );
    const manifests = [...rendered.values()].filter(({ kind }) => kind !== 'CustomResourceDefinition');
    const namespaces = JSON.stringify(manifests).match(/"namespace":("[^" ]*"|\d+)/g) ?? [];
    expect(new Set(namespaces)).toEqual(
      new Set(['"namespace":"123"', '"namespace":"kube-system"', '"namespace":"default"']),
    );
    const excluded = rendered.get('MutatingWebhookConfiguration/fairlead').webhooks[0].namespaceSelector;
    expect(excluded.matchExpressions[0].values).toEqual(['kube-system', '123']);
  });

  it('takes resources for all roles at once', async () => {
    const rendered = byId(await helm('template', ...release, '--set', 'resources.limits.memory=2Gi'));
    const limits = [...rendered.values()]
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ spec }) => spec.template.spec.containers[0].resources);
    expect(limits).toEqual(limits.map(() => ({ limits: { memory: '2Gi' } })));
  });

  it('runs every role without a right that it does not need', async () => {
    const rendered = byId(await helm('template', ...release, '--set', 'keysApi.enabled=true'));
    const deployments = [...rendered.values()].filter(({ kind }) => kind === 'Deployment');
    const names = new Set(deployments.map(({ metadata }) => metadata.name));
    expect(names).toEqual(new Set(roles.map((role) => `fairlead-${role}`)));
    for (const { metadata, spec } of deployments) {
      const pod = spec.template.spec;
      expect(pod.serviceAccountName).toBe(metadata.name);
      expect(pod.automountServiceAccountToken).toBe(metadata.name !== 'fairlead-admission');
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { securityContext, resources } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources.limits.memory).toMatch(/Mi$/);
      }
    }
    const { policyTypes, egress } = rendered.get('NetworkPolicy/fairlead-admission')?.spec ?? {};
    expect({ policyTypes, egress }).toEqual({ policyTypes: ['Ingress', 'Egress'], egress: undefined });
  });
});

describe('a release', () => {
  const settings = ['--set', 'stores.namePrefix=kept', '--set', 'vault.tokenAudiences={bao,vault}'];
  const versions = async (): Promise<Map<string, string>> => {
    const ids = byId(await helm('get', 'manifest', 'fairlead', '-n', SYSTEM)).values();
    const found = await Promise.all(
      [...ids].map(async ({ kind, apiVersion, metadata: { name } }): Promise<[string, string]> => {
        const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
        const resource = group === '' ? kind : `${kind}.${version}.${group}`;
        const object = await k.get(resource, SYSTEM, name);
        return [`${kind}/${name}`, object?.metadata.resourceVersion ?? 'missing'];
      }),
    );
    // What its controllers write into the status of a Deployment is no change of ours.
    return new Map(found.filter(([id]) => !/^(Deployment|PodDisruptionBudget)\//.test(id)));
  };

  it('is upgraded from an earlier version of the chart', async () => {
    const earlier = join(dir, 'earlier');
    await cp(CHART, earlier, { recursive: true });
    const file = join(earlier, 'Chart.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^version: .*$/m, 'version: 0.0.1'));
    const [name, , ...rest] = release;
    await helm('install', name!, earlier, ...rest, '--create-namespace', ...settings);
    await helm('upgrade', ...release, ...settings);
    const list = JSON.parse(await helm('list', '-n', SYSTEM, '-o', 'json')) as KubeJson[];
    expect(list).toMatchObject([{ name: 'fairlead', revision: '2', status: 'deployed' }]);
  });

  it('has the policies without which Fairlead delivers nothing, with the settings of the operator', async () => {
    const expected = await expectedPolicies([POLICIES], {
      systemNamespace: SYSTEM,
      tokenAudiences: ['bao', 'vault'],
      storePrefix: 'kept',
    });
    expect(expected.size).toBeGreaterThan(20);
    for (const [id, { metadata, spec }] of expected) {
      const live = await k.get(id.split('/')[0]!, SYSTEM, metadata.name);
      expect([id, matches(spec, live?.spec)]).toEqual([id, true]);
    }
  });

  it('does not change when it is applied again', async () => {
    const before = await versions();
    expect([...before.values()]).not.toContain('missing');
    await helm('upgrade', ...release, ...settings);
    expect(await versions()).toEqual(before);
  });

  it('goes back to what it was', async () => {
    await helm('upgrade', ...release, ...settings, '--set', 'features.strictUse.enabled=true');
    const strict = await expectedPolicies([STRICT_POLICIES], {
      systemNamespace: SYSTEM,
      tokenAudiences: ['bao', 'vault'],
      storePrefix: 'kept',
    });
    const [id] = strict.keys();
    const there = async () => k.get(id!.split('/')[0]!, SYSTEM, id!.split('/')[1]!);
    expect(await there()).toBeDefined();
    await helm('rollback', 'fairlead', '-n', SYSTEM);
    expect(await there()).toBeUndefined();
  });

  it('leaves the kinds, and so everything that people made of them, when it is uninstalled', async () => {
    const reference = {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'SecretReference',
      metadata: { name: 'warehouse', namespace: 'default' },
      spec: { env: [{ name: 'A', secret: { key: 'a', source: { type: 'KUBERNETES', id: 'global' } } }] },
    };
    await k.apply(reference);
    await helm('uninstall', 'fairlead', '-n', SYSTEM);
    expect(await k.get('secretreference', 'default', 'warehouse')).toMatchObject({ spec: reference.spec });
    expect(await k.list('validatingadmissionpolicy')).toEqual([]);
    expect(await k.list('mutatingwebhookconfiguration')).toEqual([]);
    expect(await k.list('deployment', SYSTEM)).toEqual([]);
  });
});
