import { at } from '../../json/json.ts';
import type { SourceClock } from '../clock.ts';
import type { VaultClient } from './client.ts';
import type { Answer } from './faults.ts';
import { counted, type OnRequest, type Operation } from './requests.ts';
import { life, RENEW_SELF, REVOKE_SELF, type Grant } from './token.ts';

export interface TokenLifeOptions {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  readonly onRequest: OnRequest;
  /** Ends a renewal that is on its way. */
  readonly signal: AbortSignal;
  /** A renewal failed with this status, or without an answer. */
  readonly onFailure: (status: number | undefined) => void;
}

/** Sooner, a new login costs no more than a renewal. */
const MIN_RENEWAL_MS = 5_000;
const MAX_RENEWAL_MS = 24 * 60 * 60_000;

/** Renews one token at about two thirds of its life as long as Vault lets it, and gives it back at the end. */
export class TokenLife {
  readonly #client: VaultClient;
  readonly #grant: Grant;
  readonly #options: TokenLifeOptions;
  #expiresAt: number;
  #cancel = () => {};

  /** `client`: with the token, in the namespace that it was made in. */
  constructor(client: VaultClient, grant: Grant, options: TokenLifeOptions) {
    this.#client = client;
    this.#grant = grant;
    this.#options = options;
    this.#expiresAt = options.clock.now() + grant.lifeMs;
    this.#schedule(grant);
  }

  /** A token that is about to expire is not worth sending. */
  isAlive(): boolean {
    const { lifeMs } = this.#grant;
    return this.#options.clock.now() + Math.min(2_000, lifeMs / 10) < this.#expiresAt;
  }

  /** Lets it expire. */
  leave(): void {
    this.#cancel();
  }

  /** Gives the token back if a login made it. Throws nothing: at worst it expires by itself. */
  async revoke(signal: AbortSignal): Promise<void> {
    this.#cancel();
    if (!this.#grant.ours || !this.isAlive()) return;
    await this.#ask('revoke-self', () => this.#client.write(REVOKE_SELF, {}, signal));
  }

  /** A little earlier by chance, so that not all tokens come at once. */
  #schedule({ renewable, lifeMs }: Pick<Grant, 'renewable' | 'lifeMs'>): void {
    const { clock, random } = this.#options;
    const delay = lifeMs * (2 / 3) * (0.85 + 0.15 * random());
    if (!renewable || lifeMs === Infinity || delay < MIN_RENEWAL_MS) return;
    this.#cancel = clock.setTimeout(() => void this.#renew(), Math.min(delay, MAX_RENEWAL_MS));
  }

  /** Without a renewal the token lives on until it expires, and then a read logs in again. */
  async #renew(): Promise<void> {
    const { clock, signal, onFailure } = this.#options;
    const answer = await this.#ask('renew-self', () => this.#client.write(RENEW_SELF, {}, signal));
    if (signal.aborted) return;
    if (answer?.status === 200) {
      const renewed = life(at(answer.body, 'auth'), 'lease_duration');
      // Renewed for no time at all means that it ends when it was to end before.
      if (renewed.lifeMs !== Infinity) this.#expiresAt = clock.now() + renewed.lifeMs;
      return this.#schedule(renewed);
    }
    onFailure(answer?.status);
    const isFinal = answer !== undefined && answer.status < 500 && answer.status !== 429;
    if (!isFinal) this.#schedule({ renewable: true, lifeMs: this.#expiresAt - clock.now() });
  }

  /** Undefined if there is no answer. The request was counted. */
  async #ask(operation: Operation, request: () => Promise<Answer>): Promise<Answer | undefined> {
    return counted(operation, { requests: 0 }, this.#options, request).catch(() => undefined);
  }
}
