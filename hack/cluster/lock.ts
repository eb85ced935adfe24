import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isClusterError, ClusterError } from './errors.ts';
import { processIdentity } from './identity.ts';
import { until } from './wait.ts';

export interface LockOptions {
  readonly what: string;
  readonly timeoutMs: number;
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The process (this one too: the counter tells its own locks apart) that holds the lock. */
interface Holder {
  readonly pid: number;
  readonly identity: string;
}

let counter = 0;

/** Runs `work` while holding a lock file. A lock whose process is gone is taken over. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let said = 0;
  const started = performance.now();
  await until({ ...options, what: `waiting for ${path}`, intervalMs: 100 }, () => {
    if (take(path)) return true;
    const holder = dropStale(path);
    const seconds = Math.round((performance.now() - started) / 1000);
    if (holder !== undefined && seconds >= said) {
      options.log?.(`${options.what}: process ${holder.pid} is at it, waiting (${seconds} s)`);
      said = seconds + 15;
    }
    return false;
  }).catch((error: unknown) => {
    if (!isClusterError(error, 'TIMEOUT')) throw error;
    throw new ClusterError('TIMEOUT', `${options.what}: ${path} is held by another process`, error);
  });
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** link() instead of an exclusive open: the lock appears with its content or not at all. */
function take(path: string): boolean {
  const own = `${path}.${process.pid}.${++counter}`;
  const holder: Holder = { pid: process.pid, identity: processIdentity(process.pid) ?? '' };
  writeFileSync(own, JSON.stringify(holder));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** The holder if it lives; else the lock is moved away, and put back if somebody had been quicker. */
function dropStale(path: string): Holder | undefined {
  const holder = read(path);
  if (holder !== undefined && processIdentity(holder.pid) === holder.identity) return holder;
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    const moved = read(aside);
    if (moved !== undefined && processIdentity(moved.pid) === moved.identity) linkSync(aside, path);
    rmSync(aside, { force: true });
  } catch {
    // Released or taken over meanwhile: the next round sees what is there now.
  }
  return undefined;
}

function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
