import type { VaultClient } from './client.ts';
import { CLOSED, VaultError, type Fault } from './errors.ts';
import type { Answer } from './faults.ts';
import { FreshLogins } from './fresh-logins.ts';
import { fingerprint, type Hidden } from './hidden.ts';
import { BARRED, LOCKOUT_MS, type Lockouts } from './lockout.ts';
import { logIn, repeatsCredential, type RequestToken, type Unwrapped } from './login.ts';
import { account, type LoginMethod } from './methods.ts';
import { counted, untilAborted, type Attempt, type Operation, type VaultLog } from './requests.ts';
import type { Server, ServerDependencies } from './server.ts';
import type { VaultTarget } from './target.ts';
import { TokenLife } from './token-life.ts';
import { isPolicyDenial, LOOKUP_SELF, lookupFault, TOKEN_REFUSED, type Grant } from './token.ts';

export interface ConnectionDependencies extends ServerDependencies {
  readonly requestToken: RequestToken;
  readonly log?: VaultLog | undefined;
}

/** What all connections share. */
export interface LoginMemory {
  readonly lockouts: Lockouts;
  readonly unwrapped: Unwrapped;
}

/** What all targets of a connection have in common. */
export type ConnectionTarget = Pick<VaultTarget, 'origin' | 'loginNamespace' | 'bundle'>;

/** A token in use. */
export interface Session {
  readonly method: LoginMethod;
  readonly grant: Grant;
  readonly obtainedAt: number;
  /** Methods that come before the one that worked, and why they did not: `jwt: ...`. */
  readonly passed: readonly string[];
  /** Requests with its token in this HashiCorp namespace. */
  readonly client: (namespace: string | undefined) => VaultClient;
}

interface LiveSession extends Session {
  readonly life: TokenLife;
  /** Until then lookup-self need not be asked again. */
  provenUntil: number;
  /** Reads that the token is still good for. */
  usesLeft: number;
}

/** Repeated bad logins lock accounts. */
export const REFUSED_PAUSE_MS = LOCKOUT_MS;
/** How long a proof that a token lives although it is denied a path is believed. */
const PROOF_MS = 60_000;
/** One login at one server: keeps the token that all reads share, and replaces it when it is dead or outdated. */
export class Connection {
  readonly #target: ConnectionTarget;
  readonly #server: Server;
  readonly #deps: ConnectionDependencies;
  readonly #memory: LoginMemory;
  readonly #background = new AbortController();
  readonly #refusals = new Map<LoginMethod['kind'], { revision: string; until: number; fault: Fault }>();
  /** Tokens that were replaced and may still be in use. */
  readonly #retired = new Map<TokenLife, () => void>();
  #session: LiveSession | undefined;
  #login: Promise<Session> | undefined;
  #lookup: { readonly of: Session; readonly isDead: Promise<boolean> } | undefined;
  readonly #freshLogins = new FreshLogins();

  /** Any target of this connection will do: it is used for what they have in common. */
  constructor(target: ConnectionTarget, server: Server, deps: ConnectionDependencies, memory: LoginMemory) {
    this.#target = target;
    this.#server = server;
    this.#deps = deps;
    this.#memory = memory;
  }

  /** The token in use, or a new one; whoever asks while a login is on its way waits for that one. */
  async session(methods: readonly LoginMethod[], attempt: Attempt): Promise<Session> {
    for (;;) {
      const session = this.#session;
      if (session?.life.isAlive() && session.usesLeft > 0) {
        session.usesLeft -= 1;
        return session;
      }
      await untilAborted(this.#startLogin(methods, attempt), attempt.signal);
    }
  }

  /** After a 403: true if the token is dead, so that a new login can help; false if the policies deny. */
  async isDead(session: Session, attempt: Attempt): Promise<boolean> {
    const current = this.#session;
    if (current !== session) return true;
    if (session.obtainedAt >= attempt.startedAt && session.grant.uses === Infinity) {
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

  /**
   * After a denial by a token that lives: a newer one if there is one, or if it is time for a login, since a role
   * may have got policies that its older tokens do not have. Undefined if there is none; then the denial stands.
   */
  async fresher(
    session: Session,
    methods: readonly LoginMethod[],
    attempt: Attempt,
  ): Promise<Session | undefined> {
    const current = this.#session;
    if (current !== session) return current?.life.isAlive() ? current : undefined;
    const { clock } = this.#deps;
    if (!session.grant.ours || session.obtainedAt >= attempt.startedAt) return undefined;
    if (!this.#login && !this.#freshLogins.isDue(clock.now())) return undefined;
    const login = this.#startLogin(methods, attempt);
    const fresh = await untilAborted(login, attempt.signal).catch((error: unknown) => {
      if (error instanceof VaultError) return undefined;
      throw error;
    });
    this.#freshLogins.ended(login, session.grant, fresh?.grant, clock.now());
    return fresh;
  }

  /** Requests with another token than the one that is shared. */
  clientOf(token: Hidden, namespace: string | undefined): VaultClient {
    return this.#server.client(namespace, token);
  }

  /** Makes a request and counts it. */
  ask(
    operation: Operation,
    attempt: Pick<Attempt, 'requests'>,
    request: () => Promise<Answer>,
  ): Promise<Answer> {
    return counted(operation, attempt, this.#deps, request);
  }

  /** Gives back the tokens that logins made. Call it when no read is on its way. */
  async close(signal: AbortSignal): Promise<void> {
    const current = this.#session?.life;
    this.#session = undefined;
    for (const cancel of this.#retired.values()) cancel();
    const lives = [...this.#retired.keys(), ...(current ? [current] : [])];
    this.#retired.clear();
    // First, lest a login that is on its way give a token that nobody would give back.
    this.#background.abort(new VaultError(CLOSED));
    await Promise.all(lives.map((life) => life.revoke(signal)));
  }

  #startLogin(methods: readonly LoginMethod[], attempt: Attempt): Promise<Session> {
    this.#login ??= this.#logIn(methods, attempt).finally(() => (this.#login = undefined));
    return this.#login;
  }

  async #logIn(methods: readonly LoginMethod[], attempt: Attempt): Promise<Session> {
    const faults: Fault[] = [];
    const passed: string[] = [];
    for (const method of methods) {
      const outcome = this.#refusal(method) ?? (await this.#tryMethod(method, attempt));
      if (!('reason' in outcome)) return this.#adopt(method, outcome.grant, outcome.obtainedAt, passed);
      faults.push(outcome);
      passed.push(`${method.kind}: ${outcome.what}`);
    }
    // One that is worth trying again decides when; a refused method stays left out meanwhile.
    const [first = CLOSED] = faults;
    const telling = faults.find(({ reason }) => reason !== 'CredentialsRefused') ?? first;
    const what = faults.length > 1 ? `no login method works: ${passed.join('; ')}` : telling.what;
    throw new VaultError({ ...telling, what });
  }

  async #tryMethod(
    method: LoginMethod,
    attempt: Attempt,
  ): Promise<{ readonly grant: Grant; readonly obtainedAt: number } | Fault> {
    const { origin, loginNamespace: namespace } = this.#target;
    const { clock, log, requestToken } = this.#deps;
    const { signal } = this.#background;
    const obtainedAt = clock.now();
    let hasAsked = false;
    try {
      const grant = await logIn(method, {
        origin,
        namespace,
        signal,
        requestToken,
        unwrapped: this.#memory.unwrapped,
        ask: (operation, token, request) => {
          hasAsked ||= operation === 'login';
          return this.ask(operation, attempt, () => request(this.#server.client(namespace, token)));
        },
      });
      const locked = this.#account(method);
      if (locked) this.#memory.lockouts.succeeded(locked, method.revision);
      if (grant.verified) log?.info({ host: origin, method: method.kind }, 'logged in to Vault');
      return { grant, obtainedAt };
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const { fault } = error;
      if (fault.reason === 'CredentialsRefused') return this.#refuse(method, fault, hasAsked);
      // Nothing that another method could do better.
      if (fault.scope === 'server' || fault.reason === 'RateLimited') throw error;
      // Also an answer that broke off: without a login no path can be read.
      return { ...fault, scope: 'connection' };
    }
  }

  #adopt(method: LoginMethod, grant: Grant, obtainedAt: number, passed: readonly string[]): Session {
    const { loginNamespace, origin } = this.#target;
    const { clock, random, onRequest, log, fetchTimeoutMs } = this.#deps;
    const { signal } = this.#background;
    // Closed while the login was on its way: nobody would give the token back.
    signal.throwIfAborted();
    const client = (namespace: string | undefined) => this.#server.client(namespace, grant.token);
    const life = new TokenLife(client(loginNamespace), grant, {
      clock,
      random,
      onRequest,
      signal,
      onFailure: (status) => log?.warn({ host: origin, status }, 'the token could not be renewed'),
    });
    if (this.#session) this.#retire(this.#session.life, 2 * fetchTimeoutMs);
    this.#session = { method, grant, obtainedAt, passed, client, life, provenUntil: 0, usesLeft: grant.uses };
    return this.#session;
  }

  /** Reads that are on their way may use it still. */
  #retire(life: TokenLife, afterMs: number): void {
    const cancel = this.#deps.clock.setTimeout(() => {
      this.#retired.delete(life);
      void life.revoke(this.#background.signal);
    }, afterMs);
    this.#retired.set(life, cancel);
  }

  #refusal(method: LoginMethod): Fault | undefined {
    const { kind, revision } = method;
    const now = this.#deps.clock.now();
    const locked = this.#account(method);
    const barredMs = locked ? this.#memory.lockouts.barredFor(locked, revision, now) : 0;
    const refusal = this.#refusals.get(kind);
    const refusedMs = refusal?.revision === revision ? refusal.until - now : 0;
    if (refusal && refusedMs > 0) return { ...refusal.fault, retryAfterMs: Math.max(refusedMs, barredMs) };
    return barredMs > 0 ? { ...BARRED, retryAfterMs: barredMs } : undefined;
  }

  /** `isLogin`: it is one that Vault may count, and not the wrapping of a secret id that was refused. */
  #refuse(method: LoginMethod, fault: Fault, isLogin: boolean): Fault {
    const { kind, revision } = method;
    this.#deps.log?.warn({ host: this.#target.origin, method: kind }, 'Vault refused the login');
    if (!repeatsCredential(method)) return fault;
    const now = this.#deps.clock.now();
    const locked = this.#account(method);
    if (locked && isLogin) this.#memory.lockouts.refused(locked, now);
    this.#refusals.set(kind, { revision, until: now + REFUSED_PAUSE_MS, fault });
    return { ...fault, retryAfterMs: REFUSED_PAUSE_MS };
  }

  #account(method: LoginMethod): string | undefined {
    const found = account(method);
    const { origin, loginNamespace, bundle } = this.#target;
    return found && fingerprint([origin, loginNamespace, bundle, found]);
  }

  async #lookUp(session: Session, attempt: Attempt): Promise<boolean> {
    const { loginNamespace } = this.#target;
    const answer = await this.ask('lookup-self', attempt, () =>
      session.client(loginNamespace).read(LOOKUP_SELF, this.#background.signal),
    );
    const fault = lookupFault(answer, loginNamespace);
    if (fault) throw new VaultError(fault);
    const isDead = answer.status === 403 && !isPolicyDenial(answer);
    if (isDead) this.#discard(session);
    else if (this.#session === session) this.#session.provenUntil = this.#deps.clock.now() + PROOF_MS;
    return isDead;
  }

  #discard(session: Session): void {
    if (this.#session !== session) return;
    this.#session.life.leave();
    this.#session = undefined;
    if (session.method.kind === 'token') this.#refuse(session.method, TOKEN_REFUSED, false);
  }
}
