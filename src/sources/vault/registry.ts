import type { SourceClock } from '../clock.ts';
import type { SourceFields } from '../source.ts';
import { Breaker } from './breaker.ts';
import { Connection, type ConnectionDependencies } from './connection.ts';
import type { Fault } from './errors.ts';
import { untilAborted } from './requests.ts';
import type { VaultTarget } from './target.ts';

export type VaultFields = SourceFields & { readonly authMethod?: string };
export type ReadResult =
  VaultFields | { readonly kind: 'fault'; readonly fault: Fault; readonly pauseMs: number };

/** What is known about one connection. */
export interface Link {
  readonly id: string;
  readonly connection: Connection;
  readonly breaker: Breaker;
  readonly readings: Set<Reading>;
  /** The reads on their way. */
  readonly flights: Set<Promise<unknown>>;
  lastUsed: number;
}

/** What is known about one path on one connection. */
export interface Reading {
  readonly id: string;
  readonly link: Link;
  readonly breaker: Breaker;
  /** The integrations that ask for it. */
  readonly names: Set<string>;
  lastStart: number;
  /** From one start to the next. */
  spacingMs: number;
  flight: { readonly startedAt: number; readonly result: Promise<ReadResult> } | undefined;
  fresh: { readonly startedAt: number; readonly fields: VaultFields; readonly drop: () => void } | undefined;
}

/** Unused that long, a connection is closed and its token given back. */
const IDLE_MS = 30 * 60_000;
const NEVER = new AbortController().signal;

/**
 * All connections and paths, as many as there are integrations: an integration whose target changed leaves the
 * old one, and what nobody asks for any more is closed.
 */
export class Registry {
  readonly #links = new Map<string, { link: Link; cancelIdle: () => void }>();
  readonly #readings = new Map<string, Reading>();
  readonly #byName = new Map<string, Reading>();
  readonly #closing = new Set<Promise<void>>();
  readonly #deps: ConnectionDependencies;

  constructor(deps: ConnectionDependencies) {
    this.#deps = deps;
  }

  /** The reading of a target; from now on the integration belongs to this one only. */
  reading(target: VaultTarget): Reading {
    const known = this.#byName.get(target.name);
    if (known?.id === target.readId) return known;
    const reading = this.#readings.get(target.readId) ?? this.#open(target);
    reading.names.add(target.name);
    this.#byName.set(target.name, reading);
    if (known) this.#leave(known, target.name);
    return reading;
  }

  forget(name: string): void {
    const reading = this.#byName.get(name);
    this.#byName.delete(name);
    if (reading) this.#leave(reading, name);
  }

  /** Closes everything; ends when all tokens are given back or the signal comes. */
  async close(signal: AbortSignal): Promise<void> {
    for (const { link } of this.#links.values()) this.#drop(link, signal);
    await untilAborted(Promise.all(this.#closing), signal).catch(() => {});
  }

  #open(target: VaultTarget): Reading {
    const link = this.#links.get(target.connectionId)?.link ?? this.#connect(target);
    const reading: Reading = {
      id: target.readId,
      link,
      breaker: new Breaker(this.#deps.random),
      names: new Set(),
      lastStart: -Infinity,
      spacingMs: 0,
      flight: undefined,
      fresh: undefined,
    };
    link.readings.add(reading);
    this.#readings.set(reading.id, reading);
    return reading;
  }

  #connect(target: VaultTarget): Link {
    const link: Link = {
      id: target.connectionId,
      connection: new Connection(target, this.#deps),
      breaker: new Breaker(this.#deps.random),
      readings: new Set(),
      flights: new Set(),
      lastUsed: this.#deps.clock.now(),
    };
    this.#links.set(link.id, { link, cancelIdle: () => {} });
    this.#watchIdle(link, IDLE_MS, this.#deps.clock);
    return link;
  }

  #watchIdle(link: Link, ms: number, clock: SourceClock): void {
    const cancelIdle = clock.setTimeout(() => {
      const left = link.lastUsed + IDLE_MS - clock.now();
      if (left > 0) this.#watchIdle(link, left, clock);
      else this.#drop(link, NEVER);
    }, ms);
    this.#links.set(link.id, { link, cancelIdle });
  }

  #leave(reading: Reading, name: string): void {
    reading.names.delete(name);
    if (reading.names.size > 0) return;
    this.#readings.delete(reading.id);
    reading.fresh?.drop();
    const { link } = reading;
    link.readings.delete(reading);
    if (link.readings.size === 0) this.#drop(link, NEVER);
  }

  #drop(link: Link, signal: AbortSignal): void {
    this.#links.get(link.id)?.cancelIdle();
    this.#links.delete(link.id);
    for (const reading of link.readings) {
      reading.fresh?.drop();
      this.#readings.delete(reading.id);
      for (const name of reading.names) this.#byName.delete(name);
      reading.names.clear();
    }
    const closed = finish(link, signal).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}

/** Lets the reads on their way end first: a token that is given back early would fail them. */
async function finish(link: Link, signal: AbortSignal): Promise<void> {
  await untilAborted(Promise.allSettled(link.flights), signal).catch(() => {});
  await link.connection.close(signal);
}
