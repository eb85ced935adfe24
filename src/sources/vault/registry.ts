import type { SourceFields } from '../source.ts';
import { Breaker } from './breaker.ts';
import { Connection, type ConnectionDependencies, type LoginMemory } from './connection.ts';
import type { Fault } from './errors.ts';
import type { Seen } from './inspect.ts';
import { Lockouts } from './lockout.ts';
import { untilAborted } from './requests.ts';
import { Server } from './server.ts';
import type { VaultTarget } from './target.ts';

export type VaultFields = SourceFields & {
  /** The login method that worked. */
  readonly authMethod?: string;
  /** Those that did not, and why. */
  readonly passed?: readonly string[];
};
export type ReadResult =
  VaultFields | { readonly kind: 'fault'; readonly fault: Fault; readonly pauseMs: number };

/** What is known about one server. */
export interface Host {
  readonly id: string;
  readonly server: Server;
  readonly links: Set<Link>;
}

/** What is known about one login at a server. */
export interface Link {
  readonly id: string;
  readonly host: Host;
  readonly connection: Connection;
  readonly breaker: Breaker;
  readonly readings: Set<Reading>;
  /** The reads on their way. */
  readonly flights: Set<Promise<unknown>>;
}

/** What is known about one path with one login. */
export interface Reading {
  readonly id: string;
  readonly link: Link;
  readonly breaker: Breaker;
  /** The integrations that ask for it. */
  readonly names: Set<string>;
  lastUsed: number;
  lastStart: number;
  /** From one start to the next. */
  spacingMs: number;
  flight: { readonly startedAt: number; readonly result: Promise<ReadResult> } | undefined;
  fresh: { readonly startedAt: number; readonly fields: VaultFields; readonly drop: () => void } | undefined;
  /** What the last inspection saw. */
  seen: Seen | undefined;
}

/** Unused that long, a path is forgotten, and with its last path a login is closed and its token given back. */
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
const NEVER = new AbortController().signal;

/**
 * All servers, logins and paths that are in use, each shared by whoever means the same. An integration whose login
 * changed leaves the old one, and what nobody asks for any more is closed.
 */
export class Registry {
  readonly #hosts = new Map<string, Host>();
  readonly #links = new Map<string, Link>();
  readonly #readings = new Map<string, Reading>();
  /** By the names of integrations. */
  readonly #byName = new Map<string, Set<Reading>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #deps: ConnectionDependencies;
  readonly #memory: LoginMemory = { lockouts: new Lockouts(), unwrapped: new Map() };
  readonly #onReady: (host: Host) => void;
  #cancelSweep: () => void;

  /** `onReady`: a server that was down says that it is ready again. */
  constructor(deps: ConnectionDependencies, onReady: (host: Host) => void) {
    this.#deps = deps;
    this.#onReady = onReady;
    this.#cancelSweep = deps.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
  }

  /** The reading of a target. From now on the integration belongs to this login only. */
  reading(target: VaultTarget): Reading {
    const { name, readId, connectionId } = target;
    const own = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, own);
    const reading = this.#readings.get(readId) ?? this.#open(target);
    reading.lastUsed = this.#deps.clock.now();
    if (own.has(reading)) return reading;
    reading.names.add(name);
    own.add(reading);
    for (const other of own) if (other.link.id !== connectionId) this.#leave(other, name);
    return reading;
  }

  forget(name: string): void {
    for (const reading of this.#byName.get(name) ?? []) this.#leave(reading, name);
    this.#byName.delete(name);
  }

  /** Closes everything; ends when all tokens are given back or the signal comes. */
  async close(signal: AbortSignal): Promise<void> {
    this.#cancelSweep();
    for (const link of this.#links.values()) this.#close(link, signal);
    await untilAborted(Promise.all(this.#closing), signal).catch(() => {});
  }

  #open(target: VaultTarget): Reading {
    const link = this.#links.get(target.connectionId) ?? this.#connect(target);
    const reading: Reading = {
      id: target.readId,
      link,
      breaker: new Breaker(this.#deps.random),
      names: new Set(),
      lastUsed: 0,
      lastStart: -Infinity,
      spacingMs: 0,
      flight: undefined,
      fresh: undefined,
      seen: undefined,
    };
    link.readings.add(reading);
    this.#readings.set(reading.id, reading);
    return reading;
  }

  #connect(target: VaultTarget): Link {
    const host = this.#hosts.get(target.serverId) ?? this.#reach(target);
    const link: Link = {
      id: target.connectionId,
      host,
      connection: new Connection(target, host.server, this.#deps, this.#memory),
      breaker: new Breaker(this.#deps.random),
      readings: new Set(),
      flights: new Set(),
    };
    host.links.add(link);
    this.#links.set(link.id, link);
    return link;
  }

  #reach(target: VaultTarget): Host {
    const host: Host = {
      id: target.serverId,
      server: new Server(target, this.#deps, () => this.#onReady(host)),
      links: new Set(),
    };
    this.#hosts.set(host.id, host);
    return host;
  }

  #sweep(): void {
    this.#cancelSweep = this.#deps.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
    const before = this.#deps.clock.now() - IDLE_MS;
    for (const reading of this.#readings.values()) {
      if (reading.lastUsed > before || reading.flight) continue;
      for (const name of reading.names) this.#leave(reading, name);
    }
  }

  #leave(reading: Reading, name: string): void {
    reading.names.delete(name);
    const own = this.#byName.get(name);
    own?.delete(reading);
    if (own?.size === 0) this.#byName.delete(name);
    if (reading.names.size > 0) return;
    this.#readings.delete(reading.id);
    reading.fresh?.drop();
    const { link } = reading;
    link.readings.delete(reading);
    if (link.readings.size === 0) this.#close(link, NEVER);
  }

  #close(link: Link, signal: AbortSignal): void {
    this.#links.delete(link.id);
    for (const reading of link.readings) {
      reading.fresh?.drop();
      this.#readings.delete(reading.id);
      for (const name of reading.names) this.#byName.get(name)?.delete(reading);
      reading.names.clear();
    }
    const closed = this.#finish(link, signal).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Lets the reads on their way end first: a token that is given back early would fail them. */
  async #finish(link: Link, signal: AbortSignal): Promise<void> {
    await untilAborted(Promise.allSettled(link.flights), signal).catch(() => {});
    await link.connection.close(signal);
    const { host } = link;
    host.links.delete(link);
    if (host.links.size > 0) return;
    if (this.#hosts.get(host.id) === host) this.#hosts.delete(host.id);
    await host.server.close();
  }
}
