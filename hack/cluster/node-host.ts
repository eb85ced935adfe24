import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { run, tryRun, which } from './exec.ts';
import { installPackages } from './packages.ts';
import type { BuildOptions } from './tools.ts';
import type { State } from './state.ts';
import { servicesOf } from './state.ts';

/** What the machine itself has to have for a node; all of it comes as packages of a Debian-like system. */
export interface NodeHost {
  readonly containerd: string;
  readonly ctr: string;
  readonly ip: string;
  readonly busybox: string;
  readonly unshare: string;
  readonly nsenter: string;
  readonly cniDir: string;
}

const PROGRAMS = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  ip: 'iproute2',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
} as const;
const CNI_PACKAGE = 'containernetworking-plugins';
const CNI_DIRS = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const CNI_PLUGINS = ['bridge', 'host-local', 'loopback'];

/** The machine's tools for a node, installed where that is possible; throws NODE_IMPOSSIBLE with the reason. */
export async function prepareHost(options: BuildOptions = {}): Promise<NodeHost> {
  if (process.platform !== 'linux') throw impossible(`a kubelet needs Linux, not ${process.platform}`);
  if (process.getuid?.() !== 0) throw impossible('a kubelet needs root');
  await installPackages(missingPackages, options).catch((error: unknown) => {
    throw impossible(error instanceof Error ? error.message : String(error), error);
  });
  const host = findHost();
  if (host === undefined)
    throw impossible(`still missing after the installation: ${missingPackages().join(', ')}`);
  await run(host.unshare, ['--mount', '--propagation', 'slave', 'true']).catch((error: unknown) => {
    throw impossible('no right to make a mount namespace (CAP_SYS_ADMIN)', error);
  });
  return host;
}

/** As prepareHost(), for a node that exists already: installs nothing. */
export function requireHost(): NodeHost {
  const host = findHost();
  if (host === undefined) throw impossible(`missing: ${missingPackages().join(', ')}`);
  return host;
}

function findHost(): NodeHost | undefined {
  const cniDir = CNI_DIRS.find((folder) => CNI_PLUGINS.every((plugin) => existsSync(join(folder, plugin))));
  if (cniDir === undefined || missingPackages().length > 0) return undefined;
  const path = (name: keyof typeof PROGRAMS): string => which(name) ?? name;
  return {
    containerd: path('containerd'),
    ctr: path('ctr'),
    ip: path('ip'),
    busybox: path('busybox'),
    unshare: path('unshare'),
    nsenter: path('nsenter'),
    cniDir,
  };
}

function missingPackages(): string[] {
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => {
      const path = which(program);
      return path === undefined || (program === 'busybox' && !isStatic(path));
    })
    .map(([, pkg]) => pkg as string);
  if (!CNI_DIRS.some((folder) => CNI_PLUGINS.every((plugin) => existsSync(join(folder, plugin)))))
    missing.push(CNI_PACKAGE);
  return [...new Set(missing)];
}

/** An image of one file has no dynamic loader; a dynamic program names its loader near its beginning. */
function isStatic(path: string): boolean {
  const start = readFileSync(path).subarray(0, 4_096).toString('latin1');
  return !start.includes('ld-linux') && !start.includes('ld-musl');
}

/** The pods' network. It has no port to the outside and nothing forwards: packets stay on this machine. */
export async function createBridge(host: NodeHost, state: State): Promise<void> {
  const { bridge, address } = state.node;
  if ((await tryRun(host.ip, ['link', 'show', bridge])) === undefined)
    await run(host.ip, ['link', 'add', bridge, 'type', 'bridge']);
  await run(host.ip, ['address', 'replace', `${address}/24`, 'dev', bridge]);
  await run(host.ip, ['link', 'set', bridge, 'up']);
  const services = servicesOf(state);
  // The route that other clusters see when they choose theirs, and the one that makes all of it addresses of this
  // machine: pod-network/ answers on them. Both go with the bridge.
  await run(host.ip, ['address', 'replace', `${services.address}/24`, 'dev', bridge]);
  await run(host.ip, ['route', 'replace', 'local', services.subnet, 'dev', bridge]);
}

export async function deleteBridge({ bridge }: State['node']): Promise<void> {
  const ip = which('ip');
  if (ip !== undefined && existsSync(`/sys/class/net/${bridge}`)) await run(ip, ['link', 'delete', bridge]);
}

function impossible(message: string, cause?: unknown): ClusterError {
  return new ClusterError('NODE_IMPOSSIBLE', message, cause);
}
