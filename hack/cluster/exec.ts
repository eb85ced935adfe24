import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
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

/** As run(), with something to read: more than fits into memory, piece by piece. */
export async function feed(
  command: string,
  args: readonly string[],
  input: AsyncIterable<Uint8Array>,
  options: RunOptions = {},
): Promise<void> {
  const child = spawn(command, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    ...(options.signal && { signal: options.signal }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-4_000);
    });
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  // A command that ends early closes its input; what it said of that is the error that matters.
  const [[code]] = await Promise.all([ended, pipeline(input, child.stdin).catch(() => {})]);
  if (code !== 0) throw failure(command, args, Object.assign(new Error('failed'), { code }), output);
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
