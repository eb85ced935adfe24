import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { KubeError } from '../../kube/errors.ts';
import { kubeconfig as shape, type Cluster, type Kubeconfig, type User } from './kubeconfig-shape.ts';

/** What the flags say about where to go and as whom. */
export interface Choice {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly namespace?: string | undefined;
}

export interface Target {
  readonly cluster: Cluster;
  readonly user: User;
  readonly namespace: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Where kubectl would go with these flags and this environment: `--kubeconfig`, else the files of $KUBECONFIG (those
 * that are there; of two things with one name the first), else ~/.kube/config, else the ServiceAccount of this pod.
 * Throws KubeError BadConfig; nothing of a file is quoted.
 *
 * Not client-node's KubeConfig: it needs a newer Node than the plugin, merges files in another order than kubectl,
 * fails on a missing one, and gives an exec plugin neither KUBERNETES_EXEC_INFO nor the terminal.
 */
export function findTarget(choice: Choice, env: Environment, home = homedir()): Target {
  const named = choice.kubeconfig ?? '';
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  const candidates = listed.length > 0 ? listed : [join(home, '.kube', 'config')];
  const files = named === '' ? candidates.filter((file) => existsSync(file)) : [named];
  if (files.length === 0) {
    if (env['KUBERNETES_SERVICE_HOST']) return inCluster(env, choice);
    throw bad('there is no kubeconfig: name one with --kubeconfig or $KUBECONFIG');
  }
  return choose(merge(files.map(load)), choice);
}

function choose(config: Kubeconfig, choice: Choice): Target {
  const contextName = choice.context ?? config['current-context'] ?? '';
  const context = config.contexts.find(({ name }) => name === contextName)?.context;
  if (!context && (choice.context !== undefined || choice.cluster === undefined))
    throw bad(
      contextName === '' ? 'the kubeconfig has no current context' : 'the kubeconfig has no such context',
    );
  const cluster = find(config.clusters, choice.cluster ?? context?.cluster)?.cluster;
  if (!cluster) throw bad('the kubeconfig has no such cluster');
  const userName = choice.user ?? context?.user ?? '';
  const user = find(config.users, userName)?.user;
  if (!user && userName !== '') throw bad('the kubeconfig has no such user');
  return { cluster, user: user ?? {}, namespace: choice.namespace || context?.namespace || 'default' };
}

function find<T extends { readonly name: string }>(
  all: readonly T[],
  name: string | undefined,
): T | undefined {
  return all.find((one) => one.name === name);
}

function merge(configs: readonly Kubeconfig[]): Kubeconfig {
  return {
    'current-context': configs.find((config) => config['current-context'])?.['current-context'],
    clusters: configs.flatMap(({ clusters }) => clusters),
    contexts: configs.flatMap(({ contexts }) => contexts),
    users: configs.flatMap(({ users }) => users),
  };
}

function load(file: string): Kubeconfig {
  let config;
  try {
    config = shape.safeParse(parse(readFileSync(file, 'utf8'), { logLevel: 'error' }) ?? {});
  } catch {
    // The YAML parser quotes the line it stumbles over, which can be a token.
    throw bad('a kubeconfig cannot be read');
  }
  if (!config.success) throw bad('a kubeconfig is not as it must be');
  const { contexts, clusters, users, ...rest } = config.data;
  const at = dirname(resolve(file));
  return {
    ...rest,
    contexts,
    clusters: clusters.map(({ name, cluster }) => ({ name, cluster: absolute(cluster, CLUSTER_FILES, at) })),
    users: users.map(({ name, user }) => ({ name, user: userAt(user, at) })),
  };
}

const CLUSTER_FILES = ['certificate-authority'] as const;
const USER_FILES = ['client-certificate', 'client-key', 'tokenFile'] as const;

/** Relative paths are relative to the file in which they stand; a command without a slash is looked for in PATH. */
function userAt(user: User, at: string): User {
  const all = absolute(user, USER_FILES, at);
  const { exec } = all;
  if (!exec || !/[/\\]/.test(exec.command)) return all;
  return { ...all, exec: { ...exec, command: resolve(at, exec.command) } };
}

function absolute<T extends object>(object: T, fields: readonly (keyof T & string)[], at: string): T {
  const found = fields.filter((field) => typeof object[field] === 'string' && object[field] !== '');
  return {
    ...object,
    ...Object.fromEntries(found.map((field) => [field, resolve(at, String(object[field]))])),
  };
}

function inCluster(env: Environment, choice: Choice): Target {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const namespaceFile = `${ACCOUNT}/namespace`;
  const own = existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : '';
  return {
    cluster: {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      'certificate-authority': `${ACCOUNT}/ca.crt`,
    },
    user: { tokenFile: `${ACCOUNT}/token` },
    namespace: choice.namespace || own || 'default',
  };
}

function bad(message: string): KubeError {
  return new KubeError({ code: 'BadConfig', message });
}
