import type { SourceFields } from '../source.ts';
import { Breaker } from './breaker.ts';
import { Connection, type ConnectionDependencies, type LoginMemory } from './connection.ts';
import type { Fault } from './errors.ts';
import type { Seen } from './inspect.ts';
import { Lockouts } from './lockout.ts';
import { untilAborted } from './requests.ts';
import { Server } from './server.ts';
import type { Place } from './path.ts';
import type { VaultTarget } from './target.ts';

export type VaultFields = SourceFields & {
  /** The login method that worked. */
  readonly authMethod?: string;
  /** Those that did not, and why. */
  readonly passed?: readonly string[];
};
export type ReadResult =
  | VaultFields
  | { readonly kind: 'fault'; readonly fault: Fault; readonly pauseMs: number }
  | { readonly kind: 'later'; readonly afterMs: number };

/** A read on its way. */
export interface Flight {
  readonly startedAt: number;
  readonly result: Promise<ReadResult>;
  readonly giveUp: () => void;
}

/** What is known about one server. */
export interface Host {
  readonly id: string;
  readonly server: Server;
  readonly links: Set<Link>;
  /** Logins and paths that fail in a way that passes by itself, although the server says that it is well. */
  readonly troubled: Set<Link | Reading>;
  /** When one of them was last out of trouble, or the server back. */
  workedAt: number;
  /** When the last one of them that is to try again does so. */
  lastTry: number;
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
  /** The integrations that ask for it, and where below them it lies. */
  readonly names: Map<string, Place>;
  lastUsed: number;
  lastStart: number;
  /** From one start to the next. */
  spacingMs: number;
  flight: Flight | undefined;
  fresh: { readonly startedAt: number; readonly fields: VaultFields; readonly drop: () => void } | undefined;
  /** What the last inspection saw. */
  seen: Seen | undefined;
}

/** What one integration uses: one login, and paths by their ids, the latest used last. */
interface Own {
  readonly linkId: string;
  readonly readings: Map<string, Reading>;
}

/** Unused that long, a path is forgotten, and with its last path a login is closed and its token given back. */
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
/** References can name any path below an integration: the one that was used longest ago is forgotten. */
const MAX_READINGS = 512;
/** On shutdown there are two seconds, and giving the token back needs some of them. */
const LAST_READS_MS = 1_000;
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
  readonly #byName = new Map<string, Own>();
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
    const { name, readId, connectionId, place } = target;
    const known = this.#byName.get(name);
    const isSame = known?.linkId === connectionId;
    const own = isSame ? known : { linkId: connectionId, readings: new Map<string, Reading>() };
    const reading = this.#readings.get(readId) ?? this.#open(target);
    reading.lastUsed = this.#deps.clock.now();
    reading.names.set(name, place);
    own.readings.delete(readId);
    own.readings.set(readId, reading);
    this.#byName.set(name, own);
    if (!isSame) for (const old of known?.readings.values() ?? []) this.#leave(old, name);
    if (own.readings.size > MAX_READINGS) this.#leaveOldest(own, name);
    return reading;
  }

  /** The reading of a target if it is in use. */
  find(target: VaultTarget): Reading | undefined {
    return this.#byName.get(target.name)?.readings.get(target.readId);
  }

  forget(name: string): void {
    for (const reading of this.#byName.get(name)?.readings.values() ?? []) this.#leave(reading, name);
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
      names: new Map(),
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
      troubled: new Set(),
      workedAt: -Infinity,
      lastTry: -Infinity,
    };
    this.#hosts.set(host.id, host);
    return host;
  }

  #sweep(): void {
    this.#cancelSweep = this.#deps.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
    const before = this.#deps.clock.now() - IDLE_MS;
    for (const reading of this.#readings.values()) {
      if (reading.lastUsed > before || reading.flight) continue;
      for (const name of reading.names.keys()) this.#leave(reading, name);
    }
  }

  #leaveOldest({ readings }: Own, name: string): void {
    for (const reading of readings.values()) {
      if (!reading.flight) return this.#leave(reading, name);
    }
  }

  #leave(reading: Reading, name: string): void {
    reading.names.delete(name);
    const own = this.#byName.get(name);
    own?.readings.delete(reading.id);
    if (own?.readings.size === 0) this.#byName.delete(name);
    if (reading.names.size > 0) return;
    const { link } = reading;
    this.#readings.delete(reading.id);
    reading.fresh?.drop();
    link.readings.delete(reading);
    link.host.troubled.delete(reading);
    if (link.readings.size === 0) this.#close(link, NEVER);
  }

  #close(link: Link, signal: AbortSignal): void {
    this.#links.delete(link.id);
    link.host.troubled.delete(link);
    for (const reading of link.readings) {
      reading.fresh?.drop();
      this.#readings.delete(reading.id);
      link.host.troubled.delete(reading);
      for (const name of reading.names.keys()) this.#byName.get(name)?.readings.delete(reading.id);
      reading.names.clear();
    }
    const closed = this.#finish(link, signal).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Lets the reads on their way end first, but not for ever: a token that is given back early would fail them. */
  async #finish(link: Link, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const cancel = this.#deps.clock.setTimeout(() => enough.abort(), LAST_READS_MS);
    const either = AbortSignal.any([signal, enough.signal]);
    await untilAborted(Promise.allSettled(link.flights), either).catch(() => {});
    cancel();
    await link.connection.close(signal);
    const { host } = link;
    host.links.delete(link);
    if (host.links.size > 0) return;
    if (this.#hosts.get(host.id) === host) this.#hosts.delete(host.id);
    await host.server.close();
  }
}
