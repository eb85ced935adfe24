import { backoffMs, type Backoff } from './backoff.ts';
import type { Cancel, Clock } from './clock.ts';
import { FairFifo } from './fair-fifo.ts';

/** `urgent`: somebody waits for it. `background`: refreshes. */
export type Lane = 'urgent' | 'background';

/** Where metrics hang in. */
export interface QueueMetrics {
  readonly added?: (queue: string) => void;
  /** A key was taken after waiting for so many milliseconds. */
  readonly taken?: (queue: string, waitedMs: number) => void;
  readonly retried?: (queue: string) => void;
}

export interface QueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Keys of one group take turns with those of the others; by default all are one group. */
  readonly groupOf?: (key: string) => string;
  readonly backoff?: Backoff;
  readonly metrics?: QueueMetrics;
}

const BACKOFF: Backoff = { baseMs: 1_000, capMs: 60_000 };
/** While urgent keys never run out, every so manyth key is a background one all the same. */
const BACKGROUND_SHARE = 16;

const SPREAD = 0.5;

interface Delayed {
  readonly at: number;
  readonly lane: Lane;
  readonly cancel: Cancel;
}

/**
 * The work queue of client-go: it holds each key once; a key is never handed to two workers at the same time; one
 * that is added while it is worked on comes once more after `done`. It carries keys, never objects, so a pass
 * always sees the present state.
 */
export class WorkQueue {
  readonly name: string;
  readonly #options: QueueOptions;
  readonly #backoff: Backoff;
  readonly #lanes: Readonly<Record<Lane, FairFifo>>;
  /** Keys that are to be worked on: in a lane, or processing and to come once more. */
  readonly #dirty = new Map<string, { lane: Lane; readonly since: number }>();
  readonly #processing = new Map<string, Lane>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #waiters: ((key: string | undefined) => void)[] = [];
  readonly #drained = Promise.withResolvers<void>();
  #urgentInARow = 0;
  #closed = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.#options = options;
    this.#backoff = options.backoff ?? BACKOFF;
    const groupOf = options.groupOf ?? (() => '');
    this.#lanes = { urgent: new FairFifo(groupOf), background: new FairFifo(groupOf) };
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#lanes.urgent.size + this.#lanes.background.size;
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** For how long the key that was added first has waited for a worker; 0 if none waits. */
  get oldestMs(): number {
    // In the order in which they were added.
    const [first] = this.#dirty.values();
    return first === undefined ? 0 : this.#options.clock.now() - first.since;
  }

  get processing(): number {
    return this.#processing.size;
  }

  /** Adds a key; if it waits already it only can become more urgent. Nothing after `close`. */
  add(key: string, lane: Lane = 'background'): void {
    if (this.#closed) return;
    const waiting = this.#dirty.get(key);
    const busy = this.#processing.has(key);
    if (waiting) {
      if (waiting.lane === lane || lane === 'background') return;
      waiting.lane = lane;
      if (busy) return;
      this.#lanes.background.delete(key);
    } else {
      this.#dirty.set(key, { lane, since: this.#options.clock.now() });
      this.#options.metrics?.added?.(this.name);
      if (busy) return;
    }
    this.#lanes[lane].push(key);
    this.#handOut();
  }

  /**
   * Adds the key in `ms` milliseconds. If that is arranged already, the earlier time holds. The lane is, unless
   * it is given, the one from which the key that is being worked on was taken.
   */
  addAfter(key: string, ms: number, lane: Lane = this.#processing.get(key) ?? 'background'): void {
    if (this.#closed) return;
    const at = this.#options.clock.now() + Math.max(0, ms);
    const arranged = this.#delayed.get(key);
    if (arranged && arranged.at <= at) return;
    arranged?.cancel();
    const cancel = this.#options.clock.setTimeout(
      () => {
        this.#delayed.delete(key);
        this.add(key, lane);
      },
      Math.max(0, ms),
    );
    this.#delayed.set(key, { at, lane, cancel });
  }

  /**
   * Adds the key in `ms` milliseconds or up to half as much later, by chance: many who were told the same time must
   * not come back in the same moment.
   */
  addNotBefore(key: string, ms: number, lane?: Lane): void {
    this.addAfter(key, ms * (1 + SPREAD * this.#options.random()), lane);
  }

  /**
   * Adds the key after its own backoff, which doubles from call to call until `forget`; not before `atLeastMs`, or up to
   * half as much later: a server that has too much to do tells everybody the same time. Returns the milliseconds.
   */
  addRateLimited(key: string, atLeastMs = 0, lane?: Lane): number {
    const attempt = (this.#failures.get(key) ?? 0) + 1;
    const atLeast = atLeastMs * (1 + SPREAD * this.#options.random());
    const ms = Math.max(atLeast, backoffMs(attempt, this.#backoff, this.#options.random));
    if (this.#closed) return ms;
    this.#failures.set(key, attempt);
    this.#options.metrics?.retried?.(this.name);
    this.addAfter(key, ms, lane);
    return ms;
  }

  /** The next backoff of this key starts from the beginning. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often `addRateLimited` was called since `forget`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; `undefined` once the queue is closed and empty. `done` must follow. */
  async get(): Promise<string | undefined> {
    const key = this.#take();
    if (key !== undefined || this.#closed) return key;
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** The work on this key has ended, well or badly. */
  done(key: string): void {
    this.#processing.delete(key);
    const again = this.#dirty.get(key);
    if (again) {
      this.#lanes[again.lane].push(key);
      this.#handOut();
    }
    if (this.#closed && this.#processing.size === 0) this.#drained.resolve();
  }

  /** No new keys from now on; those that wait are still handed out, delayed ones are dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
    if (this.#processing.size === 0) this.#drained.resolve();
  }

  /** Resolves when the queue is closed and nothing is being worked on. */
  async drained(): Promise<void> {
    return this.#drained.promise;
  }

  #handOut(): void {
    while (this.#waiters.length > 0) {
      const key = this.#take();
      if (key === undefined) return;
      this.#waiters.shift()?.(key);
    }
  }

  #take(): string | undefined {
    const { urgent, background } = this.#lanes;
    const itsTurn = this.#urgentInARow >= BACKGROUND_SHARE - 1 && background.size > 0;
    const lane: Lane = urgent.size > 0 && !itsTurn ? 'urgent' : 'background';
    const key = this.#lanes[lane].shift();
    if (key === undefined) return undefined;
    this.#urgentInARow = lane === 'urgent' ? this.#urgentInARow + 1 : 0;
    const since = this.#dirty.get(key)?.since ?? 0;
    this.#dirty.delete(key);
    this.#processing.set(key, lane);
    this.#options.metrics?.taken?.(this.name, this.#options.clock.now() - since);
    return key;
  }
}
