import type { Grant } from './token.ts';

/** From one login for newer policies to the next; twice as long each time that it gave the same ones. */
const PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 60 * 60_000;

/** When it is time again for a login for the sake of newer policies: rarely, since most denials are meant. */
export class FreshLogins {
  #counted: Promise<unknown> | undefined;
  #notBefore = -Infinity;
  #pauseMs = PAUSE_MS;

  isDue(now: number): boolean {
    return now >= this.#notBefore;
  }

  /** The login is over. Counts once, however many have waited for it; `fresh`: what it gave, if anything. */
  ended(login: Promise<unknown>, old: Grant, fresh: Grant | undefined, now: number): void {
    if (this.#counted === login) return;
    this.#counted = login;
    if (fresh) {
      const isSame = fresh.policies === old.policies;
      this.#pauseMs = isSame ? Math.min(2 * this.#pauseMs, MAX_PAUSE_MS) : PAUSE_MS;
    }
    this.#notBefore = now + this.#pauseMs;
  }
}
