import type { VaultClient } from './client.ts';
import type { Connection, Session } from './connection.ts';
import { VaultError } from './errors.ts';
import { commonFault, type Answer } from './faults.ts';
import type { Attempt, Operation } from './requests.ts';
import { childOf, childToken, CREATE_TOKEN } from './scoped.ts';
import type { VaultTarget } from './target.ts';
import { REVOKE_SELF } from './token.ts';

/** The requests of one read, all counted for it. */
export class Asking {
  readonly connection: Connection;
  readonly target: VaultTarget;
  readonly attempt: Attempt;

  constructor(connection: Connection, target: VaultTarget, attempt: Attempt) {
    this.connection = connection;
    this.target = target;
    this.attempt = attempt;
  }

  /** Reads the target's path in this version; with a token for this one request if the integration says so. */
  async path(session: Session, version: number | undefined): Promise<Answer> {
    const { namespace, apiPath, scopedTokens } = this.target;
    const path = version === undefined ? apiPath : `${apiPath}?version=${version}`;
    if (!scopedTokens) return this.get('read', session.client(namespace), path);
    return this.#withChild(session, (client) => this.get('read', client, path));
  }

  async get(operation: Operation, client: VaultClient, path: string): Promise<Answer> {
    const { connection, attempt } = this;
    try {
      return await connection.ask(operation, attempt, () => client.read(path, attempt.signal));
    } catch (error) {
      throw error instanceof VaultError ? withoutRequest(error) : error;
    }
  }

  async #withChild(session: Session, read: (client: VaultClient) => Promise<Answer>): Promise<Answer> {
    const { connection, attempt, target } = this;
    const { loginNamespace, scopedTokens } = target;
    if (!scopedTokens) throw new RangeError('no scoped tokens');
    const body = childToken(scopedTokens);
    const created = await connection.ask('create-token', attempt, () =>
      session.client(loginNamespace).write(CREATE_TOKEN, body, attempt.signal),
    );
    if (isRefusal(created) && (await connection.isDead(session, attempt))) return created;
    if (isOutdated(created)) {
      const fresh = await connection.fresher(session, target.methods, attempt);
      if (fresh) return this.#withChild(fresh, read);
    }
    const child = childOf(created);
    let isUsedUp = false;
    try {
      const answer = await read(connection.clientOf(child, target.namespace));
      // What Vault refuses before it looks at the token, such as for a quota, is no use of it.
      isUsedUp = [200, 403, 404].includes(answer.status);
      return answer;
    } finally {
      // Perhaps the one use was not made: this makes it, whatever the answer is.
      if (!isUsedUp) await this.#useUp(connection.clientOf(child, loginNamespace));
    }
  }

  async #useUp(client: VaultClient): Promise<void> {
    const { connection, attempt } = this;
    await connection
      .ask('revoke-self', attempt, () => client.write(REVOKE_SELF, {}, AbortSignal.timeout(USE_UP_MS)))
      .catch(() => {});
  }
}

const USE_UP_MS = 2_000;

/** Others on the same connection get the same fault: they need not learn this path, and each names its own. */
function withoutRequest({ fault, cause }: VaultError): VaultError {
  return new VaultError({ ...fault, request: undefined, otherwise: 'read' }, cause as string | undefined);
}

/** No child with these policies, which a newer token of the login may have: 400, or it may make none at all. */
function isOutdated(answer: Answer): boolean {
  return isRefusal(answer) || (answer.status === 400 && commonFault(answer) === undefined);
}

/** A 403 of Vault itself, not of something in front of it. */
export function isRefusal(answer: Answer): boolean {
  return answer.status === 403 && commonFault(answer) === undefined;
}
