import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ClusterError } from './errors.ts';

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a helper command to its end and answers what it printed; never waits for input, never without a deadline. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...args],
      {
        timeout: options.timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        ...(options.env && { env: options.env }),
        ...(options.signal && { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        if (error) reject(failure(command, args, error, stdout + stderr));
        else resolve(stdout);
      },
    );
    child.stdin?.end();
  });
}

/** As run(), but a failure is an answer. */
export async function tryRun(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string | undefined> {
  return run(command, args, options).catch(() => undefined);
}

/** Root's helpers (ip, mount, ...) live in sbin directories, which PATH may lack. */
export function which(name: string, extra: readonly string[] = ['/usr/sbin', '/sbin']): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...extra];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function failure(
  command: string,
  args: readonly string[],
  error: Error & { killed?: boolean; code?: unknown },
  output: string,
): ClusterError {
  const line = [command, ...args].join(' ');
  if (error.name === 'AbortError') return new ClusterError('ABORTED', `${line}: aborted`, error);
  if (error.code === 'ENOENT') return new ClusterError('TOOL_MISSING', `${command} is not installed`, error);
  const tail = output.trim().split('\n').slice(-15).join('\n');
  const how = error.killed === true ? 'took too long' : `failed (${String(error.code)})`;
  // The error itself is left out as a cause: its message repeats the whole output.
  return new ClusterError('COMMAND_FAILED', `${line.slice(0, 400)} ${how}\n${tail}`);
}
