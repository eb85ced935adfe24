import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { codeOf, KubeError } from './errors.ts';
import { eventObject, microTime, sameness, type EventRecord } from './event-object.ts';
import type { Resource } from './objects.ts';
import { retryDelay } from './retry.ts';
import { RecentMap, TokenBucket } from './token-bucket.ts';

export type { EventRecord, Regarding } from './event-object.ts';

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly random?: () => number;
  /** A qualified name, such as `fairlead.dev/controller`. */
  readonly controller: string;
  /** This replica. */
  readonly instance: string;
  /** Records that may wait to be written; more are dropped. */
  readonly bufferSize?: number;
  /** Of one object so many at once, then one in every `refillMs`. */
  readonly burst?: number;
  readonly refillMs?: number;
  /** Every record ends as one of these; for metrics. `code` says why it was not written. */
  readonly onResult?: (result: 'written' | 'limited' | 'dropped' | 'failed', code?: string) => void;
}

const EVENTS: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', namespaced: true };
const BUFFER = 4096;
const BURST = 25;
const REFILL_MS = 300_000;
/** A repetition after this time is an event of its own. */
const SERIES_MS = 360_000;
/** Objects and events that are remembered. */
const REMEMBERED = 4096;
const ATTEMPTS = 3;
const RETRY = { baseMs: 1_000, capMs: 10_000 };

interface Entry {
  readonly key: string;
  readonly record: EventRecord;
  /** Set once it is in the cluster. */
  name?: string;
  count: number;
  lastAt: number;
  lastWall: Date;
}

/**
 * Writes events in the background, one at a time, so that they never hold up work or crowd out its requests.
 * The same event again becomes a series; one object's are limited; failures are counted and forgotten.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #entries = new RecentMap<Entry>(REMEMBERED);
  readonly #buckets = new RecentMap<TokenBucket>(REMEMBERED);
  readonly #buffer = new Set<Entry>();
  readonly #stop = new AbortController();
  #writing: Promise<void> | undefined;
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Takes the event and returns at once; never throws. */
  record(record: EventRecord): void {
    const { clock, burst = BURST, refillMs = REFILL_MS, bufferSize = BUFFER, onResult } = this.#options;
    const now = clock.now();
    const key = sameness(record);
    const known = this.#entries.get(key);
    const entry = known && now - known.lastAt < SERIES_MS ? known : fresh(key, record);
    entry.count += 1;
    entry.lastAt = now;
    entry.lastWall = clock.wall();
    this.#entries.set(key, entry);
    // It is counted; what waits already will say so.
    if (this.#buffer.has(entry)) return;

    const { kind, namespace, name, uid } = record.regarding;
    const object = `${kind} ${namespace} ${name} ${uid}`;
    let bucket = this.#buckets.get(object);
    if (!bucket) {
      bucket = new TokenBucket(burst, refillMs, now);
      this.#buckets.set(object, bucket);
    }
    if (!bucket.take(now)) return onResult?.('limited');
    if (this.#buffer.size >= bufferSize) return onResult?.('dropped');
    this.#buffer.add(entry);
    this.#writing ??= this.#writeAll();
  }

  /** Events that wait to be written. */
  get pending(): number {
    return this.#buffer.size;
  }

  /** Resolves when everything is written, or when `signal` is aborted: what is left then is dropped. */
  async flush(signal: AbortSignal): Promise<void> {
    const give = (): void => this.#stop.abort();
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
    await this.#writing;
    signal.removeEventListener('abort', give);
  }

  async #writeAll(): Promise<void> {
    // Whoever records goes on first.
    await Promise.resolve();
    // The loop also sees what is added while it runs.
    for (const entry of this.#buffer) {
      this.#buffer.delete(entry);
      await this.#write(entry);
    }
    this.#writing = undefined;
  }

  async #write(entry: Entry): Promise<void> {
    const { clock, random = Math.random, onResult } = this.#options;
    const { signal } = this.#stop;
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted) return onResult?.('dropped', 'Aborted');
      try {
        await this.#send(entry, signal);
        return onResult?.('written');
      } catch (error) {
        if (!passes(error) || attempt >= ATTEMPTS) return onResult?.('failed', codeOf(error));
        await clock.sleep(retryDelay(error, attempt, RETRY, random), signal).catch(() => undefined);
      }
    }
  }

  async #send(entry: Entry, signal: AbortSignal): Promise<void> {
    const { client, controller, instance } = this.#options;
    const { record, count, lastWall } = entry;
    const series = count > 1 ? { series: { count, lastObservedTime: microTime(lastWall) } } : {};
    const namespace = record.regarding.namespace || 'default';
    if (entry.name !== undefined) {
      try {
        await client.patch(EVENTS, { namespace, name: entry.name }, series, { type: 'merge', signal });
        return;
      } catch (error) {
        // Events expire, after an hour by default.
        if (!(error instanceof KubeError) || error.code !== 'NotFound') throw error;
      }
    }
    const event = eventObject(record, { controller, instance }, lastWall, this.#suffix(lastWall));
    await client.create(EVENTS, { ...event, ...series }, { signal });
    entry.name = event.metadata.name;
  }

  #suffix(at: Date): string {
    const random = Math.floor((this.#options.random ?? Math.random)() * 0x10000);
    this.#sequence = (this.#sequence + 1) % 0x10000;
    return [at.getTime(), random, this.#sequence].map((part) => part.toString(16).padStart(4, '0')).join('');
  }
}

function fresh(key: string, record: EventRecord): Entry {
  return { key, record, count: 0, lastAt: 0, lastWall: new Date(0) };
}

/** Errors that may be gone in a moment; a namespace that is being deleted is not one of them. */
function passes(error: unknown): boolean {
  const codes = ['Unreachable', 'Timeout', 'TooManyRequests', 'ServerError', 'Unauthorized'];
  return error instanceof KubeError && codes.includes(error.code);
}
