import type { SourceClock } from '../clock.ts';
import { TRIAL_MS, pauseAfter, type Held } from './breaker.ts';
import type { Fault } from './errors.ts';
import type { Attempt } from './requests.ts';

/** From one look at a server that is down to the next. */
export const PROBE_MS = 1_500;
/** Who is held back need not come again by himself: all are told when the server is back. */
const HELD_MS = 60_000;

export interface CircuitOptions {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** True if the server says that it is ready. Must not throw. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>;
  /** The server says that it is ready: time for a try. */
  readonly onReady: () => void;
}

type State =
  | { readonly kind: 'closed' }
  /** Nobody asks the server; it is looked at every PROBE_MS. */
  | { readonly kind: 'open'; readonly fault: Fault; readonly stop: () => void }
  /** The server says that it is ready: one request at a time may try. */
  | { readonly kind: 'trying'; readonly fault: Fault; trial: Attempt | undefined };

/**
 * Stays open while a server is down or sealed, so that nobody waits for it in vain and it is not stormed when it
 * comes back. Time alone does not close it: what `sys/health` says does, and then one request that goes well.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  #state: State = { kind: 'closed' };
  /** Tries in a row that failed although the server had said that it is ready. */
  #failures = 0;
  #changedAt = -Infinity;
  #isStopped = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  /** What holds a request back now, if anything. */
  held(): Held | undefined {
    const state = this.#state;
    if (state.kind === 'open') return { fault: state.fault, retryAfterMs: HELD_MS };
    if (state.kind === 'trying' && state.trial) return { fault: state.fault, retryAfterMs: TRIAL_MS };
    return undefined;
  }

  /** A request begins. */
  begin(attempt: Attempt): void {
    if (this.#state.kind === 'trying') this.#state.trial ??= attempt;
  }

  /** The request failed and says that the server does. Answers how long its caller has to wait. */
  fail(fault: Fault, attempt: Attempt): number {
    const state = this.#state;
    const isNews =
      state.kind === 'closed'
        ? attempt.startedAt >= this.#changedAt
        : state.kind === 'trying' && state.trial === attempt;
    if (isNews) this.#open(fault);
    // What began before the server came back says nothing about it now.
    return this.#state.kind === 'open' ? HELD_MS : TRIAL_MS / 5;
  }

  /** The server has answered. True if nobody had expected it to. */
  succeed(): boolean {
    this.#failures = 0;
    if (this.#state.kind === 'closed') return false;
    this.#become({ kind: 'closed' });
    return true;
  }

  /** The request is over, whatever came of it. */
  end(attempt: Attempt): void {
    if (this.#state.kind === 'trying' && this.#state.trial === attempt) this.#state.trial = undefined;
  }

  /** Looks at the server no more, though requests that are on their way may still fail. */
  stop(): void {
    this.#isStopped = true;
    this.#become({ kind: 'closed' });
  }

  #open(fault: Fault): void {
    if (this.#isStopped) return;
    // The first look comes soon; a server that says "ready" and fails again and again is left alone for longer.
    const pause = Math.max(
      PROBE_MS,
      this.#failures === 0 ? 0 : pauseAfter(this.#failures, this.#options.random),
    );
    this.#failures += 1;
    const ending = new AbortController();
    const ready = () => {
      if (ending.signal.aborted) return;
      this.#become({ kind: 'trying', fault, trial: undefined });
      this.#options.onReady();
    };
    let cancel = () => {};
    const look = () => {
      // Not one after the other: one that hangs must not delay the next.
      cancel = this.#options.clock.setTimeout(look, PROBE_MS);
      void this.#options.probe(ending.signal).then((isReady) => isReady && ready());
    };
    cancel = this.#options.clock.setTimeout(look, pause * (0.9 + 0.1 * this.#options.random()));
    const stop = () => {
      cancel();
      ending.abort();
    };
    this.#become({ kind: 'open', fault, stop });
  }

  #become(state: State): void {
    if (this.#state.kind === 'open') this.#state.stop();
    this.#state = state;
    this.#changedAt = this.#options.clock.now();
  }
}
