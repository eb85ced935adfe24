import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adminClient, kubeletKnowsItsPods, nodeIsReady } from './api.ts';
import type { NodeObject } from './api.ts';
import { serverUrl, tool } from './control-plane.ts';
import { ClusterError } from './errors.ts';
import { feed, run, tryRun } from './exec.ts';
import { http } from './http.ts';
import type { Image } from './images.ts';
import { BUSYBOX_IMAGE, nodeImages, ociArchive, ociLayout, PAUSE_IMAGE } from './images.ts';
import { cniConfig, containerdConfig, kubeletConfig, namespaceScript } from './node-config.ts';
import type { NodeHost } from './node-host.ts';
import { createBridge } from './node-host.ts';
import { clearNode } from './node-processes.ts';
import type { ComponentSpec } from './process.ts';
import { pidOf, start, startedAt } from './process.ts';
import type { State } from './state.ts';
import { tarStream } from './tar.ts';

const READY_MS = 90_000;
export const NAMESPACE = 'node-namespace';
const nodeDir = (dir: string): string => join(dir, 'node');
const config = (dir: string, name: string): string => join(dir, 'config', name);

/** All of the node but the kubelet, which has to wait for the API server: namespace, containerd and its images. */
export async function startRuntime(
  dir: string,
  state: State,
  host: NodeHost,
  signal?: AbortSignal,
): Promise<void> {
  await createBridge(host, state);
  if (pidOf(dir, NAMESPACE) === undefined) await newNamespace(dir, state, host, signal);
  await start(dir, containerd(dir, host), signal);
  await importImages(dir, host);
}

async function newNamespace(dir: string, state: State, host: NodeHost, signal?: AbortSignal): Promise<void> {
  // Whatever runs in an earlier namespace of this node has lost its sockets with it.
  await clearNode(dir, state.node.bridge);
  mkdirSync(nodeDir(dir), { recursive: true, mode: 0o700 });
  mkdirSync(config(dir, 'cni'), { recursive: true, mode: 0o700 });
  await start(dir, namespace(dir, state, host), signal);
  const snapshotter = (await overlayWorks(dir, host)) ? 'overlayfs' : 'native';
  const files = {
    'containerd.toml': containerdConfig(snapshotter, host.cniDir, config(dir, 'cni')),
    'cni/10-fairlead.conflist': cniConfig(state.node),
    'kubelet.yaml': kubeletConfig(dir, state),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(config(dir, name), text, { mode: 0o600 });
}

export function namespace(dir: string, state: State, host: NodeHost): ComponentSpec {
  const { bridge } = state.node;
  return {
    name: NAMESPACE,
    command: host.unshare,
    args: ['--mount', '--propagation', 'slave', 'sh', '-c', namespaceScript(nodeDir(dir), bridge)],
    readyTimeoutMs: 10_000,
    // The script's last step: by then everything is mounted.
    ready: () => commandOf(pidOf(dir, NAMESPACE)) === 'sleep',
  };
}

function commandOf(pid: number | undefined): string | undefined {
  return pid === undefined ? undefined : readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

export function containerd(dir: string, host: NodeHost): ComponentSpec {
  return {
    name: 'containerd',
    ...inNamespace(dir, host, host.containerd, ['--config', config(dir, 'containerd.toml')]),
    readyTimeoutMs: 30_000,
    ready: async () => (await ctr(dir, host, ['version'])) !== undefined,
  };
}

export function kubelet(dir: string, state: State, host: NodeHost): ComponentSpec {
  const admin = adminClient(dir, serverUrl(state));
  const { name, address } = state.node;
  return {
    name: 'kubelet',
    ...inNamespace(dir, host, tool(state, 'kubelet'), [
      `--config=${config(dir, 'kubelet.yaml')}`,
      `--kubeconfig=${config(dir, 'kubelet-client.kubeconfig')}`,
      '--root-dir=/var/lib/kubelet',
      '--cert-dir=/var/lib/kubelet/pki',
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
    ]),
    readyTimeoutMs: READY_MS,
    ready: async () => {
      const healthz = `http://127.0.0.1:${state.ports['kubelet-health']}/healthz`;
      if ((await http(healthz)).status !== 200) return false;
      const node = await admin(`/api/v1/nodes/${name}`);
      if (node.status !== 200 || !nodeIsReady(node.json<NodeObject>(), startedAt(dir, 'kubelet')))
        return false;
      return kubeletKnowsItsPods(admin, name, `https://${address}:${state.ports.kubelet}`);
    },
  };
}

/** nsenter replaces itself by the command, so the pid that is written down is the command's own. */
function inNamespace(dir: string, host: NodeHost, command: string, args: readonly string[]) {
  const holder = pidOf(dir, NAMESPACE);
  if (holder === undefined)
    throw new ClusterError('NOT_RUNNING', `${NAMESPACE} does not run: start it first`);
  return { command: host.nsenter, args: [`--mount=/proc/${holder}/ns/mnt`, '--', command, ...args] };
}

export async function ctr(dir: string, host: NodeHost, args: readonly string[]): Promise<string | undefined> {
  const { command, args: all } = inNamespace(dir, host, host.ctr, ['--namespace', 'k8s.io', ...args]);
  return tryRun(command, all, { timeoutMs: 10_000 });
}

/** Adds the images of an OCI or docker archive to the node, under the names that it gives them. */
export async function importArchive(dir: string, host: NodeHost, file: string): Promise<void> {
  const args = ['--namespace', 'k8s.io', 'images', 'import', file];
  const { command, args: all } = inNamespace(dir, host, host.ctr, args);
  await run(command, all, { timeoutMs: 10 * 60_000 });
}

/** Adds images whose layers may be files, unless the node has just these. */
export async function importImageLayers(
  dir: string,
  host: NodeHost,
  images: readonly Image[],
): Promise<void> {
  const present = (await ctr(dir, host, ['images', 'list']))?.split('\n') ?? [];
  const has = (name: string, digest: string) =>
    present.some((line) => line.startsWith(`${name} `) && line.includes(digest));
  const { digests } = ociLayout(images);
  const missing = images.filter(({ name }) => !has(name, digests.get(name) ?? ''));
  if (missing.length === 0) return;
  const args = ['--namespace', 'k8s.io', 'images', 'import', '-'];
  const { command, args: all } = inNamespace(dir, host, host.ctr, args);
  await feed(command, all, tarStream(ociLayout(missing).entries), { timeoutMs: 10 * 60_000 });
}

async function importImages(dir: string, host: NodeHost): Promise<void> {
  const present = (await ctr(dir, host, ['images', 'list', '--quiet']))?.split('\n') ?? [];
  if ([BUSYBOX_IMAGE, PAUSE_IMAGE].every((name) => present.includes(name))) return;
  const applets = (await run(host.busybox, ['--list'])).split('\n').filter((name) => name !== '');
  const file = join(nodeDir(dir), 'images.tar');
  writeFileSync(file, ociArchive(nodeImages(readFileSync(host.busybox), applets)), { mode: 0o600 });
  await importArchive(dir, host, file);
  rmSync(file);
}

/** overlayfs spares a copy of the whole image per container, but not each file system can carry it. */
async function overlayWorks(dir: string, host: NodeHost): Promise<boolean> {
  const trial = join(nodeDir(dir), 'overlay-trial');
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(trial, name));
  for (const folder of [lower, upper, work, merged]) mkdirSync(folder ?? '', { recursive: true });
  const script = `mount -t overlay -o 'lowerdir=${lower},upperdir=${upper},workdir=${work}' overlay '${merged}' && umount '${merged}'`;
  const { command, args } = inNamespace(dir, host, 'sh', ['-c', script]);
  const works = (await tryRun(command, args)) !== undefined;
  rmSync(trial, { recursive: true, force: true });
  return works;
}
