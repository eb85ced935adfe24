import { Cache, type Cacheable, type ChangeHandler } from './cache.ts';
import type { KubeClient, Query } from './client.ts';
import type { Clock } from './clock.ts';
import { codeOf, KubeError } from './errors.ts';
import { listPages } from './list.ts';
import { collectionPath, keyOf, type KubeObject, type Resource } from './objects.ts';
import { retryDelay, type RetryPolicy } from './retry.ts';
import type { Indexes } from './store.ts';
import { watchEvents, type WatchEvent } from './watch.ts';

export type { Change, ChangeHandler } from './cache.ts';

/** Where metrics and logs hang in. `code` is safe to log. */
export interface ReflectorHooks {
  readonly onError?: (error: {
    readonly reflector: string;
    readonly during: 'list' | 'watch' | 'handler' | 'project';
    readonly code: string;
  }) => void;
  readonly onList?: (list: {
    readonly reflector: string;
    readonly objects: number;
    readonly ms: number;
  }) => void;
  readonly onWatch?: (watch: { readonly reflector: string }) => void;
}

export interface ReflectorOptions<T extends Cacheable> {
  /** For hooks. */
  readonly name: string;
  readonly client: Pick<KubeClient, 'request' | 'stream'>;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly resource: Resource;
  /** Only this namespace; all of them if absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What is kept of each object; called once for each state, must keep name, namespace, uid, resourceVersion. */
  readonly project: (raw: KubeObject) => T;
  readonly indexes?: Indexes<T>;
  readonly hooks?: ReflectorHooks;
  readonly retry?: RetryPolicy;
  /** A watch that says nothing for so long, not even a bookmark (about one a minute), counts as dead. */
  readonly silenceMs?: number;
  /** How long the server is asked to keep a watch open, at least; at most twice that. */
  readonly watchSeconds?: number;
  readonly pageSize?: number;
}

const RETRY: RetryPolicy = { baseMs: 800, capMs: 30_000 };
const SILENCE_MS = 150_000;
const WATCH_SECONDS = 300;
/** After so many tries without a word the version may be one that this server never had: start anew. */
const MAX_DEAF_WATCHES = 5;

/**
 * Keeps a local picture of one kind of object current: lists once, then watches, and starts over when the server
 * has forgotten where we were. Every failure is retried with backoff, for as long as `run` is not stopped.
 */
export class Reflector<T extends Cacheable> {
  readonly name: string;
  /** Resolves after the first complete list; rejects with KubeError Aborted if `run` is stopped before. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #random: () => number;
  readonly #retry: RetryPolicy;
  readonly #cache: Cache<T>;
  readonly #sync = Promise.withResolvers<void>();
  #hasSynced = false;
  #version: string | undefined;
  #heardAt: number;
  /** Failures since the server last told us something. */
  #failures = 0;

  constructor(options: ReflectorOptions<T>) {
    this.name = options.name;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#retry = options.retry ?? RETRY;
    this.#heardAt = options.clock.now();
    this.synced = this.#sync.promise;
    // Whoever does not wait for it must not be ended by its rejection.
    this.synced.catch(() => undefined);
    this.#cache = new Cache({
      project: options.project,
      indexes: options.indexes ?? {},
      onError: (during, code) => this.#report(during, code),
    });
  }

  get(key: string): T | undefined {
    return this.#cache.store.get(key);
  }

  list(): readonly T[] {
    return this.#cache.store.list();
  }

  /** The objects for which the named index gives `value`. */
  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.store.byIndex(index, value);
  }

  get size(): number {
    return this.#cache.store.size;
  }

  /**
   * Calls `handler` for each change from now on, synchronously and in order; `get` already answers with the new
   * state. What it throws is reported to `hooks.onError`. Returns the function that unsubscribes.
   */
  onChange(handler: ChangeHandler<T>): () => void {
    return this.#cache.onChange(handler);
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Milliseconds since the server was last heard: over a few minutes the picture is not to be trusted. */
  stalenessMs(): number {
    return this.#options.clock.now() - this.#heardAt;
  }

  /** Works until `signal` is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const during = this.#version === undefined ? 'list' : 'watch';
      const failuresBefore = this.#failures;
      let failure: unknown;
      try {
        await (during === 'list' ? this.#list(signal) : this.#watch(signal));
        // A list answers for itself; a watch must have said something, or ending it at once would be a hot loop.
        if (during === 'list' || this.#failures < failuresBefore || failuresBefore === 0) {
          if (during === 'list') continue;
        }
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) break;
      await this.#recover(during, failure, signal);
    }
    if (!this.#hasSynced) {
      const message = `${this.name}: stopped before the first list was complete`;
      this.#sync.reject(new KubeError({ code: 'Aborted', message }));
    }
  }
}
