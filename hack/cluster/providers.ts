import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { attachBao, startBao } from './bao.ts';
import { ensureBao } from './bao-tool.ts';
import { ClusterError } from './errors.ts';
import { run, tryRun, which } from './exec.ts';
import type { ClusterOptions, RunningCluster } from './index.ts';
import { down, up } from './index.ts';
import { kubeconfigFile, openDir } from './state.ts';
import type { BuildOptions } from './tools.ts';
import { ensureGoTools } from './tools.ts';

/** local: everything from hack/cluster. kind: a kind cluster. current: whatever kubectl talks to at the moment. */
export type Provider = 'local' | 'kind' | 'current';

const KIND_NAME = 'fairlead';
const KIND_CONFIG = fileURLToPath(new URL('../kind.yaml', import.meta.url));
const SLOW_MS = 10 * 60_000;

export function providerFromEnvironment(value = process.env['CLUSTER']): Provider {
  if (value === undefined || value === '' || value === 'local') return 'local';
  if (value === 'kind' || value === 'current') return value;
  throw new ClusterError('UNSUPPORTED', `CLUSTER=${value}: use local, kind or current`);
}

/** As up(), on the cluster that was chosen. OpenBao runs on this machine in each case. */
export async function open(provider: Provider, options: ClusterOptions): Promise<RunningCluster> {
  if (provider === 'local') return up(options);
  const dir = openDir(options.dir);
  const kubectl = which('kubectl') ?? (await ensureGoTools(['kubectl'], options))['kubectl'] ?? 'kubectl';
  const kubeconfig =
    provider === 'kind' ? await kindKubeconfig(dir, options) : await currentKubeconfig(kubectl);
  writeFileSync(kubeconfigFile(dir), kubeconfig, { mode: 0o600 });
  const hostAddress = process.env['FAIRLEAD_HOST_ADDRESS'] ?? (await defaultHostAddress(provider));
  const tools: Record<string, string> = { kubectl };
  if (options.openbao !== false) {
    tools['bao'] = await ensureBao(options);
    await startBao({ dir: join(dir, 'openbao'), log: options.log });
  }
  return describe(provider, dir, kubeconfig, hostAddress, tools);
}

/** Ends what open() started; a cluster that was there before is left alone. */
export async function close(
  provider: Provider,
  directory: string,
  log?: (line: string) => void,
): Promise<void> {
  if (provider === 'local') return down(directory, log);
  const dir = openDir(directory);
  await attachBaoOrNothing(join(dir, 'openbao'))?.close();
  for (const file of [kubeconfigFile(dir), join(dir, 'ca.crt'), join(dir, 'kind')])
    rmSync(file, { force: true });
  if (provider === 'kind')
    await run(kind(), ['delete', 'cluster', '--name', KIND_NAME], { timeoutMs: SLOW_MS });
}

function attachBaoOrNothing(dir: string) {
  try {
    return attachBao(dir);
  } catch {
    return undefined;
  }
}

async function kindKubeconfig(dir: string, options: BuildOptions): Promise<string> {
  mkdirSync(dir, { recursive: true });
  // kind would write into the user's own kubeconfig; it gets one of its own instead.
  const settings = {
    timeoutMs: SLOW_MS,
    signal: options.signal,
    env: { ...process.env, KUBECONFIG: join(dir, 'kind') },
  };
  const clusters = (await run(kind(), ['get', 'clusters'], settings)).split('\n');
  if (!clusters.includes(KIND_NAME)) {
    options.log?.('creating a kind cluster');
    const args = ['create', 'cluster', '--name', KIND_NAME, '--config', KIND_CONFIG, '--wait', '5m'];
    await run(kind(), args, settings);
  }
  return run(kind(), ['get', 'kubeconfig', '--name', KIND_NAME], settings);
}

function kind(): string {
  const path = which('kind');
  if (path === undefined)
    throw new ClusterError('TOOL_MISSING', 'CLUSTER=kind needs Docker and the kind binary');
  return path;
}

function currentKubeconfig(kubectl: string): Promise<string> {
  return run(kubectl, ['config', 'view', '--raw', '--minify', '--flatten']);
}

/** kind's API server runs in a container: this machine is its network's gateway, or has a name on Docker Desktop. */
async function defaultHostAddress(provider: Provider): Promise<string> {
  if (provider !== 'kind') return '127.0.0.1';
  if (process.platform !== 'linux') return 'host.docker.internal';
  const network = await run('docker', ['network', 'inspect', 'kind', '--format', '{{json .IPAM.Config}}']);
  const gateways = (JSON.parse(network) as { Gateway?: string }[]).map(({ Gateway }) => Gateway);
  const gateway = gateways.find((address) => address?.includes('.'));
  if (gateway === undefined)
    throw new ClusterError('UNSUPPORTED', "Docker's network kind has no IPv4 gateway");
  return gateway;
}

async function describe(
  provider: Provider,
  dir: string,
  kubeconfig: string,
  hostAddress: string,
  tools: Readonly<Record<string, string>>,
): Promise<RunningCluster> {
  const { server, ca } = parseKubeconfig(kubeconfig);
  const caFile = join(dir, 'ca.crt');
  writeFileSync(caFile, ca, { mode: 0o600 });
  const names = ['--kubeconfig', kubeconfigFile(dir), 'get', 'nodes', '-o', 'name'];
  const nodes =
    (await tryRun(tools['kubectl'] ?? 'kubectl', names))?.split('\n').filter((line) => line !== '') ?? [];
  const refuse = (): never => {
    throw new ClusterError('UNSUPPORTED', `not possible with CLUSTER=${provider}`);
  };
  return {
    dir,
    kubeconfig: kubeconfigFile(dir),
    server,
    caFile,
    hostAddress,
    nodeName: nodes[0]?.replace('node/', ''),
    // What a cluster's pods can reach depends on the cluster.
    nodeAddress: undefined,
    whyNoNode: nodes.length > 0 ? undefined : 'the cluster lists no nodes',
    image: process.env['FAIRLEAD_IMAGE'] ?? 'busybox:1.37',
    bao: 'bao' in tools ? attachBao(join(dir, 'openbao')) : undefined,
    tool: (name) => tools[name] ?? which(name) ?? refuse(),
    componentNames: () => [],
    stop: async () => refuse(),
    kill: async () => refuse(),
    start: async () => refuse(),
    pid: () => undefined,
    loadImageLayers: async () => refuse(),
    loadImages: async (archive) => {
      if (provider !== 'kind') refuse();
      await run(kind(), ['load', 'image-archive', archive, '--name', KIND_NAME], { timeoutMs: SLOW_MS });
    },
  };
}

function parseKubeconfig(text: string): { server: string; ca: string } {
  const config = parse(text) as {
    clusters?: { cluster: { server: string; 'certificate-authority-data'?: string } }[];
  };
  const cluster = config.clusters?.[0]?.cluster;
  if (cluster === undefined) throw new ClusterError('BAD_STATE', 'the kubeconfig names no cluster');
  return {
    server: cluster.server,
    ca: Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64').toString('utf8'),
  };
}
