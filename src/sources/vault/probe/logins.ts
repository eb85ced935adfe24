import { Asking } from '../asking.ts';
import type { Connection, Session } from '../connection.ts';
import { explain, LOGIN_REASONS, VaultError, type Fault } from '../errors.ts';
import type { LoginMethod } from '../methods.ts';
import type { VaultTarget } from '../target.ts';
import { TOKEN_REFUSED } from '../token.ts';
import { failed, passed, skipped, StepEnd, type StepResult } from './steps.ts';

/** What became of one login: Vault may have counted it, or not. */
export type OnLogin = (method: LoginMethod, outcome: 'sent' | 'worked' | 'not counted') => void;

export interface LoggingIn {
  readonly connection: Connection;
  readonly target: VaultTarget;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onLogin: OnLogin;
}

const WRAPPED =
  'appRole: its secret id is wrapped, and unwrapping it for a test would take it from the controller; its status tells whether it works';

/**
 * Step "login": the methods in their order until one works. A login that is on its way is waited for even if nobody
 * wants the answer any more, since its token must be given back. Throws StepEnd if none works.
 */
export async function logIn(given: LoggingIn): Promise<{ session: Session; result: StepResult }> {
  const { target, signal, onLogin } = given;
  const passedBy = target.unusable.map((one) => `${one.method}: ${one.message}`);
  const methods = target.methods.filter((method) => !isWrapped(method));
  if (methods.length < target.methods.length) passedBy.push(WRAPPED);
  if (methods.length === 0) throw new StepEnd(onlyWrapped(passedBy));
  const faults: Fault[] = [];
  for (const method of methods) {
    signal.throwIfAborted();
    onLogin(method, 'sent');
    const outcome = await tryOne(given, method);
    if (!('reason' in outcome)) {
      onLogin(method, 'worked');
      const others = passedBy.length > 0 ? `, not with ${passedBy.join('; ')}` : '';
      const how = method.kind === 'token' ? 'the token is accepted' : `logged in with ${method.kind}`;
      return { session: outcome, result: passed('the login works', `${how}${others}`) };
    }
    if (!mayCount(outcome)) onLogin(method, 'not counted');
    passedBy.push(`${method.kind}: ${outcome.what}`);
    faults.push(outcome);
    // Nothing that another method could do better.
    if (outcome.scope === 'server' || outcome.reason === 'RateLimited') break;
  }
  throw new StepEnd(noneWorks(target, faults, passedBy));
}

export function isWrapped(method: LoginMethod): boolean {
  return method.kind === 'appRole' && method.wrapped;
}

/** Not with the signal of the client: what Vault gives out comes back here. The transport has a time limit. */
const PATIENT = new AbortController().signal;

async function tryOne({ connection, target, now }: LoggingIn, method: LoginMethod): Promise<Session | Fault> {
  const attempt = { startedAt: now(), signal: PATIENT, requests: 0 };
  try {
    const session = await connection.session([method], attempt);
    if (session.grant.verified) return session;
    // Vault would not say whether the token lives: it does if it reads.
    const { status } = await new Asking(connection, target, attempt).path(session, undefined);
    return status === 403 ? TOKEN_REFUSED : session;
  } catch (error) {
    if (error instanceof VaultError) return error.fault;
    throw error;
  }
}

/** A refusal of Vault's, or no answer, after which nobody knows. */
function mayCount({ status, reason }: Fault): boolean {
  if (status === undefined) return reason === 'Unreachable';
  return status >= 400 && status < 500 && status !== 429;
}

function noneWorks(target: VaultTarget, faults: readonly Fault[], passedBy: readonly string[]): StepResult {
  const [first] = faults;
  const telling = faults.find(({ reason }) => reason !== 'CredentialsRefused') ?? first;
  if (!telling) throw new RangeError('no login was tried');
  const what = passedBy.length > 1 ? `no login method works: ${passedBy.join('; ')}` : telling.what;
  const detail = explain({ ...target, unusable: [] }, { ...telling, what });
  const { reason } = telling;
  return LOGIN_REASONS.includes(reason)
    ? { outcome: 'Failed', reason, message: 'the login fails', detail, isLogin: true }
    : failed(reason, explain({ ...target, unusable: [] }, telling), detail);
}

function onlyWrapped(passedBy: readonly string[]): StepResult {
  return skipped('no login can be tried by a test', passedBy.join('; '));
}
