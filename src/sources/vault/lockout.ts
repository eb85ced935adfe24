import type { Fault } from './errors.ts';

/** Vault locks an account after five bad logins; other clients may use up some of them. */
const MAX_REFUSED = 3;
export const LOCKOUT_MS = 15 * 60_000;

/**
 * Counts refused logins by account over all integrations, so that several wrong credentials for one account, each
 * tried once, do not lock out its other users.
 */
export class Lockouts {
  readonly #refused = new Map<string, readonly number[]>();

  /** Milliseconds until another login may be tried; 0 if it may be now. */
  barredFor(account: string, now: number): number {
    const recent = this.#recent(account, now);
    const [oldest] = recent.slice(-MAX_REFUSED);
    return oldest === undefined || recent.length < MAX_REFUSED ? 0 : oldest + LOCKOUT_MS - now;
  }

  refused(account: string, now: number): void {
    this.#refused.set(account, [...this.#recent(account, now), now].slice(-MAX_REFUSED));
  }

  /** A good login: Vault starts to count anew. */
  succeeded(account: string): void {
    this.#refused.delete(account);
  }

  #recent(account: string, now: number): readonly number[] {
    const recent = (this.#refused.get(account) ?? []).filter((at) => now < at + LOCKOUT_MS);
    if (recent.length === 0) this.#refused.delete(account);
    return recent;
  }
}

/** Other integrations have tried other credentials for the same account. */
export const BARRED: Fault = {
  reason: 'CredentialsRefused',
  scope: 'connection',
  what: 'several logins of this account were refused, so Fairlead does not try again for a quarter of an hour, lest Vault lock it: check the credentials of all integrations that use it',
};
