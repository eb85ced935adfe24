import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { adminClient } from './api.ts';
import { http } from './http.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { pkiFile, readPki } from './pki.ts';
import type { ComponentSpec } from './process.ts';
import type { State } from './state.ts';
import { kubeconfigFile, servicesOf } from './state.ts';

const READY_MS = 90_000;
const url = (port: number): string => `https://127.0.0.1:${port}`;
export const serverUrl = (state: State): string => url(state.ports['kube-apiserver']);
const configFile = (dir: string, name: string): string => join(dir, 'config', name);
const flags = (values: Readonly<Record<string, string | number | boolean>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`);

/** Everything that the components read from files, except certificates. */
export function writeControlPlaneFiles(dir: string, state: State): void {
  mkdirSync(join(dir, 'config'), { recursive: true, mode: 0o700 });
  writeKubeconfig(kubeconfigFile(dir), dir, serverUrl(state), 'admin');
  for (const user of ['controller-manager', 'scheduler', 'kubelet-client'])
    writeKubeconfig(configFile(dir, `${user}.kubeconfig`), dir, serverUrl(state), user);
  const scheduler = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    // Above the defaults (50/100): a bench lifts a thousand gates at once and measures us, not the throttle.
    clientConnection: { kubeconfig: configFile(dir, 'scheduler.kubeconfig'), qps: 500, burst: 1000 },
  };
  writeFileSync(configFile(dir, 'scheduler.yaml'), stringify(scheduler), { mode: 0o600 });
}

export function etcd(dir: string, state: State): ComponentSpec {
  const { etcd: port, 'etcd-peer': peer } = state.ports;
  const tls = { ca: readPki(dir, 'etcd-ca').cert, ...readPki(dir, 'apiserver-etcd-client') };
  return {
    name: 'etcd',
    command: tool(state, 'etcd'),
    args: flags({
      name: 'fairlead',
      'data-dir': join(dir, 'etcd'),
      // Data survive a killed process all the same; only a crash of the machine may lose the last writes.
      'unsafe-no-fsync': true,
      'listen-client-urls': url(port),
      'advertise-client-urls': url(port),
      'listen-peer-urls': url(peer),
      'initial-advertise-peer-urls': url(peer),
      'initial-cluster': `fairlead=${url(peer)}`,
      'client-cert-auth': true,
      'trusted-ca-file': pkiFile(dir, 'etcd-ca.crt'),
      'cert-file': pkiFile(dir, 'etcd.crt'),
      'key-file': pkiFile(dir, 'etcd.key'),
      'peer-client-cert-auth': true,
      'peer-trusted-ca-file': pkiFile(dir, 'etcd-ca.crt'),
      'peer-cert-file': pkiFile(dir, 'etcd.crt'),
      'peer-key-file': pkiFile(dir, 'etcd.key'),
    }),
    readyTimeoutMs: READY_MS,
    ready: async () => (await http(`${url(port)}/readyz`, tls)).status === 200,
  };
}

export function apiServer(dir: string, state: State): ComponentSpec {
  const admin = adminClient(dir, serverUrl(state));
  return {
    name: 'kube-apiserver',
    command: tool(state, 'kube-apiserver'),
    args: flags({
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': state.ports['kube-apiserver'],
      'endpoint-reconciler-type': 'none',
      'service-cluster-ip-range': servicesOf(state).subnet,
      'etcd-servers': url(state.ports.etcd),
      'etcd-cafile': pkiFile(dir, 'etcd-ca.crt'),
      'etcd-certfile': pkiFile(dir, 'apiserver-etcd-client.crt'),
      'etcd-keyfile': pkiFile(dir, 'apiserver-etcd-client.key'),
      'client-ca-file': pkiFile(dir, 'ca.crt'),
      'tls-cert-file': pkiFile(dir, 'apiserver.crt'),
      'tls-private-key-file': pkiFile(dir, 'apiserver.key'),
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'allow-privileged': true,
      'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
      'service-account-key-file': pkiFile(dir, 'service-accounts.crt'),
      'service-account-signing-key-file': pkiFile(dir, 'service-accounts.key'),
      'requestheader-client-ca-file': pkiFile(dir, 'front-proxy-ca.crt'),
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-uid-headers': 'X-Remote-Uid',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': pkiFile(dir, 'front-proxy-client.crt'),
      'proxy-client-key-file': pkiFile(dir, 'front-proxy-client.key'),
      'kubelet-certificate-authority': pkiFile(dir, 'ca.crt'),
      'kubelet-client-certificate': pkiFile(dir, 'apiserver-kubelet-client.crt'),
      'kubelet-client-key': pkiFile(dir, 'apiserver-kubelet-client.key'),
      'kubelet-preferred-address-types': 'InternalIP',
      // Ends watches when it stops; else it waits a minute for clients that would watch for ever.
      'shutdown-watch-termination-grace-period': '1s',
      // Double the defaults: a bench sends as one client what a cluster gets from a thousand.
      'max-requests-inflight': 800,
      'max-mutating-requests-inflight': 400,
    }),
    readyTimeoutMs: READY_MS,
    ready: async () => (await admin('/readyz')).status === 200,
  };
}

export function controllerManager(dir: string, state: State): ComponentSpec {
  const admin = adminClient(dir, serverUrl(state));
  const port = state.ports['kube-controller-manager'];
  const kubeconfig = configFile(dir, 'controller-manager.kubeconfig');
  return {
    name: 'kube-controller-manager',
    command: tool(state, 'kube-controller-manager'),
    args: flags({
      kubeconfig,
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'leader-elect': false,
      'use-service-account-credentials': true,
      'service-account-private-key-file': pkiFile(dir, 'service-accounts.key'),
      'root-ca-file': pkiFile(dir, 'ca.crt'),
      'cluster-signing-cert-file': pkiFile(dir, 'ca.crt'),
      'cluster-signing-key-file': pkiFile(dir, 'ca.key'),
      'kube-api-qps': 200,
      'kube-api-burst': 400,
      ...serving(dir, port),
    }),
    readyTimeoutMs: READY_MS,
    // Its first visible work: without this ServiceAccount the first pod is refused.
    ready: async () =>
      (await admin(`${url(port)}/healthz`)).status === 200 &&
      (await admin('/api/v1/namespaces/default/serviceaccounts/default')).status === 200,
  };
}

export function scheduler(dir: string, state: State): ComponentSpec {
  const admin = adminClient(dir, serverUrl(state));
  const port = state.ports['kube-scheduler'];
  const kubeconfig = configFile(dir, 'scheduler.kubeconfig');
  return {
    name: 'kube-scheduler',
    command: tool(state, 'kube-scheduler'),
    args: flags({
      config: configFile(dir, 'scheduler.yaml'),
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      ...serving(dir, port),
    }),
    readyTimeoutMs: READY_MS,
    ready: async () => (await admin(`${url(port)}/readyz`)).status === 200,
  };
}

function serving(dir: string, port: number): Record<string, string | number> {
  return {
    'bind-address': '127.0.0.1',
    'secure-port': port,
    'tls-cert-file': pkiFile(dir, 'component-serving.crt'),
    'tls-private-key-file': pkiFile(dir, 'component-serving.key'),
  };
}

export function tool(state: State, name: string): string {
  return state.tools[name] ?? name;
}
