import type { SourceClock } from '../clock.ts';
import { codeOf, VaultError } from './errors.ts';
import type { Answer } from './faults.ts';

export type Operation =
  | 'login'
  | 'unwrap'
  | 'lookup-self'
  | 'renew-self'
  | 'revoke-self'
  | 'create-token'
  | 'read'
  | 'list'
  | 'mount'
  | 'capabilities'
  | 'health';

/** One finished request to Vault, for counters. */
export interface RequestEvent {
  readonly operation: Operation;
  /** The HTTP status; absent if there was no answer. */
  readonly status?: number;
  /** Why there was no answer: a reason such as Unreachable, or Aborted. */
  readonly code?: string;
  readonly ms: number;
}

export type OnRequest = (event: RequestEvent) => void;

export interface VaultLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** One try to read a path: what it may take, and what it took. */
export interface Attempt {
  readonly startedAt: number;
  readonly signal: AbortSignal;
  /** Counted here, so that a try that needs many requests is followed by a longer pause. */
  requests: number;
}

/** Makes a request, counts it and reports it. */
export async function counted(
  operation: Operation,
  attempt: Pick<Attempt, 'requests'>,
  { clock, onRequest }: { readonly clock: SourceClock; readonly onRequest: OnRequest },
  request: () => Promise<Answer>,
): Promise<Answer> {
  const startedAt = clock.now();
  attempt.requests += 1;
  const report = (result: { status: number } | { code: string }) =>
    onRequest({ operation, ...result, ms: clock.now() - startedAt });
  try {
    const answer = await request();
    report({ status: answer.status });
    return answer;
  } catch (error) {
    report({ code: error instanceof VaultError ? error.code : codeOf(error) });
    throw error;
  }
}

/** What a promise gives, or the reason of the signal if that comes first. The promise itself goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
