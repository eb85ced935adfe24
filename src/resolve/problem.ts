import { LIMITS } from '../api/names.ts';
import { isTerminal, type Reason } from '../api/reasons.ts';
import { placeKey, placeOf, type PlaceKey, type SecretSpot } from './place.ts';

/** Why something that was asked for is not there. Never holds a value. */
export interface Problem {
  readonly reason: Reason;
  /** What people read: names the place and, where known, the fix. */
  readonly message: string;
  /** The variable or import it is about; absent when it is about a whole reference, namespace or pod. */
  readonly entry?: string;
  /** Of a variable. */
  readonly secret?: SecretSpot;
  /** Of an import. */
  readonly place?: PlaceKey;
  /** What a source holds is the cause, so waiting can help even if the reason by itself is terminal. */
  readonly mayPass?: boolean;
  /** Milliseconds until asking the source again can make a difference, if the source said. */
  readonly retryAfterMs?: number;
}

/** What was found out, before it is said where. */
export type Finding = Pick<Problem, 'reason' | 'message'>;

export interface Summary {
  readonly reason: Reason;
  readonly message: string;
  readonly terminal: boolean;
  readonly retryAfterMs?: number;
}

/** `VAULT/vault-prod/db/main@3 key password property a.b`: how a message names a secret object. */
export function nameSecret(secret: SecretSpot): string {
  const property = secret.property === undefined ? '' : ` property ${secret.property}`;
  return `${placeKey(placeOf(secret))} key ${secret.key}${property}`;
}

const SHOWN = 80;

/** Text of somebody else's choice without what a terminal or a log would act upon. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/** A name that a source holds, as a message can show it: printable, and not so long that it hides the rest. */
export function shown(name: string): string {
  const characters = Array.from(printable(name));
  return characters.length > SHOWN ? `${characters.slice(0, SHOWN).join('')}…` : characters.join('');
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
    terminal: problems.every((problem) => isTerminal(problem.reason) && !problem.mayPass),
    ...(retries.length > 0 && { retryAfterMs: Math.min(...retries) }),
  };
}

function tell({ entry, secret, place, message }: Problem): string {
  if (entry === undefined) return message;
  const from = secret ? nameSecret(secret) : place;
  return from === undefined ? `${entry}: ${message}` : `${entry} from ${from}: ${message}`;
}

const NAMED_OTHERS = 5;

function others(rest: readonly Problem[]): string[] {
  if (rest.length === 0) return [];
  const named = rest.slice(0, NAMED_OTHERS).map((problem) => `${problem.entry ?? 'pod'} (${problem.reason})`);
  const more = rest.length > NAMED_OTHERS ? ` and ${rest.length - NAMED_OTHERS} more` : '';
  return [`; also ${named.join(', ')}${more}`];
}

/** Cuts at a character, not inside one. */
export function bound(message: string, limit: number = LIMITS.messageBytes): string {
  if (Buffer.byteLength(message) <= limit) return message;
  const room = limit - Buffer.byteLength('…');
  const bytes = Buffer.from(message).subarray(0, room);
  return `${new TextDecoder().decode(bytes, { stream: true })}…`;
}
