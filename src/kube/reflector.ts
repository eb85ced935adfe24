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
const SHORT_WATCH_MS = 1_000;

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
  /** Watches that the server took and that said nothing. */
  #deaf = 0;

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
      try {
        await (during === 'list' ? this.#list(signal) : this.#watch(signal));
      } catch (error) {
        if (!signal.aborted) await this.#recover(during, error, signal);
      }
    }
    if (!this.#hasSynced) {
      const message = `${this.name}: stopped before the first list was complete`;
      this.#sync.reject(new KubeError({ code: 'Aborted', message }));
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, clock, resource, namespace, pageSize } = this.#options;
    const started = clock.now();
    const seen = new Set<string>();
    const version = await listPages(
      client,
      {
        path: collectionPath(resource, namespace),
        call: `LIST ${resource.plural}`,
        query: this.#selectors(),
        signal,
        ...(pageSize !== undefined && { limit: pageSize }),
      },
      (items) => {
        this.#heardAt = clock.now();
        for (const item of items) {
          seen.add(keyOf(item));
          this.#cache.upsert(item);
        }
      },
      () => seen.clear(),
    );
    this.#cache.retain(seen);
    this.#version = version;
    this.#options.hooks?.onList?.({ reflector: this.name, objects: this.size, ms: clock.now() - started });
    this.#hasSynced = true;
    this.#sync.resolve();
  }

  /** Resolves when the server ends the watch in good order; rejects with a KubeError for every other end. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, resource, namespace, watchSeconds = WATCH_SECONDS, hooks } = this.#options;
    const call = `WATCH ${resource.plural}`;
    const stream = await client.stream({
      path: collectionPath(resource, namespace),
      call,
      query: {
        ...this.#selectors(),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: this.#version,
        timeoutSeconds: Math.round(watchSeconds * (1 + this.#random())),
      },
      signal,
    });
    const opened = clock.now();
    this.#heardAt = opened;
    hooks?.onWatch?.({ reflector: this.name });
    const stopWatchdog = this.#watchdog(call, (error) => stream.close(error));
    try {
      for await (const events of watchEvents(stream, call)) {
        this.#heardAt = clock.now();
        this.#failures = 0;
        this.#deaf = 0;
        for (const event of events) this.#take(event);
      }
    } finally {
      stopWatchdog();
      stream.close();
      if (clock.now() - opened >= this.#retry.capMs) this.#failures = 0;
    }
    // A server that ends each watch at once must not make this a hot loop.
    if (!signal.aborted && clock.now() - opened < SHORT_WATCH_MS)
      throw new KubeError({ code: 'Unreachable', message: `${call}: ended at once`, cause: 'ShortWatch' });
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'DELETED') this.#cache.remove(keyOf(object), object.metadata.uid);
    else if (type !== 'BOOKMARK') this.#cache.upsert(object);
    this.#version = object.metadata.resourceVersion || this.#version;
  }

  /** Calls `dead` once nothing has been heard for too long. The connection itself may look alive for hours. */
  #watchdog(call: string, dead: (error: KubeError) => void): () => void {
    const { clock, silenceMs = SILENCE_MS } = this.#options;
    let cancel: () => void;
    const check = (): void => {
      const left = silenceMs - (clock.now() - this.#heardAt);
      if (left > 0) cancel = clock.setTimeout(check, left);
      else dead(new KubeError({ code: 'Timeout', message: `${call}: silent`, cause: 'SilentWatch' }));
    };
    cancel = clock.setTimeout(check, silenceMs);
    return () => cancel();
  }

  /** Decides from where to go on after a failure, and waits for as long as that takes. */
  async #recover(during: 'list' | 'watch', error: unknown, signal: AbortSignal): Promise<void> {
    this.#report(during, codeOf(error));
    this.#failures += 1;
    const code = error instanceof KubeError ? error.code : undefined;
    if (during === 'watch') {
      const reached = error instanceof KubeError && code !== 'TooManyRequests' && code !== 'Unreachable';
      if (reached) this.#deaf += 1;
      // NotFound: the kind itself went; when it is back, its history is another one.
      if (code === 'Gone' || code === 'NotFound' || this.#deaf >= MAX_DEAF_WATCHES) {
        this.#version = undefined;
        this.#deaf = 0;
      }
    }
    if (code === 'Gone' && this.#failures === 1) return;
    const ms = retryDelay(error, this.#failures, this.#retry, this.#random);
    await this.#options.clock.sleep(ms, signal).catch(() => undefined);
  }

  #selectors(): Query {
    const { labelSelector, fieldSelector } = this.#options;
    return { labelSelector, fieldSelector };
  }

  #report(during: 'list' | 'watch' | 'handler' | 'project', code: string): void {
    this.#options.hooks?.onError?.({ reflector: this.name, during, code });
  }
}
