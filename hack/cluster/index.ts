import { join } from 'node:path';
import type { Bao } from './bao.ts';
import { attachBao } from './bao.ts';
import { ensureBao } from './bao-tool.ts';
import { baoDir, componentNames, pidOfComponent, startComponent, stopComponent } from './components.ts';
import { serverUrl, writeControlPlaneFiles } from './control-plane.ts';
import { ClusterError, isClusterError } from './errors.ts';
import type { Image } from './images.ts';
import { BUSYBOX_IMAGE } from './images.ts';
import { withLock } from './lock.ts';
import { importArchive, importImageLayers } from './node.ts';
import type { NodeHost } from './node-host.ts';
import { prepareHost, requireHost } from './node-host.ts';
import { ensureClusterPki, pkiFile } from './pki.ts';
import { pidOf } from './process.ts';
import { startAll } from './start-all.ts';
import type { State } from './state.ts';
import { kubeconfigFile, newState, openDir, readState, servicesOf, writeState } from './state.ts';
import { together } from './together.ts';
import type { GoTool } from './tools.ts';
import { ensureGoTools } from './tools.ts';

export { down } from './down.ts';
export { ClusterError, isClusterError } from './errors.ts';
export type { Bao } from './bao.ts';

export interface ClusterOptions {
  /** State directory, created. */
  readonly dir: string;
  /** A real node: 'auto' = where possible (Linux and root), true = fail if not possible, false = none. */
  readonly node?: boolean | 'auto';
  /** Default true; false = only etcd and kube-apiserver (and then no node). */
  readonly controllers?: boolean;
  /** Default true. */
  readonly openbao?: boolean;
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunningCluster {
  readonly dir: string;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
  /** https://127.0.0.1:PORT, and the CA of its certificate. */
  readonly server: string;
  readonly caFile: string;
  /** The address under which the API server reaches a process of this machine, for webhooks. */
  readonly hostAddress: string;
  readonly nodeName: string | undefined;
  /** The address under which pods reach a process of this machine that listens there. */
  readonly nodeAddress: string | undefined;
  readonly whyNoNode: string | undefined;
  /** A busybox image that the node has. */
  readonly image: string;
  readonly bao: Bao | undefined;
  /** Absolute path of a tool or component. */
  tool(name: string): string;
  componentNames(): string[];
  stop(component: string): Promise<void>;
  kill(component: string): Promise<void>;
  /** With the same arguments, ports and data; waits until it is ready. */
  start(component: string): Promise<void>;
  pid(component: string): number | undefined;
  /** Adds the images of an OCI or docker archive (a tar file) to the node. */
  loadImages(archive: string): Promise<void>;
  /** Adds images whose layers may be files; those that the node has already cost nothing. Local clusters only. */
  loadImageLayers(images: readonly Image[]): Promise<void>;
}

const UP_LOCK_MS = 20 * 60_000;

/** Starts a cluster, or what is missing of one that was started before in the same directory. */
export async function up(options: ClusterOptions): Promise<RunningCluster> {
  const dir = openDir(options.dir);
  return withLock(
    join(dir, 'lock'),
    {
      what: `starting the cluster in ${dir}`,
      timeoutMs: UP_LOCK_MS,
      log: options.log,
      signal: options.signal,
    },
    () => upLocked(dir, options),
  );
}

/** A cluster that runs already, maybe started by another process. */
export async function attach(directory: string): Promise<RunningCluster> {
  const dir = openDir(directory);
  const state = readState(dir);
  if (state === undefined || pidOf(dir, 'kube-apiserver') === undefined)
    throw new ClusterError('NOT_RUNNING', `no cluster runs in ${dir}`);
  return describe(dir, state);
}

async function upLocked(dir: string, options: ClusterOptions): Promise<RunningCluster> {
  const known = readState(dir) ?? (await newState(dir));
  const { state, host } = await prepare(known, options);
  await ensureClusterPki(dir, { ...state.node, serviceAddress: servicesOf(state).address });
  writeState(dir, state);
  writeControlPlaneFiles(dir, state);

  await startAll(dir, state, host, { log: options.log, signal: options.signal });
  return describe(dir, state);
}

/** Gets everything that has to be built or installed, and decides what this cluster will consist of. */
async function prepare(
  known: State,
  options: ClusterOptions,
): Promise<{ state: State; host: NodeHost | undefined }> {
  const controllers = known.parts.controllers || options.controllers !== false;
  const openbao = known.parts.openbao || options.openbao !== false;
  const { host, whyNoNode } = await findNode(
    known.parts.node || (options.node ?? 'auto'),
    controllers,
    options,
  );
  const names: GoTool[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (controllers) names.push('kube-controller-manager', 'kube-scheduler');
  if (host) names.push('kubelet');
  const tools = { ...known.tools };
  await together(options.signal, [
    async (signal) => Object.assign(tools, await ensureGoTools(names, { log: options.log, signal })),
    async (signal) => {
      if (openbao) tools['bao'] = await ensureBao({ log: options.log, signal });
    },
  ]);
  const { whyNoNode: _, ...rest } = known;
  const parts = { controllers, openbao, node: host !== undefined };
  return { host, state: { ...rest, parts, tools, ...(whyNoNode !== undefined && { whyNoNode }) } };
}

async function findNode(
  wanted: boolean | 'auto',
  controllers: boolean,
  options: ClusterOptions,
): Promise<{ host?: NodeHost; whyNoNode?: string }> {
  if (wanted === false) return { whyNoNode: 'not asked for' };
  if (!controllers) return { whyNoNode: 'only etcd and kube-apiserver were asked for' };
  try {
    return { host: await prepareHost(options) };
  } catch (error) {
    if (wanted === true || !isClusterError(error, 'NODE_IMPOSSIBLE')) throw error;
    options.log?.(`no node: ${error.message}`);
    return { whyNoNode: error.message };
  }
}

function describe(dir: string, state: State): RunningCluster {
  return {
    dir,
    kubeconfig: kubeconfigFile(dir),
    server: serverUrl(state),
    caFile: pkiFile(dir, 'ca.crt'),
    hostAddress: '127.0.0.1',
    nodeName: state.parts.node ? state.node.name : undefined,
    nodeAddress: state.parts.node ? state.node.address : undefined,
    whyNoNode: state.whyNoNode,
    image: BUSYBOX_IMAGE,
    bao: state.parts.openbao ? attachBao(baoDir(dir)) : undefined,
    tool: (name) => {
      const path = state.tools[name];
      if (path === undefined) throw new ClusterError('TOOL_MISSING', `this cluster has no tool ${name}`);
      return path;
    },
    componentNames: () => componentNames(state),
    stop: (name) => stopComponent(dir, state, name, 'SIGTERM'),
    kill: (name) => stopComponent(dir, state, name, 'SIGKILL'),
    start: (name) => startComponent(dir, state, name),
    pid: (name) => pidOfComponent(dir, state, name),
    loadImages: (archive) => importArchive(dir, requireHost(), archive),
    loadImageLayers: (images) => importImageLayers(dir, requireHost(), images),
  };
}
