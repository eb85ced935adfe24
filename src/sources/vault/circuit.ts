import type { SourceClock } from '../clock.ts';
import type { Held } from './breaker.ts';
import type { Fault } from './errors.ts';

/** From one look at a server that is down to the next. */
export const PROBE_MS = 1_500;
/** The first look, for which a failed request waits, must not take long: a server that is well answers at once. */
const LOOK_MS = 2_000;
/** Who is held back need not come again by himself: all are told when the server is back. */
export const HELD_MS = 60_000;

export interface CircuitOptions {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** True if the server says that it is ready. Must not throw. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>;
  /** The server says that it is ready again. */
  readonly onReady: () => void;
}

type State =
  | { readonly kind: 'closed' }
  /** Nobody asks the server; it is looked at every PROBE_MS. */
  | { readonly kind: 'open'; readonly fault: Fault; readonly stop: () => void };

/**
 * Open while a server is down or sealed, so that nobody waits for it in vain. A failure alone does not open it, and
 * time alone does not close it: what the server says of its health does both. So one path that fails by itself
 * holds up nobody else.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #ending = new AbortController();
  #state: State = { kind: 'closed' };
  #look: Promise<boolean> | undefined;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  /** What holds requests back now, if anything. */
  held(): Held | undefined {
    return this.#state.kind === 'open' ? { fault: this.#state.fault, retryAfterMs: HELD_MS } : undefined;
  }

  /**
   * A request failed in a way that may be the server's. Looks at the server and opens if it is not ready; answers
   * whether it is open now. Those who fail together share one look.
   */
  async fail(fault: Fault): Promise<boolean> {
    if (this.#state.kind === 'open') return true;
    this.#look ??= this.#isReady().finally(() => (this.#look = undefined));
    const isReady = await this.#look;
    if (isReady || this.#ending.signal.aborted) return false;
    this.#open(fault);
    return true;
  }

  /** Looks at the server no more. */
  stop(): void {
    this.#ending.abort();
    if (this.#state.kind === 'open') this.#state.stop();
    this.#state = { kind: 'closed' };
  }

  async #isReady(): Promise<boolean> {
    const { clock, probe } = this.#options;
    const looking = new AbortController();
    const cancel = clock.setTimeout(() => looking.abort(), LOOK_MS);
    const signal = AbortSignal.any([looking.signal, this.#ending.signal]);
    return probe(signal).finally(cancel);
  }

  #open(fault: Fault): void {
    if (this.#state.kind === 'open') return;
    const { clock, random, probe, onReady } = this.#options;
    const ending = new AbortController();
    const signal = AbortSignal.any([ending.signal, this.#ending.signal]);
    let cancel = () => {};
    const stop = () => {
      cancel();
      ending.abort();
    };
    const look = () => {
      // Not one after the other: one that hangs must not delay the next.
      cancel = clock.setTimeout(look, PROBE_MS);
      void probe(signal).then((isReady) => {
        if (!isReady || signal.aborted) return;
        stop();
        this.#state = { kind: 'closed' };
        onReady();
      });
    };
    // By chance a little earlier, so that not all servers are looked at together.
    cancel = clock.setTimeout(look, PROBE_MS * (0.9 + 0.1 * random()));
    this.#state = { kind: 'open', fault, stop };
  }
}
