import { retryAfterMs } from './backoff.ts';
import type { Outcome, Told } from './outcome.ts';
import type { WorkQueue } from './queue.ts';

/** How passes are counted. `aborted`: ended by the stop of the process, no failure. */
export type PassResult = Outcome['kind'] | 'error' | 'aborted';

export interface ControllerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SettleOptions {
  readonly name: string;
  readonly queue: Pick<WorkQueue, 'addAfter' | 'addNotBefore' | 'addRateLimited' | 'forget'>;
  /** Writes conditions and events; what it throws counts as the pass throwing. */
  readonly report?: ((key: string, outcome: Told, signal: AbortSignal) => Promise<void>) | undefined;
  readonly log: ControllerLog;
}

/**
 * The one place where the end of a pass becomes queueing, conditions, events and log lines. Never rejects;
 * resolves to how the pass is to be counted.
 */
export async function settle(
  key: string,
  pass: () => Promise<Outcome>,
  { name, queue, report, log }: SettleOptions,
  signals: { readonly pass: AbortSignal; readonly stop: AbortSignal },
): Promise<PassResult> {
  let outcome: Outcome;
  try {
    outcome = await pass();
    if (outcome.kind !== 'later') await report?.(key, outcome, signals.pass);
  } catch (error) {
    if (signals.stop.aborted) return 'aborted';
    const code = codeOf(error);
    const retryMs = Math.round(queue.addRateLimited(key, retryAfterMs(error)));
    log.warn({ controller: name, key, code, retryMs, err: error }, 'the pass failed and is tried again');
    return 'error';
  }
  switch (outcome.kind) {
    case 'done':
      queue.forget(key);
      // Nobody waits for a refresh.
      if (outcome.afterMs !== undefined) queue.addAfter(key, outcome.afterMs, 'background');
      break;
    case 'waiting':
      if (outcome.afterMs === undefined) queue.addRateLimited(key);
      else queue.addNotBefore(key, outcome.afterMs);
      break;
    case 'stalled':
      queue.forget(key);
      break;
    case 'later':
      queue.addAfter(key, outcome.afterMs);
      break;
  }
  log.debug({ controller: name, key, outcome: outcome.kind, ...reasonOf(outcome) }, 'pass');
  return outcome.kind;
}

function reasonOf(outcome: Outcome): { reason?: string } {
  return outcome.kind === 'later' ? {} : { reason: outcome.reason };
}

/** A single word for what was thrown: its code, else its class. Messages can quote values. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'Unknown';
  const { code, name } = error as { code?: unknown; name?: unknown };
  const word = [code, name].find((it) => typeof it === 'string' && /^[A-Za-z]\w{0,63}$/.test(it));
  return (word as string | undefined) ?? 'Unknown';
}
