import type { Clock } from './clock.ts';
import type { Loops } from './loops.ts';
import { later, type Outcome, type Told } from './outcome.ts';
import type { WorkQueue } from './queue.ts';
import { settle, type ControllerLog, type PassResult } from './settle.ts';

export type { ControllerLog, PassResult } from './settle.ts';

/** Where metrics hang in. */
export interface ControllerMetrics {
  readonly started?: (controller: string) => void;
  readonly ended?: (controller: string, result: PassResult, ms: number) => void;
}

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly workers: number;
  /** One pass for one key. A throw means: try again. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  /** Writes what the pass found out to conditions and events. */
  readonly report?: (key: string, outcome: Told, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: ControllerLog;
  readonly metrics?: ControllerMetrics | undefined;
  /** Milliseconds after which a pass is aborted. */
  readonly timeoutMs: number;
  /** Milliseconds that passes under way have to end in when the controller is stopped; 10 s by default. */
  readonly stopMs?: number;
  /** Told of each pass, so that one that never ends is noticed. */
  readonly loops?: Pick<Loops, 'begin' | 'died'>;
  /** What every line that is logged within a pass bears, beside its id, its controller and its key. */
  readonly about?: (key: string) => object;
  /** Does the work so that whatever it logs bears these fields. */
  readonly within?: (fields: object, work: () => Promise<void>) => Promise<void>;
  /** False: somebody else may lead by now, so nothing is begun. */
  readonly stillLeader?: () => boolean;
}

const STOP_MS = 10_000;
/** When to look again whether we lead; the lease's own loop decides long before. */
const NOT_LEADING_MS = 1_000;
/** A pass that was aborted and goes on for so long has lost its way: its worker and its key are lost with it. */
const LOST_MS = 60_000;

/** Ends a pass that took too long; distinct from a stop. */
class PassTimeout extends Error {
  override readonly name = 'PassTimeout';
  readonly code = 'PassTimeout';
}

/**
 * The worker loop of every controller: takes keys from the queue until `signal` is aborted, then closes the queue,
 * aborts the passes under way, waits for them (`stopMs` at most) and resolves. Never rejects.
 */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { name, queue, workers, clock, log, stopMs = STOP_MS } = options;
  const passes = new Set<AbortController>();
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => {
    queue.close();
    for (const pass of passes) pass.abort(signal.reason);
    stopped.resolve();
  };
  if (signal.aborted) onStop();
  else signal.addEventListener('abort', onStop, { once: true });

  const all = Promise.all(Array.from({ length: workers }, async () => work(options, passes, signal)));
  await stopped.promise;
  const { promise: overdue, resolve } = Promise.withResolvers<'overdue'>();
  const cancel = clock.setTimeout(() => resolve('overdue'), stopMs);
  if ((await Promise.race([all, overdue])) === 'overdue')
    log.error({ controller: name, passes: passes.size }, 'stopped without waiting for the last passes');
  cancel();
}

async function work(
  options: ControllerOptions,
  passes: Set<AbortController>,
  signal: AbortSignal,
): Promise<void> {
  const { name, queue, log, loops, about, within = async (_, pass) => pass() } = options;
  try {
    for (;;) {
      const key = await queue.get();
      if (key === undefined) break;
      const fields = { pass: crypto.randomUUID().slice(0, 8), controller: name, key, ...about?.(key) };
      try {
        // Keys that are left are somebody else's, or the next start's: both list everything anew.
        if (!signal.aborted) await within(fields, async () => onePass(key, options, passes, signal));
      } finally {
        queue.done(key);
      }
    }
  } catch (error) {
    log.error({ controller: name, err: error }, 'a worker has ended');
    loops?.died(name);
    return;
  }
  if (!signal.aborted) loops?.died(name);
}

async function onePass(
  key: string,
  options: ControllerOptions,
  passes: Set<AbortController>,
  stop: AbortSignal,
): Promise<void> {
  const { name, reconcile, clock, metrics, timeoutMs, stillLeader, loops } = options;
  const pass = new AbortController();
  passes.add(pass);
  const cancel = clock.setTimeout(
    () => pass.abort(new PassTimeout(`longer than ${timeoutMs} ms`)),
    timeoutMs,
  );
  const started = clock.now();
  const turn = loops?.begin(name, timeoutMs + LOST_MS);
  metrics?.started?.(name);
  let result: PassResult = 'error';
  try {
    result = await settle(
      key,
      async () =>
        stillLeader === undefined || stillLeader() ? reconcile(key, pass.signal) : later(NOT_LEADING_MS),
      options,
      { pass: pass.signal, stop },
    );
  } finally {
    cancel();
    turn?.end();
    passes.delete(pass);
    metrics?.ended?.(name, result, clock.now() - started);
  }
}
