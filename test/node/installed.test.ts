import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { down, up, type RunningCluster } from '../../hack/cluster/index.ts';
import * as objects from '../../hack/demo/objects.ts';
import { ensureImage } from '../../hack/image/build.ts';
import { ROOT } from '../../hack/image/inputs.ts';
import { kube, scratch, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { CHART, helmFor, type Helm } from '../support/helm.ts';

/**
 * As an administrator installs it: the image by the Dockerfile, the chart, pods on a real node, and the API server that
 * reaches them through their Services. In a cluster of its own: Helm takes over nothing that others have made.
 */
let dir: string;
let cluster: RunningCluster;
let k: Kube;
let helm: Helm;
const SYSTEM = 'fairlead-system';
const TEAM = 'marketing-jobs';
const VALUE = randomBytes(24).toString('hex');
const namespace = (name: string, labels: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

beforeAll(async () => {
  dir = await scratch('installed');
  const log = (line: string) => console.log(line);
  const [image] = await Promise.all([
    ensureImage({ revision: 'test', log }),
    up({ dir: join(dir, 'cluster'), node: true, openbao: false }).then((started) => (cluster = started)),
  ]);
  k = kube(cluster);
  helm = await helmFor(cluster.kubeconfig, join(dir, 'helm'));
  await cluster.loadImages(image.archive);
  await k.apply(namespace(SYSTEM, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
  const [repository, tag] = image.name.split(':');
  const values = [`image.repository=${repository}`, `image.tag=${tag}`, 'keysApi.enabled=true'];
  const flags = ['-n', SYSTEM, '--wait', '--timeout=10m', ...values.map((value) => `--set=${value}`)];
  const started = performance.now();
  await helm('install', 'fairlead', CHART, ...flags).catch(async (error: unknown) => {
    console.log(await k.run('get', 'pods,events', '-n', SYSTEM));
    throw error;
  });
  console.log(`helm install --wait: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}, 1_200_000);
afterAll(async () => {
  await down(join(dir, 'cluster'));
  await rm(dir, { recursive: true, force: true });
}, 120_000);

const conditionOf = (status: KubeJson, wanted: string) =>
  status?.conditions?.find(({ type }: KubeJson) => type === wanted);
const printed = async (pod: string) => (await k.run('logs', pod, '-n', TEAM)).trim();
/** Seven Node processes and a container start on two cores. */
const PATIENT = { timeoutMs: 60_000 };
const PRINT_HASH = ['sh', '-c', 'printf %s "$PASSWORD" | sha256sum | cut -d" " -f1; sleep 3600'];
const annotated = (name: string) =>
  objects.pod(name, TEAM, { image: cluster.image, references: 'warehouse', command: PRINT_HASH });

describe('the chart with the image', () => {
  it('has every replica of every role ready, as non-root on a read-only root file system', async () => {
    const pods: KubeJson[] = await k.list('pods', SYSTEM);
    const roles = pods.map(({ metadata }): string => metadata.labels['app.kubernetes.io/component']).sort();
    expect(roles).toEqual([
      'admission',
      'admission',
      'certificates',
      'controller',
      'controller',
      'keys',
      'keys',
    ]);
    for (const { metadata, spec, status } of pods) {
      expect([metadata.name, conditionOf(status, 'Ready')?.status]).toEqual([metadata.name, 'True']);
      expect(spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
    }
  });

  it('has no shell in its containers', async () => {
    const error = await k.refused([
      'exec',
      '-n',
      SYSTEM,
      'deploy/fairlead-controller',
      '--',
      'sh',
      '-c',
      'id',
    ]);
    expect(error).toMatch(/"sh": executable file not found/);
  });

  it('runs them as user 65532 without any capability, on a file system that takes no file', async () => {
    const script = `const { readFileSync, writeFileSync } = require('node:fs');
      const said = ['/tmp-x', '/app/x'].map((file) => { try { writeFileSync(file, ''); } catch (e) { return e.code; } });
      const status = readFileSync('/proc/1/status', 'utf8');
      const field = (name) => status.match(new RegExp(name + ':\\\\s*(.*)'))[1];
      console.log(JSON.stringify([said, process.getuid(), field('CapEff'), field('NoNewPrivs'), field('Seccomp')]));`;
    const exec = ['exec', '-n', SYSTEM, 'deploy/fairlead-controller', '--', 'node', '-e', script];
    expect(JSON.parse(await k.run(...exec))).toEqual([['EROFS', 'EROFS'], 65532, '0'.repeat(16), '1', '2']);
  });
});

describe('a user', () => {
  it('sees a pod wait for a key, with the reason, and start when it is there', async () => {
    await k.apply(namespace(TEAM, { 'fairlead.dev/domain': 'marketing' }));
    await until('the default ServiceAccount', async () => k.get('serviceaccount', TEAM, 'default'));
    await k.apply(objects.opaque('iomete-secret-store-marketing', { other: 'value' }));
    await k.apply(objects.reference('warehouse', TEAM, { PASSWORD: 'KUBERNETES/marketing/db_password' }));
    await k.apply(annotated('job'));
    const waits = async () => {
      const pod: KubeJson = await k.get('pod', TEAM, 'job');
      const found = conditionOf(pod.status, 'fairlead.dev/SecretsDelivered');
      return found?.reason === 'KeyNotFound' && { pod, found };
    };
    const waiting = await until('the pod to wait', waits, PATIENT);
    expect(waiting.found.message).toContain('db_password');
    expect(waiting.pod.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    expect(await k.run('get', 'pod', 'job', '-n', TEAM)).toContain('SchedulingGated');

    await k.apply(objects.opaque('iomete-secret-store-marketing', { db_password: VALUE }));
    const hash = await until('the container to print', async () => printed('job'), PATIENT);
    expect(hash).toBe(createHash('sha256').update(VALUE).digest('hex'));
  });

  it('lists the keys of the domain through the API server', async () => {
    const listed = await until(
      'the API for keys',
      async () => k.run('get', 'secretkeys', '-n', TEAM),
      PATIENT,
    );
    expect(listed).toMatch(/^KEY +SOURCE +ID\s/);
    expect(listed).toMatch(/^db_password +KUBERNETES +marketing\s*$/m);
    expect(listed).not.toContain(VALUE);
  });
});

describe('a role that has nothing to do', () => {
  const requests = { admission: 128, certificates: 160, controller: 192, keys: 192 };

  it.each(Object.entries(requests))(
    '%s stays within the memory that the chart requests',
    async (role, request) => {
      const deployment: KubeJson = await k.get('deployment', SYSTEM, `fairlead-${role}`);
      expect(deployment.spec.template.spec.containers[0].resources.requests.memory).toBe(`${request}Mi`);
      const script = await readFile(join(ROOT, 'hack/image/measure.ts'), 'utf8');
      const node = ['node', '--optimize-for-size', '--input-type=module-typescript', '-e', script];
      const measured = await k.run('exec', '-n', SYSTEM, `deploy/fairlead-${role}`, '--', ...node);
      console.log(`${role}: ${measured.trim()}`);
      expect(JSON.parse(measured).resident_mb).toBeLessThan(request * 1.048);
    },
  );
});

it('logs no value of a key', async () => {
  const logs = await k.run(
    'logs',
    '-n',
    SYSTEM,
    '-l',
    'app.kubernetes.io/name=fairlead',
    '--tail=-1',
    '--prefix',
  );
  expect(logs).toContain('fairlead starts');
  expect(logs).toContain('delivered');
  expect(logs).not.toContain(VALUE);
});

describe('helm uninstall', () => {
  it('leaves nothing that keeps pods from being made or namespaces from going', async () => {
    await helm('uninstall', 'fairlead', '-n', SYSTEM, '--wait', '--timeout=3m');
    expect(await k.list('apiservice', undefined, '-l', 'app.kubernetes.io/name=fairlead')).toEqual([]);
    // Nobody answers for it any more: it starts at once, without its secret.
    await k.apply(annotated('unserved'));
    const nothing = createHash('sha256').update('').digest('hex');
    expect(await until('the container to print', async () => printed('unserved'), PATIENT)).toBe(nothing);
    await k.run('delete', 'namespace', TEAM, SYSTEM, '--timeout=100s');
    expect(await k.get('namespace', TEAM, TEAM)).toBeUndefined();
  });
});
