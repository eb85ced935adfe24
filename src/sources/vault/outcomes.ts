import type { SourceClock } from '../clock.ts';
import { HELD_MS } from './circuit.ts';
import type { Fault } from './errors.ts';
import { outdated } from './inspect.ts';
import type { Place } from './path.ts';
import type { Host, Link, Reading, ReadResult } from './registry.ts';
import type { Attempt } from './requests.ts';

/** Told of the name of an integration, and of a place below it. */
export type OnRecovered = (integrationName: string, place: Place) => void;

/** From one try to the next of all who are in trouble: one of them soon notices when it is over. */
const SPACING_MS = 1_500;
/** So that each request counts for less than one a second. */
const SPACING_PER_REQUEST_MS = 1_100;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Who was on the way when the trouble ended comes back soon. */
const AGAIN_MS = 100;

/**
 * Remembers how reads have ended where it belongs: at the server if that is down, else at the login or at the path.
 * Tells who may try again when something works that did not.
 */
export class Outcomes {
  readonly #clock: SourceClock;
  readonly #random: () => number;
  readonly #callbacks = new Set<OnRecovered>();

  constructor(clock: SourceClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  onRecovered(callback: OnRecovered): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** The path was read: whoever waited for it, for the login or for better times is told. */
  worked(reading: Reading): void {
    const { link } = reading;
    const wasLinkDown = link.breaker.succeed();
    const wasPathDown = reading.breaker.succeed();
    if (reading.seen && (wasLinkDown || wasPathDown)) reading.seen = outdated(reading.seen);
    const { troubled } = link.host;
    const wasTroubled = [troubled.delete(link), troubled.delete(reading)].includes(true);
    if (wasTroubled) this.#tryAgain(link.host);
    if (wasLinkDown) this.#announce(link.readings);
    else if (wasPathDown) this.#announce([reading]);
  }

  /** `revision`: of the credentials; new ones are worth a try at once. */
  async failed(reading: Reading, revision: string, attempt: Attempt, fault: Fault): Promise<ReadResult> {
    const { link } = reading;
    const { host } = link;
    // It began before the trouble was over.
    if (passes(fault) && attempt.startedAt < host.workedAt) return { kind: 'later', afterMs: AGAIN_MS };
    if (fault.scope === 'server' && (await host.server.circuit.fail(fault))) {
      return { kind: 'fault', fault, pauseMs: HELD_MS };
    }
    const scope = fault.scope === 'server' ? (fault.otherwise ?? 'connection') : fault.scope;
    const kept = { ...fault, scope };
    if (scope === 'read' && fault.status !== undefined) this.#letIn(reading);
    const one = scope === 'read' ? reading : link;
    const isPassing = passes(fault);
    if (isPassing) host.troubled.add(one);
    else if (host.troubled.delete(one) && fault.reason !== 'RateLimited') this.#tryAgain(host);
    const requests = attempt.requests + (fault.scope === 'server' ? 1 : 0);
    const pause = isPassing ? () => this.#turn(host, requests) : undefined;
    const options = { pause, ...(one === link && { revision }) };
    return {
      kind: 'fault',
      fault: kept,
      pauseMs: one.breaker.fail(kept, attempt, this.#clock.now(), options),
    };
  }

  /** A server that was down says that it is ready. */
  ready(host: Host): void {
    this.#release(host);
    for (const { readings } of host.links) this.#announce(readings);
  }

  /** How long the next try of one in trouble, which takes so many requests, has to wait: they take turns. */
  #turn(host: Host, requests: number): number {
    const now = this.#clock.now();
    const spacing = Math.max(SPACING_MS, requests * SPACING_PER_REQUEST_MS) * (1 + 0.1 * this.#random());
    host.lastTry = Math.min(Math.max(host.lastTry, now) + spacing, now + LONGEST_PAUSE_MS);
    return host.lastTry - now;
  }

  /** Vault itself has answered to a read, whatever it said: the login is fine. */
  #letIn({ link }: Reading): void {
    if (!link.breaker.succeed()) return;
    if (link.host.troubled.delete(link)) this.#tryAgain(link.host);
    this.#announce(link.readings);
  }

  /** One of those whose trouble passes by itself is out of it: perhaps the others are, too. */
  #tryAgain(host: Host): void {
    for (const one of this.#release(host)) this.#announce('readings' in one ? one.readings : [one]);
  }

  /** Whoever fails again is in trouble again. */
  #release(host: Host): readonly (Link | Reading)[] {
    const all = [...host.troubled];
    host.troubled.clear();
    host.workedAt = this.#clock.now();
    host.lastTry = -Infinity;
    for (const one of all) {
      one.breaker.release(host.workedAt);
      // It may hang as it did before.
      if ('flight' in one) one.flight?.giveUp();
    }
    return all;
  }

  #announce(readings: Iterable<Reading>): void {
    for (const { names } of readings) {
      for (const [name, place] of names) for (const callback of this.#callbacks) callback(name, place);
    }
  }
}

/** Nobody has to do anything about it but wait; what people have to mend is looked at less and less often. */
function passes({ reason, status = 0 }: Fault): boolean {
  return reason === 'Unreachable' || status >= 500;
}
