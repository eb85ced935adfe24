import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { http, type HttpAnswer } from '../../hack/cluster/http.ts';
import { NOTEBOOK_IMAGE } from '../../hack/spark/images.ts';
import { until } from '../support/cluster.ts';
import type { Bench } from './bench.ts';
import { getPod, podWhen } from './pods.ts';

/** Of its pod, its ServiceAccount and all else that is made for it. */
export const HUB = 'hub';
const PORT = 8081;
const CONFIG = readFileSync(new URL('hub_config.py', import.meta.url), 'utf8');

/** One message of the page on which a user waits for the server. */
export interface Progress {
  readonly message: string;
  readonly ready?: boolean;
  readonly failed?: boolean;
  /** The event, as core/v1, that it was made of. */
  readonly raw_event?: {
    readonly type: string;
    readonly reason: string;
    readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  };
}

/** A real JupyterHub with KubeSpawner, in a pod; the users' pods are in its namespace. */
export interface Hub {
  /** Asks for the user's server; the hub takes it from there. */
  start(user: string, options?: object): Promise<void>;
  /** What the user is shown meanwhile; ends when the server is ready or has failed. */
  progress(user: string): AsyncGenerator<Progress>;
  /** Resolves once the user's pod is gone. */
  stop(user: string): Promise<void>;
  /** Whether the hub has a server of the user that is ready. */
  ready(user: string): Promise<boolean>;
}

/** What KubeSpawner calls the user's pod. */
export const serverPod = (user: string): string => `jupyter-${user}`;

/** Resolves when the hub answers. `salt` is what a server puts before a value of which it prints a hash. */
export async function startHub(b: Bench, namespace: string, salt: string): Promise<Hub> {
  const token = randomBytes(16).toString('hex');
  await b.k.apply(...rights(namespace), ...workload(namespace, { HUB_TOKEN: token, SALT: salt }));
  const isReady = ({ status }: { status: { containerStatuses?: { ready: boolean }[] } }) =>
    status.containerStatuses?.[0]?.ready === true;
  const { status } = await podWhen(b, namespace, HUB, isReady, { what: 'ready' });
  const api = `http://${status.podIP as string}:${PORT}/hub/api`;
  const headers = { authorization: `token ${token}` };
  const call = async (method: string, path: string, body?: object): Promise<HttpAnswer> => {
    const answer = await http(api + path, { method, headers, body, timeoutMs: 60_000 });
    if (answer.status < 400) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  };
  return {
    start: async (user, options = {}) => {
      const { status } = await http(`${api}/users/${user}`, { method: 'POST', headers, timeoutMs: 60_000 });
      if (status !== 201 && status !== 409) throw new Error(`the hub made no user: ${status}`);
      await call('POST', `/users/${user}/server`, options);
    },
    progress: (user) => stream(`${api}/users/${user}/server/progress`, headers),
    stop: async (user) => {
      await call('DELETE', `/users/${user}/server`);
      await podGone(b, namespace, serverPod(user));
    },
    ready: async (user) => {
      const answer = await call('GET', `/users/${user}`);
      return answer.json<{ servers: Record<string, { ready: boolean }> }>().servers['']?.ready === true;
    },
  };
}

export async function podGone(b: Bench, namespace: string, name: string): Promise<void> {
  const gone = async () => (await getPod(b, namespace, name)) === undefined;
  await until(`${namespace}/${name} to be gone`, gone, { timeoutMs: 60_000 });
}

/** Server-sent events, each `data: <JSON>`; the hub sends empty lines to keep the connection. */
async function* stream(url: string, headers: Record<string, string>): AsyncGenerator<Progress> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(300_000) });
  if (!response.ok || response.body === null) throw new Error(`no progress: ${response.status}`);
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as Progress;
  }
}

/** What KubeSpawner's documents ask for; nothing about Secrets. */
function rights(namespace: string): object[] {
  const metadata = { name: HUB, namespace };
  const group = 'rbac.authorization.k8s.io';
  const rules = [
    {
      apiGroups: [''],
      resources: ['pods', 'persistentvolumeclaims'],
      verbs: ['get', 'watch', 'list', 'create', 'delete'],
    },
    { apiGroups: [''], resources: ['events'], verbs: ['get', 'watch', 'list'] },
  ];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: HUB },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  ];
}

function workload(namespace: string, env: Readonly<Record<string, string>>): object[] {
  const metadata = { name: HUB, namespace };
  const container = {
    name: HUB,
    image: NOTEBOOK_IMAGE,
    args: ['jupyterhub', '-f', '/etc/jupyterhub/hub_config.py'],
    env: [
      { name: 'POD_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ...Object.entries({ IMAGE: NOTEBOOK_IMAGE, ...env }).map(([name, value]) => ({ name, value })),
    ],
    readinessProbe: { httpGet: { path: '/hub/health', port: PORT }, periodSeconds: 1 },
    resources: { requests: { cpu: '100m', memory: '256Mi' } },
    volumeMounts: [{ name: 'config', mountPath: '/etc/jupyterhub' }],
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'hub_config.py': CONFIG } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        serviceAccountName: HUB,
        containers: [container],
        volumes: [{ name: 'config', configMap: { name: HUB } }],
      },
    },
  ];
}
