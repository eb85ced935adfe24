import { join } from 'node:path';
import { attachBao, killBao } from './bao.ts';
import { apiServer, controllerManager, etcd, scheduler } from './control-plane.ts';
import { ClusterError } from './errors.ts';
import { containerd, kubelet, NAMESPACE, namespace, startRuntime } from './node.ts';
import { requireHost } from './node-host.ts';
import { POD_NETWORK, podNetwork } from './pod-network/component.ts';
import type { ComponentSpec } from './process.ts';
import { pidOf, start, stop } from './process.ts';
import type { PortName, State } from './state.ts';

export const baoDir = (dir: string): string => join(dir, 'openbao');
const STOP_MS = 60_000;

/** In the order in which they depend on each other. */
export function componentNames({ parts }: State): string[] {
  return [
    'etcd',
    'kube-apiserver',
    ...(parts.controllers ? ['kube-controller-manager', 'kube-scheduler'] : []),
    ...(parts.openbao ? ['openbao'] : []),
    ...(parts.node ? [NAMESPACE, 'containerd', POD_NETWORK, 'kubelet'] : []),
  ];
}

/** What a component is, by its name; OpenBao has its own module. */
export function specOf(dir: string, state: State, name: string): ComponentSpec {
  switch (name) {
    case 'etcd':
      return etcd(dir, state);
    case 'kube-apiserver':
      return apiServer(dir, state);
    case 'kube-controller-manager':
      return controllerManager(dir, state);
    case 'kube-scheduler':
      return scheduler(dir, state);
    case NAMESPACE:
      return namespace(dir, state, requireHost());
    case 'containerd':
      return containerd(dir, requireHost());
    case POD_NETWORK:
      return podNetwork(dir, state);
    case 'kubelet':
      return kubelet(dir, state, requireHost());
    default:
      throw unknown(name);
  }
}

export async function startComponent(dir: string, state: State, name: string): Promise<void> {
  check(state, name);
  if (name === 'openbao') return attachBao(baoDir(dir)).start();
  // These two are one: containerd without its namespace, or with a new one, has to be set up again.
  if (name === NAMESPACE || name === 'containerd') return startRuntime(dir, state, requireHost());
  await start(dir, specOf(dir, state, name));
}

export async function stopComponent(
  dir: string,
  state: State,
  name: string,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  check(state, name);
  if (name !== 'openbao') return stop(dir, name, { signal, timeoutMs: STOP_MS, thenKill: true });
  await (signal === 'SIGKILL' ? killBao(baoDir(dir)) : attachBao(baoDir(dir)).stop());
}

export function pidOfComponent(dir: string, state: State, name: string): number | undefined {
  check(state, name);
  return name === 'openbao' ? attachBao(baoDir(dir)).pid() : pidOf(dir, name);
}

export interface ComponentStatus {
  readonly name: string;
  readonly pid: number | undefined;
  readonly state: 'ready' | 'not ready' | 'dead';
  readonly port: string;
}

export async function componentStatus(dir: string, state: State, name: string): Promise<ComponentStatus> {
  const pid = pidOfComponent(dir, state, name);
  const port =
    name === 'openbao'
      ? new URL(attachBao(baoDir(dir)).address).port
      : String(state.ports[name as PortName] ?? '-');
  return { name, pid, port, state: pid === undefined ? 'dead' : await readiness(dir, state, name) };
}

async function readiness(dir: string, state: State, name: string): Promise<'ready' | 'not ready'> {
  try {
    const ready =
      name === 'openbao' ? await attachBao(baoDir(dir)).ready() : await specOf(dir, state, name).ready();
    return ready ? 'ready' : 'not ready';
  } catch {
    return 'not ready';
  }
}

function check(state: State, name: string): void {
  if (!componentNames(state).includes(name)) throw unknown(name);
}

function unknown(name: string): ClusterError {
  return new ClusterError('UNKNOWN_COMPONENT', `this cluster has no component ${name}`);
}
