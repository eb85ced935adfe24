import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './exec.ts';
import { withLock } from './lock.ts';
import { withProgress } from './progress.ts';
import type { BuildOptions } from './tools.ts';
import { cacheDir, TOOLS_DIR } from './tools.ts';

const BUILD_MS = 30 * 60_000;

export interface ModuleTool {
  /** The module of hack/tools that pins it, apart from Kubernetes' pins: a change of one builds nothing else again. */
  readonly module: string;
  readonly package: string;
  /** Of the command. */
  readonly name: string;
  /** Build tags that leave out what nobody needs here. */
  readonly tags?: string;
  /** For people, who wait for it. */
  readonly takes: string;
}

/** The path of a command, built from source when the cache lacks it. Rejects with ClusterError. */
export async function ensureModuleTool(tool: ModuleTool, options: BuildOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  const folder = join(TOOLS_DIR, tool.module);
  const files = readdirSync(folder).filter((file) => /^go\.(mod|sum)$|\.go$/.test(file));
  for (const file of files.sort()) hash.update(readFileSync(join(folder, file)));
  const key = hash.update(`${process.platform} ${process.arch}`).digest('hex').slice(0, 12);
  const target = join(cacheDir(), `${tool.module}-${key}`, tool.name);
  if (existsSync(target)) return target;
  const lock = { what: `building ${tool.name}`, timeoutMs: BUILD_MS, ...options };
  await withLock(`${dirname(target)}.lock`, lock, async () => {
    if (!existsSync(target)) await build(tool, target, options);
  });
  return target;
}

async function build(
  { module, name, takes, tags = '', package: main }: ModuleTool,
  target: string,
  { log, signal }: BuildOptions,
): Promise<void> {
  const temporary = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  log?.(`building ${name} from source, once (${takes} on 2 cores)`);
  await withProgress(`building ${name}`, log, async (elapsed) => {
    try {
      const flags = ['-trimpath', '-mod=readonly', '-tags', tags, '-ldflags', '-s -w', '-o', temporary];
      const env = { ...process.env, CGO_ENABLED: '0' };
      const cwd = join(TOOLS_DIR, module);
      await run('go', ['build', ...flags, main], { cwd, env, timeoutMs: BUILD_MS, signal });
      renameSync(temporary, target);
    } finally {
      rmSync(temporary, { force: true });
    }
    log?.(`built ${name} in ${elapsed()}`);
  });
}
