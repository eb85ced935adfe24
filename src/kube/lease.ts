import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { codeOf, KubeError } from './errors.ts';
import { LeaseLock } from './lease-lock.ts';

export interface LeaderOptions {
  /** Not a fenced one: the lease is renewed also when it is not certain that it is ours. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this replica; unique, also from one start to the next. */
  readonly identity: string;
  /** How long the others wait for a leader that is silent. */
  readonly leaseDurationMs?: number;
  /** How long a leader that cannot renew goes on; well below the lease's duration. */
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /**
   * The work of a leader. The signal is aborted when the process is stopped and when the lease is lost.
   * `stillLeader()` is to be asked before each write: it knows at once when this process was paused.
   */
  readonly onStarted: (signal: AbortSignal, stillLeader: () => boolean) => Promise<void>;
  /** For logs and metrics. `holder` is empty while nobody is known to lead. */
  readonly onLeader?: (leader: { readonly holder: string; readonly self: boolean }) => void;
  readonly onError?: (code: string) => void;
}

const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2_000;
/** Replicas must not ask in step. */
const JITTER = 0.2;

/**
 * Waits until this replica leads, then runs `onStarted`. When `signal` is aborted, it keeps the lease until the
 * work has ended, gives it up and resolves. Rejects with KubeError LeaseLost, without waiting for the work, when
 * the lease is lost: the process must end then. What `onStarted` rejects with is passed on.
 */
export async function runAsLeader(options: LeaderOptions, signal: AbortSignal): Promise<void> {
  const election = new Election(options);
  while (!(await election.attempt(signal))) {
    if (signal.aborted) return;
    await election.pause(signal);
  }
  if (signal.aborted) return election.release();

  const work = new AbortController();
  const onStop = (): void => work.abort(signal.reason);
  signal.addEventListener('abort', onStop, { once: true });
  const renewing = new AbortController();
  const lost = election.renewUntilLost(renewing.signal);
  const started = async () => options.onStarted(work.signal, () => election.stillLeader());
  const ended = started().then(
    () => ({ kind: 'ended' }) as const,
    (error: unknown) => ({ kind: 'failed', error }) as const,
  );
  const first = await Promise.race([ended, lost]);
  signal.removeEventListener('abort', onStop);
  if (first.kind === 'lost') {
    const error = new KubeError({ code: 'LeaseLost', message: `the lease ${options.name} is lost` });
    work.abort(error);
    throw error;
  }
  // Not while a renewal is under way: it could come after the release.
  renewing.abort();
  await lost;
  await election.release();
  if (first.kind === 'failed') throw first.error;
}

/** What this replica knows of its leadership. */
class Election {
  readonly #options: LeaderOptions;
  readonly #lock: LeaseLock;
  readonly #renewDeadlineMs: number;
  /** When the last request that took or renewed the lease was sent; nobody can have seen it before. */
  #renewed: { readonly now: number; readonly wall: number } | undefined;
  #holder: string | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? RENEW_DEADLINE_MS;
    this.#lock = new LeaseLock({
      ...options,
      leaseDurationMs: options.leaseDurationMs ?? LEASE_DURATION_MS,
      // So that one dead connection leaves time for a second try.
      timeoutMs: this.#renewDeadlineMs / 2,
    });
  }

  /**
   * False as soon as the last renewal is too long ago, by either clock: the monotonic one goes on while the
   * process is stopped, the wall clock also while the whole machine is.
   */
  stillLeader(): boolean {
    return this.#leftMs() > 0;
  }

  /** Tries to take or renew the lease; false if somebody else has it, or if the API server does not answer. */
  async attempt(signal: AbortSignal): Promise<boolean> {
    const result = await this.#tryHold(signal);
    return result === 'held';
  }

  async pause(signal: AbortSignal, atMostMs = Infinity): Promise<void> {
    const { clock, random = Math.random, retryPeriodMs = RETRY_PERIOD_MS } = this.#options;
    const ms = Math.min(retryPeriodMs * (1 + JITTER * random()), atMostMs);
    await clock.sleep(ms, signal).catch(() => undefined);
  }

  /** Renews until `signal` is aborted or the lease is somebody else's, or could be for all we know. */
  async renewUntilLost(signal: AbortSignal): Promise<{ readonly kind: 'lost' | 'stopped' }> {
    const { clock } = this.#options;
    for (;;) {
      await this.pause(signal, this.#leftMs());
      if (signal.aborted) return { kind: 'stopped' };
      // Also when a paused process wakes: it does not renew what others had every right to take.
      if (!this.#mayRenew()) break;
      const limit = new AbortController();
      const cancel = clock.setTimeout(() => limit.abort(), this.#monotonicLeftMs());
      const result = await this.#tryHold(limit.signal);
      cancel();
      if (result === 'taken' || !this.#mayRenew()) break;
    }
    this.#renewed = undefined;
    return { kind: 'lost' };
  }

  /** Gives the lease up; if that fails it just runs out. */
  async release(): Promise<void> {
    this.#renewed = undefined;
    try {
      await this.#lock.release();
    } catch (error) {
      this.#options.onError?.(codeOf(error));
    }
  }

  async #tryHold(signal: AbortSignal): Promise<'held' | 'taken' | 'unknown'> {
    const { clock, identity, onError } = this.#options;
    const sent = { now: clock.now(), wall: clock.wall().getTime() };
    try {
      const result = await this.#lock.tryHold(signal);
      if (result.held) this.#renewed = sent;
      this.#announce(result.held ? identity : result.holder);
      return result.held ? 'held' : 'taken';
    } catch (error) {
      if (!signal.aborted) onError?.(codeOf(error));
      return 'unknown';
    }
  }

  #announce(holder: string): void {
    if (holder === this.#holder) return;
    this.#holder = holder;
    this.#options.onLeader?.({ holder, self: holder === this.#options.identity });
  }

  #mayRenew(): boolean {
    return this.#monotonicLeftMs() > 0;
  }

  #monotonicLeftMs(): number {
    if (!this.#renewed) return 0;
    return this.#renewDeadlineMs - (this.#options.clock.now() - this.#renewed.now);
  }

  /** A jump of the wall clock alone costs no leadership, only a pause until the next renewal. */
  #leftMs(): number {
    if (!this.#renewed) return 0;
    const wallMs = this.#options.clock.wall().getTime() - this.#renewed.wall;
    return Math.min(this.#monotonicLeftMs(), this.#renewDeadlineMs - wallMs);
  }
}
