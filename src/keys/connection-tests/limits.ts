import { StatusError } from '../../aggregation/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import { RecentMap, TokenBucket } from '../../kube/token-bucket.ts';
import { fingerprint } from '../../sources/vault/hidden.ts';
import type { LoginMethod } from '../../sources/vault/methods.ts';
import type { VaultTarget } from '../../sources/vault/target.ts';

const BURST = 10;
const REFILL_MS = 6_000;
const AT_ONCE = 4;
const BUSY_SECONDS = 5;
/**
 * security: Vault locks an account after five bad logins. Each replica of this role counts by itself, and the controller
 * and the listing of keys make one of their own.
 */
const MAX_REFUSED = 1;
/** security: each login may use up a credential of a limited number; for those who may not change the integration. */
const LOGINS = 3;
const LOGIN_MS = 60_000;
const WINDOW_MS = 15 * 60_000;
const MAX_USERS = 4_096;
const MAX_ACCOUNTS = 16_384;

/** Refused logins of an account, and those that are on their way. */
interface Account {
  refused: readonly number[];
  pending: number;
}

/** How much may be tested: by whom, for which account in Vault, and at once. */
export class TestLimits {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #users = new RecentMap<TokenBucket>(MAX_USERS);
  readonly #accounts = new RecentMap<Account>(MAX_ACCOUNTS);
  readonly #integrations = new RecentMap<TokenBucket>(MAX_ACCOUNTS);
  readonly #running = new Set<string>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Counts a request of this user. Throws StatusError TooManyRequests. */
  admit(user: string): void {
    const now = this.#clock.now();
    const bucket = this.#users.get(user) ?? new TokenBucket(BURST, REFILL_MS, now);
    this.#users.set(user, bucket);
    if (bucket.take(now)) return;
    throw tooMany(
      `too many connection tests of one user: ${BURST} at once, then one every ${REFILL_MS / 1000} s`,
      REFILL_MS,
    );
  }

  /** Counts a login with the credentials of this integration, whoever asks. Throws StatusError TooManyRequests. */
  admitLogin(integration: string): void {
    const now = this.#clock.now();
    const bucket = this.#integrations.get(integration) ?? new TokenBucket(LOGINS, LOGIN_MS, now);
    this.#integrations.set(integration, bucket);
    if (bucket.take(now)) return;
    throw tooMany(
      `this integration was tested ${LOGINS} times just now, and each test is a login: one more every ${LOGIN_MS / 1000} s`,
      LOGIN_MS,
    );
  }

  /**
   * A place for one test of this user; what is returned gives it back. Throws StatusError TooManyRequests: one user
   * cannot take all places.
   */
  enter(user: string): () => void {
    if (this.#running.has(user)) {
      throw tooMany('a connection test of this user is running already: wait for it', BUSY_SECONDS * 1000);
    }
    if (this.#running.size >= AT_ONCE) {
      throw tooMany(`${AT_ONCE} connection tests are running already: try again`, BUSY_SECONDS * 1000);
    }
    this.#running.add(user);
    let isIn = true;
    return () => {
      if (isIn) this.#running.delete(user);
      isIn = false;
    };
  }

  /**
   * Holds a bad login of each account in reserve. What is returned must be called with those that Vault may have
   * counted. Throws StatusError TooManyRequests if one of them has had too many.
   */
  reserve(accounts: readonly string[]): (refused: ReadonlySet<string>) => void {
    const now = this.#clock.now();
    for (const key of accounts) {
      const { refused, pending } = this.#account(key, now);
      if (refused.length + pending < MAX_REFUSED) continue;
      const until = (refused[0] ?? now) + WINDOW_MS;
      throw tooMany(
        `a login of this account was refused within the last ${WINDOW_MS / 60_000} minutes, and more of them could lock it in Vault: correct its credentials, and wait`,
        refused.length > 0 ? until - now : BUSY_SECONDS * 1000,
      );
    }
    for (const key of accounts) this.#account(key, now).pending += 1;
    return (refused) => {
      const at = this.#clock.now();
      for (const key of accounts) {
        const account = this.#account(key, at);
        account.pending = Math.max(account.pending - 1, 0);
        if (refused.has(key)) account.refused = [...account.refused, at];
      }
    };
  }

  #account(key: string, now: number): Account {
    const account = this.#accounts.get(key) ?? { refused: [], pending: 0 };
    account.refused = account.refused.filter((at) => now < at + WINDOW_MS);
    this.#accounts.set(key, account);
    return account;
  }
}

function tooMany(message: string, afterMs: number): StatusError {
  return new StatusError('TooManyRequests', message, {
    kind: 'connectiontests',
    retryAfterSeconds: Math.max(1, Math.ceil(afterMs / 1000)),
  });
}

/**
 * Whose login it is in Vault, whatever credentials are tried for it and whoever tries them; undefined for a token,
 * which is nobody's account. security: not by the host, of which one server can have many names.
 */
export function accountKey(
  { loginNamespace }: Pick<VaultTarget, 'loginNamespace'>,
  method: LoginMethod,
): string | undefined {
  const who = accountOf(method);
  return who && fingerprint([loginNamespace, method.kind, ...who]);
}

function accountOf(method: LoginMethod): readonly string[] | undefined {
  switch (method.kind) {
    case 'jwt':
    case 'kubernetes':
      return [method.mount, method.role];
    case 'appRole':
      return [method.mount, method.roleId];
    case 'userPass':
      return [method.mount, method.username.toLowerCase()];
    case 'token':
      return undefined;
  }
}
