import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { freePorts } from './ports.ts';
import type { Subnet } from './subnet.ts';
import { chooseSubnet } from './subnet.ts';

/** What a cluster is, as far as it has to be the same again at the next start: `state.json` in its directory. */
export interface State {
  readonly version: 1;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly node: {
    readonly name: string;
    /** The address of this cluster's bridge: the node's own one, and the pods' gateway. */
    readonly address: string;
    readonly subnet: string;
    readonly bridge: string;
  };
  /** Where Services have their addresses; the first one is `kubernetes` itself. Absent in clusters of an older version. */
  readonly services?: Subnet;
  /** What was asked for so far; a later `up` may add to it. */
  readonly parts: { readonly controllers: boolean; readonly node: boolean; readonly openbao: boolean };
  readonly whyNoNode?: string;
  readonly tools: Readonly<Record<string, string>>;
}

const PORTS = [
  'etcd',
  'etcd-peer',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kubelet-health',
] as const;
export type PortName = (typeof PORTS)[number];

export const NODE_NAME = 'fairlead-node';
const OLD_SERVICES: Subnet = { subnet: '10.96.0.0/16', address: '10.96.0.1' };
export const servicesOf = (state: State): Subnet => state.services ?? OLD_SERVICES;
const stateFile = (dir: string): string => join(dir, 'state.json');
export const kubeconfigFile = (dir: string): string => join(dir, 'kubeconfig');

/** The directory as one canonical absolute path, so that it means the same cluster from anywhere. */
export function openDir(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return realpathSync(dir);
}

export function readState(dir: string): State | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(dir), 'utf8');
  } catch {
    return undefined;
  }
  const state = JSON.parse(text) as Partial<State>;
  if (state.version === 1) return state as State;
  throw new ClusterError('BAD_STATE', `${stateFile(dir)} is of another version: remove ${dir}`);
}

export function writeState(dir: string, state: State): void {
  const temporary = `${stateFile(dir)}.new`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, stateFile(dir));
}

export async function newState(dir: string): Promise<State> {
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 8);
  const pods = chooseSubnet();
  return {
    version: 1,
    ports: await freePorts(PORTS),
    // Interface names end at 15 characters.
    node: { name: NODE_NAME, bridge: `fairlead-${hash.slice(0, 6)}`, ...pods },
    // Of its own for each cluster: several clusters of one machine answer for their Services side by side.
    services: chooseSubnet({ except: pods }),
    parts: { controllers: false, node: false, openbao: false },
    tools: {},
  };
}
