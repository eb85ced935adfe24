import type { SourceClock } from '../clock.ts';
import type { SourceAnswer } from '../source.ts';
import type { Lookup } from './address.ts';
import type { Held } from './breaker.ts';
import { failure, VaultError } from './errors.ts';
import { inspect, type Inspection } from './inspect.ts';
import { readSecret } from './kv2.ts';
import type { RequestToken } from './login.ts';
import { Outcomes, type OnRecovered } from './outcomes.ts';
import { Registry, type Flight, type Reading, type ReadResult, type VaultFields } from './registry.ts';
import { untilAborted, type Attempt, type OnRequest, type VaultLog } from './requests.ts';
import type { VaultTarget } from './target.ts';

export interface VaultSourceOptions {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** Makes tokens of ServiceAccounts for kubernetes and jwt logins. */
  readonly requestToken?: RequestToken;
  /** For one request to Vault; a read that needs several may take twice as long. */
  readonly fetchTimeoutMs?: number;
  /** How many callers may wait for the same integration at once, so that a slow Vault cannot hold all workers. */
  readonly maxWaitersPerIntegration?: number;
  /** A path is read at most that often; half as often while it is asked for all the time. */
  readonly minReadIntervalMs?: number;
  readonly log?: VaultLog;
  /** Told of every request to Vault. */
  readonly onRequest?: OnRequest;
  /** Told of every read, and for which integration it was begun. */
  readonly onRead?: (read: VaultRead) => void;
  /** For tests. */
  readonly lookup?: Lookup;
}

export interface VaultRead {
  readonly integration: string;
  /** `ok`, or the reason why there is nothing. */
  readonly outcome: string;
  readonly ms: number;
}

export interface ReadOptions {
  /** The value must come from a request that started at this moment or later; monotonic milliseconds. */
  readonly notBefore: number;
  readonly signal: AbortSignal;
}

export type VaultAnswer = SourceAnswer | VaultFields;

/** A value serves those who came before it was read, for as long as a burst of them takes to arrive. */
const FRESH_MS = 2_000;
const CROWDED_MS = [100, 250] as const;
const STALE_FLIGHT_MS = [100, 1_000] as const;
const STOPPED_MS = 1_000;

/**
 * Reads KV v2 secrets for many who ask at once: one request for all who want the same path, few requests to a
 * Vault that fails, and no value kept longer than a burst.
 */
export class VaultSource {
  readonly #clock: SourceClock;
  readonly #random: () => number;
  readonly #fetchTimeoutMs: number;
  readonly #maxWaiters: number;
  readonly #intervalMs: number;
  readonly #registry: Registry;
  readonly #waiters = new Map<string, number>();
  readonly #outcomes: Outcomes;
  readonly #onRead: (read: VaultRead) => void;
  #isStopped = false;

  constructor(options: VaultSourceOptions) {
    const { clock, random, fetchTimeoutMs = 10_000, onRequest = () => {}, log, lookup } = options;
    const { requestToken = noTokens, onRead = () => {} } = options;
    this.#onRead = onRead;
    this.#clock = clock;
    this.#random = random;
    this.#fetchTimeoutMs = fetchTimeoutMs;
    this.#maxWaiters = options.maxWaitersPerIntegration ?? 24;
    this.#intervalMs = options.minReadIntervalMs ?? 1_000;
    const deps = { clock, random, fetchTimeoutMs, onRequest, log, lookup, requestToken };
    this.#outcomes = new Outcomes(clock, random);
    this.#registry = new Registry(deps, (host) => this.#outcomes.ready(host));
  }

  /**
   * The fields at the target's path, why there are none, or when to come back. Throws only the reason of the
   * signal; the request goes on for the others who wait for it.
   */
  async read(target: VaultTarget, { notBefore, signal }: ReadOptions): Promise<VaultAnswer> {
    signal.throwIfAborted();
    if (this.#isStopped) return later(STOPPED_MS);
    const now = this.#clock.now();
    const reading = this.#registry.reading(target);
    const { fresh } = reading;
    if (fresh && fresh.startedAt >= notBefore && now < fresh.startedAt + FRESH_MS) return fresh.fields;

    const held = this.#held(reading, target, now);
    if (held) return failure(target, held.fault, held.retryAfterMs);

    const wait = this.#waitFor(reading, now, notBefore);
    if (wait > 0) return later(wait);
    if (this.#waitersOf(target.name) >= this.#maxWaiters) return later(between(CROWDED_MS, this.#random()));
    const flight = reading.flight ?? this.#start(reading, target, now);
    const result = await this.#waiting(target.name, untilAborted(flight.result, signal));
    return result.kind === 'fault' ? failure(target, result.fault, result.pauseMs) : result;
  }

  /**
   * What Vault tells about the target beside its fields, for a status: nothing if it is down. `maybeFolder`: there was
   * no secret to read. Throws only the reason of the signal.
   */
  async inspect(target: VaultTarget, maybeFolder: boolean, signal: AbortSignal): Promise<Inspection> {
    // Nothing that is not in use already: the integration may be gone by now.
    const reading = this.#registry.find(target);
    if (this.#isStopped || !reading) return {};
    const now = this.#clock.now();
    const scope = this.#held(reading, target, now)?.fault.scope;
    if (scope === 'server') return {};
    const { connection, host } = reading.link;
    // Whoever cannot read the path has its status checked again and again: that must not cost Vault much.
    reading.seen = await inspect({
      server: host.server,
      connection,
      target,
      attempt: { startedAt: now, signal, requests: 0 },
      maybeFolder,
      mayLogIn: scope !== 'connection',
      before: reading.seen,
    });
    return reading.seen.inspection;
  }

  /** Calls back when a place of an integration may be read again; the answer unsubscribes. */
  onRecovered(callback: OnRecovered): () => void {
    return this.#outcomes.onRecovered(callback);
  }

  /** The integration is gone: what only it used is closed. */
  forget(integrationName: string): void {
    this.#registry.forget(integrationName);
  }

  /** Gives all tokens back and closes all connections; ends at the latest when the signal comes. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#isStopped = true;
    await this.#registry.close(signal);
  }

  #held({ link, breaker }: Reading, target: VaultTarget, now: number): Held | undefined {
    return link.host.server.circuit.held() ?? link.breaker.held(now, target.revision) ?? breaker.held(now);
  }

  /** 0 if a read may start, or one that is on its way will do. */
  #waitFor({ flight, lastStart, spacingMs }: Reading, now: number, notBefore: number): number {
    if (flight && flight.startedAt >= notBefore) return 0;
    const spacing = lastStart + spacingMs - now;
    if (!flight) return Math.max(spacing, 0);
    // The longer it has taken, the longer it may still take.
    return Math.max(spacing, clamp(now - flight.startedAt, STALE_FLIGHT_MS));
  }

  #start(reading: Reading, target: VaultTarget, startedAt: number): Flight {
    // A burst that goes on is served in larger groups: a thousand pods of one path cost Vault a handful of reads.
    const goesOn = startedAt - reading.lastStart < 3 * this.#intervalMs;
    reading.spacingMs = goesOn ? 2 * this.#intervalMs : this.#intervalMs;
    reading.lastStart = startedAt;
    const { flights } = reading.link;
    const deadline = new AbortController();
    const result = this.#attempt(reading, target, startedAt, deadline).finally(() => {
      reading.flight = undefined;
      flights.delete(result);
    });
    flights.add(result);
    reading.flight = { startedAt, result, giveUp: () => deadline.abort(TOO_SLOW) };
    return reading.flight;
  }

  async #attempt(
    reading: Reading,
    target: VaultTarget,
    startedAt: number,
    deadline: AbortController,
  ): Promise<ReadResult> {
    const cancel = this.#clock.setTimeout(() => deadline.abort(TOO_SLOW), 2 * this.#fetchTimeoutMs);
    const attempt: Attempt = { startedAt, signal: deadline.signal, requests: 0 };
    const { link } = reading;
    link.breaker.begin(attempt, target.revision);
    reading.breaker.begin(attempt);
    let outcome = 'Unknown';
    try {
      const { fields, version, authMethod, passed } = await readSecret(link.connection, target, attempt);
      const { location } = target;
      const found = { kind: 'fields' as const, location, fields, authMethod, passed };
      const answer = { ...found, ...(version !== undefined && { version }) };
      this.#keep(reading, answer, startedAt);
      this.#outcomes.worked(reading);
      outcome = 'ok';
      return answer;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      outcome = error.fault.reason;
      // From here on a breaker says when; it pauses longer than a burst does.
      reading.spacingMs = this.#intervalMs;
      return await this.#outcomes.failed(reading, target.revision, attempt, error.fault);
    } finally {
      cancel();
      this.#onRead({ integration: target.name, outcome, ms: this.#clock.now() - startedAt });
      link.breaker.end(attempt);
      reading.breaker.end(attempt);
    }
  }

  /** Until the burst is over; then nothing holds the values any more. */
  #keep(reading: Reading, fields: VaultFields, startedAt: number): void {
    reading.fresh?.drop();
    if (reading.names.size === 0) return;
    const forget = () => (reading.fresh = undefined);
    const cancel = this.#clock.setTimeout(forget, Math.max(startedAt + FRESH_MS - this.#clock.now(), 0));
    const drop = () => {
      cancel();
      forget();
    };
    reading.fresh = { startedAt, fields, drop };
  }

  #waitersOf(name: string): number {
    return this.#waiters.get(name) ?? 0;
  }

  async #waiting<T>(name: string, promise: Promise<T>): Promise<T> {
    this.#waiters.set(name, this.#waitersOf(name) + 1);
    try {
      return await promise;
    } finally {
      const left = this.#waitersOf(name) - 1;
      if (left > 0) this.#waiters.set(name, left);
      else this.#waiters.delete(name);
    }
  }
}

const TOO_SLOW = new VaultError({
  reason: 'Unreachable',
  scope: 'read',
  what: 'Vault did not answer in time: check Vault, spec.host and network policies',
});

const noTokens: RequestToken = async () => Promise.resolve({ refused: 'it was not told how to ask for one' });

function later(afterMs: number): VaultAnswer {
  return { kind: 'later', afterMs };
}

function between([low, high]: readonly [number, number], share: number): number {
  return low + (high - low) * share;
}

function clamp(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(Math.max(value, low), high);
}
