import { LIMITS } from '../api/names.ts';
import { isTerminal, type Reason } from '../api/reasons.ts';
import type { SecretObject } from '../api/secret-reference.ts';

/** Why something that was asked for is not there. Never holds a value. */
export interface Problem {
  readonly reason: Reason;
  /** What people read: names the place and, where known, the fix. */
  readonly message: string;
  /** The variable it is about; absent when it is about a whole reference, namespace or pod. */
  readonly entry?: string;
  readonly secret?: SecretObject;
  /** Milliseconds until asking the source again can make a difference, if the source said. */
  readonly retryAfterMs?: number;
}

export interface Summary {
  readonly reason: Reason;
  readonly message: string;
  readonly terminal: boolean;
  readonly retryAfterMs?: number;
}

/** `DB_PASSWORD from VAULT/vault-prod key db_password`: how a message names an entry. */
export function nameEntry(entry: string, secret: SecretObject): string {
  return `${entry} from ${secret.source.type}/${secret.source.id} key ${secret.key}`;
}

/**
 * One reason and one message for several problems: the first is told in full, the others by name, so that a
 * long list fits the limit. Terminal only if every problem is: otherwise waiting can still change something.
 */
export function summarize(problems: readonly Problem[]): Summary {
  const [first, ...rest] = problems;
  if (!first) throw new RangeError('summarize needs at least one problem');
  const retries = problems.flatMap((problem) => problem.retryAfterMs ?? []);
  return {
    reason: first.reason,
    message: bound([tell(first), ...others(rest)].join('')),
    terminal: problems.every((problem) => isTerminal(problem.reason)),
    ...(retries.length > 0 && { retryAfterMs: Math.min(...retries) }),
  };
}

function tell(problem: Problem): string {
  return problem.entry && problem.secret
    ? `${nameEntry(problem.entry, problem.secret)}: ${problem.message}`
    : problem.message;
}

const NAMED_OTHERS = 5;

function others(rest: readonly Problem[]): string[] {
  if (rest.length === 0) return [];
  const named = rest.slice(0, NAMED_OTHERS).map((problem) => `${problem.entry ?? 'pod'} (${problem.reason})`);
  const more = rest.length > NAMED_OTHERS ? ` and ${rest.length - NAMED_OTHERS} more` : '';
  return [`; also ${named.join(', ')}${more}`];
}

/** Cuts at a character, not inside one. */
function bound(message: string): string {
  if (Buffer.byteLength(message) <= LIMITS.messageBytes) return message;
  const room = LIMITS.messageBytes - Buffer.byteLength('…');
  const bytes = Buffer.from(message).subarray(0, room);
  return `${new TextDecoder().decode(bytes, { stream: true })}…`;
}
