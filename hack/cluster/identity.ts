import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * A process id alone is reused by the system; together with the moment that the process began (and the boot) it
 * names one process for good. Undefined for a process that is gone or only waits to be reaped.
 */
export function processIdentity(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

export interface ProcessStat {
  readonly parent: number;
  readonly started: string;
  readonly zombie: boolean;
}

/** From /proc/<pid>/stat. The second field is the command in brackets, and may itself hold blanks and brackets. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, started] = [fields[0], Number(fields[1]), fields[19]];
  if (state === undefined || started === undefined || Number.isNaN(parent)) return undefined;
  return { parent, started, zombie: state === 'Z' || state === 'X' };
}

function fromProc(pid: number): string | undefined {
  const stat = readStat(pid);
  return stat && !(stat.zombie && threads(pid) <= 1) ? `${stat.started}@${bootId()}` : undefined;
}

/** Of a killed process the first thread can be gone while others still hold its ports. */
function threads(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const out = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state, ...started] = out.split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
