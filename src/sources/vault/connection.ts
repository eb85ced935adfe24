import type { SourceClock } from '../clock.ts';
import type { Lookup } from './address.ts';
import { createClient, type VaultClient } from './client.ts';
import type { LoginMethod } from './credentials.ts';
import { VaultError, type Fault } from './errors.ts';
import type { Answer } from './faults.ts';
import type { Hidden } from './hidden.ts';
import { at } from '../../json/json.ts';
import { isPolicyDenial, life, logIn, LOOKUP_SELF, lookupFault, TOKEN_REFUSED, type Grant } from './login.ts';
import { counted, untilAborted, type Attempt, type OnRequest, type Operation } from './requests.ts';
import type { VaultTarget } from './target.ts';
import { createTransport, type Transport } from './transport.ts';

export interface ConnectionDependencies {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** For one request. */
  readonly fetchTimeoutMs: number;
  readonly onRequest: OnRequest;
  readonly log?: VaultLog | undefined;
  /** For tests. */
  readonly lookup?: Lookup | undefined;
}

export interface VaultLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** A token in use. */
export interface Session {
  readonly method: LoginMethod;
  readonly client: VaultClient;
  readonly grant: Grant;
  readonly obtainedAt: number;
}

interface LiveSession extends Session {
  expiresAt: number;
  /** Until then lookup-self need not be asked again. */
  provenUntil: number;
}

/** Repeated bad logins lock accounts. */
export const REFUSED_PAUSE_MS = 15 * 60_000;
/** How long a proof that a token lives although it is denied a path is believed. */
const PROOF_MS = 60_000;
const MIN_RENEWAL_MS = 5_000;
const MAX_RENEWAL_MS = 24 * 60 * 60_000;

/**
 * One server, one login: keeps the token that all reads share, renews it, replaces it when it is dead, and gives
 * it back at the end.
 */
export class Connection {
  readonly #target: VaultTarget;
  readonly #deps: ConnectionDependencies;
  readonly #transport: Transport;
  readonly #anonymous: VaultClient;
  readonly #background = new AbortController();
  readonly #refusals = new Map<LoginMethod['kind'], { revision: string; until: number; fault: Fault }>();
  #session: LiveSession | undefined;
  #login: Promise<Session> | undefined;
  #lookup: { readonly of: Session; readonly isDead: Promise<boolean> } | undefined;
  #cancelRenewal: (() => void) | undefined;

  /** Any target of this connection will do: it is used for what they have in common. */
  constructor(target: VaultTarget, deps: ConnectionDependencies) {
    const { origin, caBundle, listed } = target;
    const { clock, fetchTimeoutMs: timeoutMs, lookup } = deps;
    this.#target = target;
    this.#deps = deps;
    this.#transport = createTransport({
      clock,
      origin,
      caBundle,
      listed,
      timeoutMs,
      ...(lookup && { lookup }),
    });
    this.#anonymous = this.#client();
  }

  /** The token in use, or a new one; whoever asks while a login is on its way waits for that one. */
  async session(methods: readonly LoginMethod[], attempt: Attempt): Promise<Session> {
    if (this.#session && this.#isAlive(this.#session)) return this.#session;
    this.#login ??= this.#logIn(methods, attempt).finally(() => (this.#login = undefined));
    return untilAborted(this.#login, attempt.signal);
  }

  /** After a 403: true if the token is dead, so that a new login can help; false if the policies deny. */
  async isDead(session: Session, attempt: Attempt): Promise<boolean> {
    const current = this.#session;
    if (current !== session) return true;
    if (session.obtainedAt >= attempt.startedAt) {
      // Made just now: it cannot be dead, unless it came from a Secret and never worked.
      if (session.grant.verified) current.provenUntil = this.#deps.clock.now() + PROOF_MS;
      else this.#discard(session);
      return !session.grant.verified;
    }
    if (this.#deps.clock.now() < current.provenUntil) return false;
    if (this.#lookup?.of !== session) {
      const isDead = this.#lookUp(session, attempt).finally(() => (this.#lookup = undefined));
      this.#lookup = { of: session, isDead };
    }
    return untilAborted(this.#lookup.isDead, attempt.signal);
  }

  /** Makes a request and counts it. */
  ask(
    operation: Operation,
    attempt: Pick<Attempt, 'requests'>,
    request: () => Promise<Answer>,
  ): Promise<Answer> {
    return counted(operation, attempt, this.#deps, request);
  }

  /** Gives back the token if a login made it. Call it when no read is on its way. */
  async close(signal: AbortSignal): Promise<void> {
    this.#cancelRenewal?.();
    const session = this.#session;
    this.#session = undefined;
    try {
      if (session?.grant.ours && this.#isAlive(session)) {
        await this.ask('revoke-self', { requests: 0 }, () =>
          session.client.write('auth/token/revoke-self', {}, signal),
        );
      }
    } catch {
      // The token expires by itself; the request was counted.
    } finally {
      this.#background.abort(new VaultError(CLOSED));
      await this.#transport.destroy();
    }
  }

  async #logIn(methods: readonly LoginMethod[], attempt: Attempt): Promise<Session> {
    const faults: Fault[] = [];
    for (const method of methods) {
      const fault = this.#refusal(method) ?? (await this.#tryMethod(method, attempt));
      if (!('reason' in fault)) return fault;
      faults.push(fault);
    }
    // One that is worth trying again decides when; a refused method stays left out meanwhile.
    const [first = CLOSED] = faults;
    throw new VaultError(faults.find(({ reason }) => reason !== 'CredentialsRefused') ?? first);
  }

  async #tryMethod(method: LoginMethod, attempt: Attempt): Promise<Session | Fault> {
    const { namespace, origin } = this.#target;
    const { clock, log } = this.#deps;
    const { signal } = this.#background;
    const obtainedAt = clock.now();
    try {
      const grant = await logIn(method, {
        namespace,
        signal,
        ask: (operation, token, request) =>
          this.ask(operation, attempt, () => request(token ? this.#client(token) : this.#anonymous)),
      });
      if (grant.verified) log?.info({ host: origin, method: method.kind }, 'logged in to Vault');
      return this.#adopt({ method, grant, obtainedAt, client: this.#client(grant.token) });
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const { fault } = error;
      if (fault.reason !== 'CredentialsRefused' && fault.reason !== 'LoginFailed') throw error;
      if (fault.reason === 'CredentialsRefused') return this.#refuse(method, fault);
      return fault;
    }
  }

  #adopt(session: Session): Session {
    // Closed while the login was on its way: nobody would give the token back.
    this.#background.signal.throwIfAborted();
    const expiresAt = this.#deps.clock.now() + session.grant.lifeMs;
    this.#session = { ...session, expiresAt, provenUntil: 0 };
    this.#scheduleRenewal(session.grant);
    return this.#session;
  }

  /** A token that is about to expire is not worth sending. */
  #isAlive({ expiresAt, grant }: LiveSession): boolean {
    return this.#deps.clock.now() + Math.min(2_000, grant.lifeMs / 10) < expiresAt;
  }

  #refusal({ kind, revision }: LoginMethod): Fault | undefined {
    const refusal = this.#refusals.get(kind);
    if (refusal?.revision !== revision) return undefined;
    const retryAfterMs = refusal.until - this.#deps.clock.now();
    return retryAfterMs > 0 ? { ...refusal.fault, retryAfterMs } : undefined;
  }

  #refuse({ kind, revision }: LoginMethod, fault: Fault): Fault {
    const until = this.#deps.clock.now() + REFUSED_PAUSE_MS;
    this.#refusals.set(kind, { revision, until, fault });
    this.#deps.log?.warn({ host: this.#target.origin, method: kind }, 'Vault refused the login');
    return { ...fault, retryAfterMs: REFUSED_PAUSE_MS };
  }

  async #lookUp(session: Session, attempt: Attempt): Promise<boolean> {
    const answer = await this.ask('lookup-self', attempt, () =>
      session.client.read(LOOKUP_SELF, this.#background.signal),
    );
    const fault = lookupFault(answer, this.#target.namespace);
    if (fault) throw new VaultError(fault);
    const isDead = answer.status === 403 && !isPolicyDenial(answer);
    if (isDead) this.#discard(session);
    else if (this.#session === session) this.#session.provenUntil = this.#deps.clock.now() + PROOF_MS;
    return isDead;
  }

  #discard(session: Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#cancelRenewal?.();
    if (session.method.kind === 'token') this.#refuse(session.method, TOKEN_REFUSED);
  }

  /** At two thirds of its life, a little earlier by chance, so that not all tokens come at once. */
  #scheduleRenewal({ renewable, lifeMs }: Pick<Grant, 'renewable' | 'lifeMs'>): void {
    this.#cancelRenewal?.();
    const { clock, random } = this.#deps;
    const delay = lifeMs * (2 / 3) * (0.85 + 0.15 * random());
    if (!renewable || lifeMs === Infinity || delay < MIN_RENEWAL_MS) return;
    this.#cancelRenewal = clock.setTimeout(() => void this.#renew(), Math.min(delay, MAX_RENEWAL_MS));
  }

  /** Never throws: without a renewal the token lives on until it expires, and then a read logs in again. */
  async #renew(): Promise<void> {
    const { clock, log } = this.#deps;
    const session = this.#session;
    if (!session) return;
    let answer: Answer | undefined;
    try {
      answer = await this.ask('renew-self', { requests: 0 }, () =>
        session.client.write('auth/token/renew-self', {}, this.#background.signal),
      );
    } catch {
      // No answer: tried again below.
    }
    if (session !== this.#session) return;
    if (answer?.status === 200) {
      const renewed = life(at(answer.body, 'auth'), 'lease_duration');
      // Renewed for no time at all means that it ends when it was to end before.
      if (renewed.lifeMs !== Infinity) session.expiresAt = clock.now() + renewed.lifeMs;
      return this.#scheduleRenewal(renewed);
    }
    log?.warn({ host: this.#target.origin, status: answer?.status }, 'the token could not be renewed');
    const isFinal = answer !== undefined && answer.status < 500 && answer.status !== 429;
    if (!isFinal) this.#scheduleRenewal({ renewable: true, lifeMs: session.expiresAt - clock.now() });
  }

  #client(token?: Hidden): VaultClient {
    const { origin, namespace } = this.#target;
    return createClient({ transport: this.#transport, origin, namespace, ...(token && { token }) });
  }
}

const CLOSED: Fault = {
  reason: 'Unreachable',
  scope: 'connection',
  what: 'the connection was closed because the integration changed or Fairlead stops',
};
