import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './errors.ts';
import { processIdentity } from './identity.ts';
import { throwIfAborted, until } from './wait.ts';

/** One long-running program. It outlives the process that starts it; a pid file in `run/` finds it again. */
export interface ComponentSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly ready: () => Promise<boolean> | boolean;
  readonly readyTimeoutMs: number;
}

/** A state directory: `run/` holds the pid files, `logs/` what the components print. */
export type StateDir = string;

interface PidFile {
  readonly pid: number;
  readonly identity: string;
}

const pidFile = (dir: StateDir, name: string): string => join(dir, 'run', `${name}.pid`);
export const logFile = (dir: StateDir, name: string): string => join(dir, 'logs', `${name}.log`);

/** The pid of a component that lives; a pid that now belongs to some other process does not count. */
export function pidOf(dir: StateDir, name: string): number | undefined {
  const file = readPidFile(dir, name);
  return file !== undefined && processIdentity(file.pid) === file.identity ? file.pid : undefined;
}

/** When the component was started last. */
export function startedAt(dir: StateDir, name: string): Date {
  return statSync(pidFile(dir, name)).mtime;
}

/** Every component that was started here and not stopped, dead or alive. */
export function knownComponents(dir: StateDir): string[] {
  try {
    return readdirSync(join(dir, 'run'))
      .filter((name) => name.endsWith('.pid'))
      .map((name) => name.slice(0, -'.pid'.length));
  } catch {
    return [];
  }
}

/** Starts a component unless it runs, and waits until it is ready. */
export async function start(dir: StateDir, spec: ComponentSpec, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal, spec.name);
  const pid = pidOf(dir, spec.name) ?? launch(dir, spec);
  const identity = processIdentity(pid);
  await until(
    {
      what: `${spec.name} is not ready`,
      timeoutMs: spec.readyTimeoutMs,
      signal,
      detail: () => logTail(dir, spec.name),
    },
    async () => {
      if (identity === undefined || processIdentity(pid) !== identity) throw exited(dir, spec.name);
      return spec.ready();
    },
  );
}

function launch(dir: StateDir, spec: ComponentSpec): number {
  for (const folder of ['run', 'logs']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const log = logFile(dir, spec.name);
  keepPreviousLog(log);
  const out = openSync(log, 'a', 0o600);
  try {
    const child = spawn(spec.command, [...spec.args], {
      cwd: dir,
      // A session of its own: Ctrl-C at the terminal is meant for the command, not for the cluster.
      detached: true,
      stdio: ['ignore', out, out],
      env: { ...baseEnvironment(), ...spec.env },
    });
    child.on('error', () => {
      // A command that cannot be executed has no pid, which is reported below.
    });
    child.unref();
    if (child.pid === undefined)
      throw new ClusterError('TOOL_MISSING', `${spec.name}: cannot run ${spec.command}`);
    const file: PidFile = { pid: child.pid, identity: processIdentity(child.pid) ?? 'gone' };
    writeFileSync(pidFile(dir, spec.name), `${JSON.stringify(file)}\n`, { mode: 0o600 });
    return child.pid;
  } finally {
    closeSync(out);
  }
}

/** Sends the signal to the component's own process and waits until it is gone. Harmless when it is gone already. */
export async function stop(
  dir: StateDir,
  name: string,
  options: { signal: 'SIGTERM' | 'SIGKILL'; timeoutMs: number; thenKill?: boolean },
): Promise<void> {
  const pid = pidOf(dir, name);
  if (pid !== undefined) {
    send(pid, options.signal);
    try {
      await gone(dir, name, options.timeoutMs);
    } catch (error) {
      if (options.thenKill !== true) throw error;
      send(pid, 'SIGKILL');
      await gone(dir, name, 10_000);
    }
  }
  rmSync(pidFile(dir, name), { force: true });
}

async function gone(dir: StateDir, name: string, timeoutMs: number): Promise<void> {
  await until(
    { what: `${name} does not end`, timeoutMs, intervalMs: 20, detail: () => logTail(dir, name) },
    () => pidOf(dir, name) === undefined,
  );
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function exited(dir: StateDir, name: string): ClusterError {
  return new ClusterError('COMPONENT_EXITED', `${name} ended unexpectedly\n${logTail(dir, name)}`);
}

export function logTail(dir: StateDir, name: string, lines = 25): string {
  const path = logFile(dir, name);
  try {
    const tail = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines);
    return [`--- end of ${path}`, ...tail.map((line) => line.slice(0, 600)), '---'].join('\n');
  } catch {
    return `(no log at ${path})`;
  }
}

function readPidFile(dir: StateDir, name: string): PidFile | undefined {
  try {
    return JSON.parse(readFileSync(pidFile(dir, name), 'utf8')) as PidFile;
  } catch {
    return undefined;
  }
}

/** One log per run, so that its end is never that of an earlier run; the run before stays beside it. */
function keepPreviousLog(log: string): void {
  try {
    renameSync(log, `${log}.1`);
  } catch {
    // First run.
  }
}

/** Not the caller's environment: a VAULT_ADDR or KUBECONFIG of somebody's shell must not change the cluster. */
function baseEnvironment(): Record<string, string> {
  const keep = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];
  return Object.fromEntries(
    keep.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
