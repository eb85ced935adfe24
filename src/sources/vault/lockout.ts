import type { Fault } from './errors.ts';

/** Vault locks an account after five bad logins. */
const MAX_REFUSED = 4;
export const LOCKOUT_MS = 15 * 60_000;

/** Other integrations have tried other credentials for the same account. */
export const BARRED: Fault = {
  reason: 'CredentialsRefused',
  scope: 'connection',
  what: 'several logins of this account were refused, so Fairlead tries no more for a quarter of an hour, lest Vault lock it: check the credentials of all integrations of this bundle that use it',
};

/**
 * Counts refused logins by account over all integrations of a bundle, so that several wrong credentials for one
 * account, each tried once, do not lock it. What has worked before is never held up by what others try.
 */
export class Lockouts {
  readonly #refused = new Map<string, readonly number[]>();
  readonly #worked = new Map<string, string>();

  /** Milliseconds until a login with this credential may be tried; 0 if it may be now. */
  barredFor(account: string, revision: string, now: number): number {
    if (this.#worked.get(account) === revision) return 0;
    const recent = this.#recent(account, now);
    const [oldest] = recent.slice(-MAX_REFUSED);
    return oldest === undefined || recent.length < MAX_REFUSED ? 0 : oldest + LOCKOUT_MS - now;
  }

  refused(account: string, now: number): void {
    this.#refused.set(account, [...this.#recent(account, now), now].slice(-MAX_REFUSED));
  }

  /** A good login: Vault starts to count anew. */
  succeeded(account: string, revision: string): void {
    this.#refused.delete(account);
    this.#worked.set(account, revision);
  }

  #recent(account: string, now: number): readonly number[] {
    const recent = (this.#refused.get(account) ?? []).filter((at) => now < at + LOCKOUT_MS);
    if (recent.length === 0) this.#refused.delete(account);
    return recent;
  }
}
