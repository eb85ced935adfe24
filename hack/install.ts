/**
 * Puts Fairlead into a cluster: what `kubectl apply -k config` installs, with the webhook pointed at a process on
 * this machine, and a kubeconfig for each of its ServiceAccounts, so that every process runs with just the
 * rights that it has in a real cluster.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { DEFAULT_SYSTEM_NAMESPACE, KEYS_API_SERVICE } from '../src/api/names.ts';

const run = promisify(execFile);
const CONFIG = new URL('../config', import.meta.url).pathname;
const KEYS_API = join(CONFIG, 'keys-api');
const LEGACY_SPARK = join(CONFIG, 'legacy-spark');

/** Just what is needed of hack/cluster's RunningCluster. */
export interface Target {
  readonly kubeconfig: string;
  /** Where the API server reaches a process of this machine. */
  readonly hostAddress: string;
  tool(name: 'kubectl'): string;
}

/** kubectl as the cluster's administrator; rejects with kubectl's own words. */
export async function kubectl(target: Target, args: readonly string[], stdin?: string): Promise<string> {
  return (await kubectlOutput(target, args, stdin)).stdout;
}

export interface Output {
  readonly stdout: string;
  /** With the warnings. */
  readonly stderr: string;
}

export async function kubectlOutput(
  target: Target,
  args: readonly string[],
  stdin?: string,
): Promise<Output> {
  const child = run(target.tool('kubectl'), ['--kubeconfig', target.kubeconfig, ...args], {
    maxBuffer: 64 * 1024 * 1024,
  });
  if (stdin !== undefined) child.child.stdin?.end(stdin);
  return child;
}

/** Applies config/ with the webhook at `webhookUrl` (an origin) instead of a Service. */
export async function install(target: Target, webhookUrl: string): Promise<void> {
  const documents = await rendered(target, CONFIG);
  pointAt(webhookUrl, documents);
  const isCrd = ({ kind }: Manifest) => kind === 'CustomResourceDefinition' || kind === 'Namespace';
  await apply(target, documents.filter(isCrd));
  await kubectl(target, [
    'wait',
    '--for=condition=Established',
    '--timeout=30s',
    'crd',
    '-l',
    'app.kubernetes.io/name=fairlead',
  ]);
  await apply(
    target,
    documents.filter((document) => !isCrd(document)),
  );
}

function pointAt(webhookUrl: string, documents: readonly Manifest[]): void {
  for (const webhook of documents.flatMap(({ webhooks }) => webhooks ?? [])) {
    const { path } = webhook.clientConfig.service ?? { path: '' };
    webhook.clientConfig = { url: `${webhookUrl}${path}` };
  }
}

/** Applies config/legacy-spark in the same way; the certificates role brings the authority. */
export async function installLegacySpark(target: Target, webhookUrl: string): Promise<void> {
  const documents = await rendered(target, LEGACY_SPARK);
  pointAt(webhookUrl, documents);
  await apply(target, documents);
}

export async function uninstallLegacySpark(target: Target): Promise<void> {
  await kubectl(target, ['delete', '-k', LEGACY_SPARK, '--ignore-not-found']);
}

/**
 * Applies config/keys-api with the API at a port of this machine. While it is registered and not served, no namespace of
 * the cluster can be deleted: see uninstallKeysApi.
 */
export async function installKeysApi(target: Target, port: number): Promise<void> {
  const documents = await rendered(target, KEYS_API);
  for (const { kind, spec } of documents) {
    if (kind === 'APIService' && spec?.service) spec.service.port = port;
    if (kind !== 'Service' || !spec) continue;
    // kube-apiserver looks up such a name itself, and takes the port from the APIService.
    const externalName = target.hostAddress === '127.0.0.1' ? 'localhost' : target.hostAddress;
    for (const field of Object.keys(spec)) delete spec[field];
    Object.assign(spec, { type: 'ExternalName', externalName, ports: [{ port }] });
  }
  await apply(target, documents);
}

/** To be done first: what it leads to may then go. */
export async function unregisterKeysApi(target: Target): Promise<void> {
  await kubectl(target, ['delete', 'apiservice', KEYS_API_SERVICE, '--ignore-not-found']);
}

/** What is left of config/keys-api. */
export async function uninstallKeysApi(target: Target): Promise<void> {
  await kubectl(target, ['delete', '-k', KEYS_API, '--ignore-not-found']);
}

async function rendered(target: Target, folder: string): Promise<Manifest[]> {
  const text = await kubectl(target, ['kustomize', folder]);
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

interface Manifest {
  kind: string;
  spec?: Record<string, unknown> & { service?: { port: number } };
  webhooks?: { clientConfig: { url?: string; service?: { path: string } } }[];
}

async function apply(target: Target, documents: readonly unknown[]): Promise<void> {
  const yaml = documents.map((document) => stringify(document)).join('---\n');
  await kubectl(
    target,
    ['apply', '--server-side', '--force-conflicts', '--field-manager=fairlead-install', '-f', '-'],
    yaml,
  );
}

/** A kubeconfig that logs in as a ServiceAccount of the system namespace; resolves to its path. */
export async function accountKubeconfig(target: Target, account: string, dir: string): Promise<string> {
  const token = await kubectl(target, [
    'create',
    'token',
    account,
    '-n',
    DEFAULT_SYSTEM_NAMESPACE,
    '--duration=8h',
  ]);
  const view = await kubectl(target, ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const config = JSON.parse(view) as { clusters: unknown[]; contexts: { context: { cluster: string } }[] };
  const context = { cluster: config.contexts[0]?.context.cluster, user: account };
  const own = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': account,
    clusters: config.clusters,
    contexts: [{ name: account, context }],
    users: [{ name: account, user: { token: token.trim() } }],
  };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, `${account}.kubeconfig`);
  await writeFile(path, stringify(own), { mode: 0o600 });
  await chmod(path, 0o600);
  return path;
}
