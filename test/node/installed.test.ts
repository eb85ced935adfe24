import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foreignCrds } from '../../hack/chart/foreign-crds.ts';
import { down, up, type RunningCluster } from '../../hack/cluster/index.ts';
import { createAuthority, issue } from '../../hack/cluster/pki.ts';
import * as objects from '../../hack/demo/objects.ts';
import { ensureImage } from '../../hack/image/build.ts';
import { ROOT } from '../../hack/image/inputs.ts';
import { kubectl } from '../../hack/install.ts';
import { readPolicy, vaultAdmin } from '../../hack/vault-admin.ts';
import { kube, scratch, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { CHART, helmFor, type Helm } from '../support/helm.ts';
import { relay } from '../support/relay.ts';
import { fingerprintOf, servedAt } from '../support/served.ts';

/**
 * As an administrator installs it: the image by the Dockerfile, the chart, pods on a real node, and the API server that
 * reaches them through their Services. In a cluster of its own: Helm takes over nothing that others have made.
 */
let dir: string;
let cluster: RunningCluster;
let k: Kube;
let helm: Helm;
let vault: Awaited<ReturnType<typeof relay>>;
const SYSTEM = 'fairlead-system';
const TEAM = 'marketing-jobs';
const VALUE = randomBytes(24).toString('hex');
const IN_VAULT = randomBytes(24).toString('hex');
const IN_GLOBAL = randomBytes(24).toString('hex');
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
    up({ dir: join(dir, 'cluster'), node: true, openbao: true }).then((running) => (cluster = running)),
  ]);
  k = kube(cluster);
  vault = await relay(cluster.bao!.address);
  helm = await helmFor(cluster.kubeconfig, join(dir, 'helm'));
  await cluster.loadImages(image.archive);
  await k.apply(namespace(SYSTEM, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
  const [repository, tag] = image.name.split(':');
  const values = [`image.repository=${repository}`, `image.tag=${tag}`, 'keysApi.enabled=true'];
  values.push('vault.allowHttp=true', `vault.hosts={${vault.origin}}`);
  const flags = ['-n', SYSTEM, '--wait', '--timeout=10m', ...values.map((value) => `--set=${value}`)];
  const begun = performance.now();
  await helm('install', 'fairlead', CHART, ...flags).catch(async (error: unknown) => {
    console.log(await k.run('get', 'pods,events', '-n', SYSTEM));
    throw error;
  });
  console.log(`helm install --wait: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}, 1_200_000);
afterAll(async () => {
  vault?.close();
  await down(join(dir, 'cluster'));
  await rm(dir, { recursive: true, force: true });
}, 120_000);

const conditionOf = (status: KubeJson, wanted: string) =>
  status?.conditions?.find(({ type }: KubeJson) => type === wanted);
const printed = async (pod: string) => (await k.run('logs', pod, '-n', TEAM)).trim();
/** Seven Node processes and a container start on two cores. */
const PATIENT = { timeoutMs: 60_000 };
const PRINT_HASH = ['sh', '-c', 'printf %s "$PASSWORD" | sha256sum | cut -d" " -f1; sleep 3600'];
const annotated = (name: string, references = 'warehouse') =>
  objects.pod(name, TEAM, { image: cluster.image, references, command: PRINT_HASH });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const started = async (pod: string) => until('the container to print', async () => printed(pod), PATIENT);

describe('the chart with the image', () => {
  it('has every replica of every role ready, as non-root on a read-only root file system', async () => {
    const pods: KubeJson[] = await k.list('pods', SYSTEM);
    const roles = pods.map(({ metadata }): string => metadata.labels['app.kubernetes.io/component']).sort();
    const replicated = ['admission', 'controller', 'keys'].flatMap((role) => [role, role]);
    expect(roles).toEqual([...replicated, 'certificates'].sort());
    for (const { metadata, spec, status } of pods) {
      expect([metadata.name, conditionOf(status, 'Ready')?.status]).toEqual([metadata.name, 'True']);
      expect(spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
    }
  });

  it('has no shell in its containers', async () => {
    const exec = ['exec', '-n', SYSTEM, 'deploy/fairlead-controller', '--', 'sh', '-c', 'id'];
    const error = await k.refused(exec);
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
    expect(await started('job')).toBe(sha256(VALUE));
  });

  it('gets what is in Vault, with the login of the integration', async () => {
    const admin = vaultAdmin(cluster.bao!);
    const path = 'secret/data/marketing';
    await admin.put(path, { token: IN_VAULT });
    await admin.policy('marketing', readPolicy(path));
    const appRole = await admin.appRole('marketing', ['marketing']);
    const secret = 'vault-marketing';
    await k.apply(objects.credentials(secret, vault.origin, appRole.secretId));
    const integration = { host: vault.origin, path: `/v1/${path}`, domains: ['marketing'], appRole, secret };
    await k.apply(objects.integration('marketing', integration));
    await k.apply(objects.reference('from-vault', TEAM, { PASSWORD: 'VAULT/marketing/token' }));
    await k.apply(annotated('with-vault', 'from-vault'));
    expect(await started('with-vault')).toBe(sha256(IN_VAULT));
  });

  it('writes a key through the API server, and the pod that waits for it starts', async () => {
    await k.apply(objects.reference('written', TEAM, { PASSWORD: 'KUBERNETES/marketing/later' }));
    await k.apply(annotated('waits-for-key', 'written'));
    const key = {
      apiVersion: 'keys.fairlead.dev/v1alpha1',
      kind: 'SecretKey',
      metadata: { name: 'kubernetes:marketing:later', namespace: TEAM },
      spec: { value: VALUE },
    };
    await k.both(['create', '-f', '-'], key);
    expect(await started('waits-for-key')).toBe(sha256(VALUE));
  });

  it('gets a legacy placeholder replaced where it is allowed', async () => {
    // Always of the global store.
    await k.apply(objects.opaque('iomete-secret-store', { smtp: IN_GLOBAL }));
    await k.run('label', 'namespace', TEAM, 'fairlead.dev/legacy-placeholders=enabled');
    const env = [{ name: 'PASSWORD', value: '${secrets.smtp}' }];
    const container = { name: 'main', image: cluster.image, imagePullPolicy: 'IfNotPresent', env };
    await k.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'legacy', namespace: TEAM },
      spec: { containers: [{ ...container, command: PRINT_HASH }] },
    });
    expect(await started('legacy')).toBe(sha256(IN_GLOBAL));
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
  const requests = { admission: 96, certificates: 128, controller: 192, keys: 192 };

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
  for (const value of [VALUE, IN_VAULT, IN_GLOBAL]) expect(logs).not.toContain(value);
});

describe('the certificate of the webhook', () => {
  /** The fingerprints of what the replicas serve. */
  const served = async () => {
    const pods: KubeJson[] = await k.list('pods', SYSTEM, '-l', 'app.kubernetes.io/component=admission');
    return Promise.all(pods.map(async ({ status }) => servedAt(status.podIP, 9443)));
  };
  const secretOf = async (name: string): Promise<KubeJson> => k.get('secret', SYSTEM, name);
  const admitted = async (name: string) => k.both(['create', '--dry-run=server', '-f', '-'], annotated(name));

  it('is changed without a pod being refused', async () => {
    const before = await served();
    await k.run('delete', 'secret', 'fairlead-webhook-cert', '-n', SYSTEM);
    const changed = async () => {
      const { stdout } = await admitted('meanwhile');
      expect(stdout).toContain('created (server dry run)');
      const now = await served();
      return new Set(now).size === 1 && !before.includes(now[0]);
    };
    // Not even one attempt may fail: until() would try again.
    const refused: unknown[] = [];
    const watched = async () => changed().catch((error: unknown) => void refused.push(error));
    await until('all replicas to serve the new one', watched, { timeoutMs: 110_000 });
    expect(refused).toEqual([]);
  }, 150_000);

  it('is what cert-manager writes, if that is wanted, and the certificates role leaves it alone', async () => {
    for (const crd of await foreignCrds()) await kubectl(cluster, ['create', '-f', '-'], crd);
    const set = ['--reuse-values', '--set=webhook.certManager.enabled=true', '--wait', '--timeout=3m'];
    await helm('upgrade', 'fairlead', CHART, '-n', SYSTEM, ...set);
    expect(await k.get('certificate', SYSTEM, 'fairlead-webhook')).toBeDefined();

    // What cert-manager and its cainjector do. They are not here.
    const authority = await createAuthority('fairlead-webhook-ca');
    const dnsNames = [`fairlead-webhook.${SYSTEM}.svc`];
    const { cert, key } = await issue(authority, {
      commonName: 'fairlead-webhook',
      usage: ['server'],
      dns: dnsNames,
    });
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const data = { 'tls.crt': base64(cert), 'tls.key': base64(key), 'ca.crt': base64(authority.cert) };
    await k.apply({
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', data },
      metadata: { name: 'fairlead-webhook-cert', namespace: SYSTEM },
    });
    const configuration: KubeJson = await k.get('mutatingwebhookconfiguration', '', 'fairlead');
    const patch = configuration.webhooks.map((_: unknown, index: number) => ({
      op: 'replace',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: data['ca.crt'],
    }));
    const what = ['mutatingwebhookconfiguration', 'fairlead', '--type=json', '-p', JSON.stringify(patch)];
    await k.run('patch', ...what);
    const takenOver = async () => (await served()).every((one) => one === fingerprintOf(cert));
    await until('all replicas to serve it', takenOver, { timeoutMs: 110_000 });
    await k.apply(annotated('by-cert-manager'));
    expect(await started('by-cert-manager')).toBe(sha256(VALUE));

    // The role does its rounds: the certificate of the API for keys is made anew, which comes after the webhook's.
    const { metadata } = await secretOf('fairlead-keys-cert');
    await k.run('delete', 'secret', 'fairlead-keys-cert', '-n', SYSTEM);
    const anew = async () => {
      const now = await secretOf('fairlead-keys-cert');
      return now !== undefined && now.metadata.uid !== metadata.uid;
    };
    await until('a round of the certificates role', anew, PATIENT);
    expect((await secretOf('fairlead-webhook-cert')).data['tls.crt']).toBe(data['tls.crt']);
    const { webhooks }: KubeJson = await k.get('mutatingwebhookconfiguration', '', 'fairlead');
    for (const { clientConfig } of webhooks) expect(clientConfig.caBundle).toBe(data['ca.crt']);
  }, 420_000);
});

describe('helm uninstall', () => {
  it('leaves nothing that keeps pods from being made or namespaces from going', async () => {
    await helm('uninstall', 'fairlead', '-n', SYSTEM, '--wait', '--timeout=3m');
    expect(await k.list('apiservice', undefined, '-l', 'app.kubernetes.io/name=fairlead')).toEqual([]);
    // Nobody answers for it any more: it starts at once, without its secret.
    // The API server knows the policies that are gone for a moment longer.
    await until('the pod to be accepted', async () => {
      await k.apply(annotated('unserved'));
      return true;
    });
    expect(await started('unserved')).toBe(sha256(''));
    await k.run('delete', 'namespace', TEAM, SYSTEM, '--timeout=100s');
    expect(await k.get('namespace', TEAM, TEAM)).toBeUndefined();
  }, 300_000);
});
