import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClusterError } from './errors.ts';
import { isExecutable, run } from './exec.ts';
import { withLock } from './lock.ts';
import { since, withProgress } from './progress.ts';

/** What is built from source, by the pins in hack/tools/go.mod. */
const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
} as const;

export type GoTool = keyof typeof PACKAGES;
export type Log = (line: string) => void;

export interface BuildOptions {
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const TOOLS_DIR = join(dirname(fileURLToPath(import.meta.url)), '..', 'tools');
const BUILD_TIMEOUT_MS = 60 * 60_000;

export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'fairlead');
}

/** The paths of these tools: from KUBEBUILDER_ASSETS where it has them, else from the cache, built when missing. */
export async function ensureGoTools(
  names: readonly GoTool[],
  options: BuildOptions = {},
): Promise<Record<string, string>> {
  const built = join(cacheDir(), `tools-${toolsKey()}`);
  const paths = new Map<string, string>();
  for (const name of names) paths.set(name, provided(name) ?? join(built, name));
  const missing = names.filter((name) => !existsSync(paths.get(name) ?? ''));
  if (missing.length > 0) {
    await withLock(
      `${built}.lock`,
      { what: 'building the control plane', timeoutMs: BUILD_TIMEOUT_MS, ...options },
      async () => {
        await build(
          built,
          missing.filter((name) => !existsSync(join(built, name))),
          options,
        );
      },
    );
  }
  return Object.fromEntries(paths);
}

function provided(name: string): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets === undefined || assets === '') return undefined;
  const path = join(assets, name);
  return isExecutable(path) ? path : undefined;
}

/** Anything that changes what is built changes the directory, so a moved pin never meets an old binary. */
function toolsKey(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(TOOLS_DIR, file)));
  return hash
    .update([...buildFlags(), process.platform, process.arch].join(' '))
    .digest('hex')
    .slice(0, 12);
}

export function kubernetesVersion(goMod = readFileSync(join(TOOLS_DIR, 'go.mod'), 'utf8')): string {
  const version = /^\s*k8s\.io\/kubernetes (v\d+\.\d+\.\d+)/m.exec(goMod)?.[1];
  if (version === undefined)
    throw new ClusterError('BAD_STATE', 'hack/tools/go.mod does not pin k8s.io/kubernetes');
  return version;
}

/** Kubernetes' binaries learn their version from the linker; without it clients see "v0.0.0-master". */
function buildFlags(): string[] {
  const version = kubernetesVersion();
  const [major, minor] = version.slice(1).split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const set = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((pkg) =>
    Object.entries(values).map(([name, value]) => `-X ${pkg}.${name}=${value}`),
  );
  return ['-trimpath', '-mod=readonly', '-ldflags', ['-s', '-w', ...set].join(' ')];
}

async function build(target: string, names: readonly GoTool[], options: BuildOptions): Promise<void> {
  if (names.length === 0) return;
  await checkGo(options.signal);
  mkdirSync(target, { recursive: true });
  options.log?.(
    `building ${names.join(', ')} from source, once (about 10 minutes on 2 cores with nothing cached) into ${target}`,
  );
  const started = performance.now();
  for (const [index, name] of names.entries()) {
    const what = `${name} (${index + 1} of ${names.length})`;
    await buildOne(
      target,
      name,
      { ...options, log: (line) => options.log?.(`${line}, ${since(started)} in all`) },
      what,
    );
  }
}

async function buildOne(target: string, name: GoTool, options: BuildOptions, what: string): Promise<void> {
  const { log, signal } = options;
  const temporary = join(target, `.${name}.${process.pid}`);
  log?.(`building ${what}`);
  await withProgress(`building ${what}`, log, async (elapsed) => {
    try {
      await goBuild(name, temporary, signal);
      renameSync(temporary, join(target, name));
    } finally {
      rmSync(temporary, { force: true });
    }
    log?.(`built ${what} in ${elapsed()}`);
  });
}

function goBuild(name: GoTool, output: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['build', ...buildFlags(), '-o', output, PACKAGES[name]], {
      cwd: TOOLS_DIR,
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: BUILD_TIMEOUT_MS,
      ...(signal && { signal }),
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors = (errors + chunk).slice(-4_000);
    });
    child.on('error', (error) => {
      reject(
        new ClusterError(
          signal?.aborted ? 'ABORTED' : 'COMMAND_FAILED',
          `go build ${name}: ${error.message}`,
          error,
        ),
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new ClusterError('COMMAND_FAILED', `go build of ${name} failed:\n${errors.trim()}`));
    });
  });
}

async function checkGo(signal: AbortSignal | undefined): Promise<void> {
  const wanted = /^go (\S+)/m.exec(readFileSync(join(TOOLS_DIR, 'go.mod'), 'utf8'))?.[1] ?? '?';
  try {
    // In that directory, go itself refuses a go.mod that asks for more than it is (or fetches the newer one).
    await run('go', ['list', '-m'], { cwd: TOOLS_DIR, timeoutMs: 300_000, signal });
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'ABORTED') throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ClusterError(
      'TOOL_MISSING',
      `the cluster's components are built with Go ${wanted} or newer: install it (package or archive "go"), ` +
        `or point KUBEBUILDER_ASSETS at a directory with the binaries\n${why}`,
      error,
    );
  }
}
