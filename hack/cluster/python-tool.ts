import { mkdirSync, renameSync, rmSync, existsSync } from 'node:fs';
import { ClusterError } from './errors.ts';
import { run, which } from './exec.ts';
import { withLock } from './lock.ts';
import type { BuildOptions } from './tools.ts';

const INSTALL_TIMEOUT_MS = 10 * 60_000;

export interface PythonPackages {
  /** For people, who wait for it. */
  readonly what: string;
  /** A file that pins every package by its hash. */
  readonly requirements: string;
  /** The directory that they go into, apart from everything else that Python has here. */
  readonly target: string;
  /** A file in the target: the packages are there if it is. */
  readonly proof: string;
}

/** Installs wheels with pip, unless they are there. Rejects with ClusterError if there is no Python with pip. */
export async function ensurePythonPackages(
  packages: PythonPackages,
  options: BuildOptions = {},
): Promise<void> {
  const { what, target, proof } = packages;
  if (existsSync(proof)) return;
  const lock = { what: `installing ${what}`, timeoutMs: INSTALL_TIMEOUT_MS, ...options };
  await withLock(`${target}.lock`, lock, async () => {
    if (!existsSync(proof)) await install(packages, options);
  });
}

async function install({ what, requirements, target }: PythonPackages, options: BuildOptions): Promise<void> {
  const command = python(what);
  options.log?.(`installing ${what} (pip)`);
  const temporary = `${target}.${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary=:all:'];
  const from = ['--require-hashes', '--target', temporary, '-r', requirements];
  try {
    await run(command, ['-m', 'pip', 'install', ...flags, ...from], {
      timeoutMs: INSTALL_TIMEOUT_MS,
      signal: options.signal,
    });
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The path of Python. */
export function python(what: string): string {
  const found = which('python3') ?? which('python');
  if (found !== undefined) return found;
  throw new ClusterError(
    'TOOL_MISSING',
    `${what} comes as Python wheels: install python3 and pip (python3-pip)`,
  );
}
