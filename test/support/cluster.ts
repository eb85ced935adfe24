import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import { attach, type RunningCluster } from '../../hack/cluster/index.ts';
import { kubectl, kubectlOutput, type Output } from '../../hack/install.ts';

/** The cluster that the global set-up started for all cluster and node tests. */
export async function cluster(): Promise<RunningCluster> {
  return attach(inject('clusterDir'));
}

type Truthy<T> = Exclude<T, undefined | null | false>;

/** Waits for what `probe` promises; rejects with the last thing it saw. No fixed sleep: it asks every 50 ms. */
export async function until<T>(
  what: string,
  probe: () => Promise<T>,
  { timeoutMs = 20_000 } = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await probe();
      if (seen) return seen as Truthy<T>;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`, { cause: last });
    }
    await delay(50);
  }
}

export async function scratch(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `fairlead-${name}-`));
}

export interface Kube {
  readonly cluster: RunningCluster;
  /** kubectl with these arguments; rejects with its stderr. */
  run(...args: string[]): Promise<string>;
  apply(...manifests: object[]): Promise<void>;
  /** `kubectl get ... -o json`, undefined if there is none. */
  get<T = KubeJson>(kind: string, namespace: string, name: string): Promise<T | undefined>;
  list<T = KubeJson>(kind: string, namespace?: string, ...args: string[]): Promise<T[]>;
  remove(kind: string, namespace: string, name: string): Promise<void>;
  /** What a kubectl command writes when it succeeds; warnings are in stderr. */
  both(args: readonly string[], stdin?: object): Promise<Output>;
  /** stderr of a kubectl command that must fail. */
  refused(args: readonly string[], stdin?: object): Promise<string>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- whatever the API server answers
export type KubeJson = any;

/** kubectl as an administrator, or as whoever `flags` (`--as`, `--kubeconfig`) say. */
export function kube(of: RunningCluster, ...flags: string[]): Kube {
  const run = async (args: readonly string[], stdin?: string) => kubectl(of, [...args, ...flags], stdin);
  return {
    cluster: of,
    run: async (...args) => run(args),
    apply: async (...manifests) => {
      const yaml = manifests.map((manifest) => stringify(manifest)).join('---\n');
      await run(['apply', '--server-side', '--force-conflicts', '-f', '-'], yaml);
    },
    get: async (kind, namespace, name) => {
      const json = await run(['get', kind, name, '-n', namespace, '-o', 'json', '--ignore-not-found']);
      return json ? JSON.parse(json) : undefined;
    },
    list: async (kind, namespace, ...args) => {
      const scope = namespace === undefined ? ['-A'] : ['-n', namespace];
      return JSON.parse(await run(['get', kind, ...scope, ...args, '-o', 'json'])).items;
    },
    remove: async (kind, namespace, name) => {
      await run([
        'delete',
        kind,
        name,
        '-n',
        namespace,
        '--ignore-not-found',
        '--wait=false',
        '--grace-period=0',
        '--force',
      ]);
    },
    both: async (args, stdin) => kubectlOutput(of, [...args, ...flags], stdin && stringify(stdin)),
    refused: async (args, stdin) => {
      try {
        await run(args, stdin && stringify(stdin));
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
      throw new Error(`kubectl ${args.join(' ')} was not refused`);
    },
  };
}

/** A namespace with a name of its own, in which pods can be made; to be removed by removeNamespace. */
export async function makeNamespace(
  k: Kube,
  prefix: string,
  labels: Readonly<Record<string, string>>,
): Promise<string> {
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  await k.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  await until('the default ServiceAccount', async () => k.get('serviceaccount', name, 'default'));
  return name;
}

/** Its pods at once: one that is asked politely goes on for half a minute, beside the next test's. */
export async function removeNamespace(k: Kube, name: string): Promise<void> {
  await k.run('delete', 'pods', '--all', '-n', name, '--grace-period=0', '--force', '--wait=false');
  await k.run('delete', 'namespace', name, '--wait=false', '--ignore-not-found');
}
