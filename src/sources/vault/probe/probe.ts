import type { LookupAddress } from 'node:dns';
import { Asking } from '../asking.ts';
import { Connection } from '../connection.ts';
import { literalAddress } from '../address.ts';
import { explain } from '../errors.ts';
import { Lockouts } from '../lockout.ts';
import type { RequestToken } from '../login.ts';
import type { OnRequest, VaultLog } from '../requests.ts';
import { Server } from '../server.ts';
import type { VaultTarget } from '../target.ts';
import { askCapabilities, countKeys, isScarce, lookUp, read, seeMount, type Findings } from './answers.ts';
import { guard, guardedLookup, portOf, type Guard, type GuardOptions } from './guard.ts';
import { logIn, type OnLogin } from './logins.ts';
import { greet, reach, resolveName } from './network.ts';
import { Steps, type Step } from './steps.ts';

export interface ProbeDependencies extends GuardOptions {
  /** At least 0 and less than 1. */
  readonly random: () => number;
  readonly requestToken: RequestToken;
  readonly log?: VaultLog | undefined;
  readonly onRequest?: OnRequest | undefined;
  /** Told of each login before it is sent, and of what became of it. */
  readonly onLogin?: OnLogin | undefined;
}

export interface Probed extends Readonly<Findings> {
  readonly steps: readonly Step[];
  /** The login method that worked. */
  readonly authMethod?: string;
}

/** All steps together. A login that is waited for, and giving back the token, may take some seconds more. */
const PROBE_MS = 20_000;
const REQUEST_MS = 5_000;
const REVOKE_MS = 3_000;

/**
 * Tries the connection to a target, step by step, with connections and a login of its own that are closed and given
 * back in any case. Throws only the reason of the signal.
 */
export async function probe(
  target: VaultTarget,
  deps: ProbeDependencies,
  signal: AbortSignal,
): Promise<Probed> {
  const ending = new AbortController();
  const cancel = deps.clock.setTimeout(() => ending.abort(new Error('too slow')), PROBE_MS);
  const steps = new Steps({ signal, deadline: ending.signal, explain: (fault) => explain(target, fault) });
  const until = AbortSignal.any([signal, ending.signal]);
  try {
    const found = await take(target, deps, steps, until);
    return { ...found, steps: steps.all() };
  } finally {
    cancel();
  }
}

type Found = Omit<Probed, 'steps'>;

async function take(
  target: VaultTarget,
  deps: ProbeDependencies,
  steps: Steps,
  until: AbortSignal,
): Promise<Found> {
  const { clock } = deps;
  const allows = await guard(deps);
  let addresses: readonly LookupAddress[] = [];
  let at: LookupAddress | undefined;
  await steps.take('resolve name', async () => {
    const resolved = await resolveName(target, allows, deps);
    addresses = resolved.addresses;
    return resolved.result;
  });
  await steps.take('TCP', async () => {
    const reached = await reach(target.origin, addresses, clock, until);
    at = reached.at;
    return reached.result;
  });
  await steps.take('TLS', async () => {
    if (!at) throw new RangeError('no address');
    return greet(target, at, clock, until);
  });
  if (!at || steps.failed) return {};
  return withServer(target, deps, guardedLookup({ origin: target.origin, at }, allows, deps.lookup), allows, {
    steps,
    until,
  });
}

interface Taking {
  readonly steps: Steps;
  readonly until: AbortSignal;
}

async function withServer(
  target: VaultTarget,
  deps: ProbeDependencies,
  lookupOf: ReturnType<typeof guardedLookup>,
  allows: Guard,
  taking: Taking,
): Promise<Found> {
  const { clock, random, log, onRequest = () => {} } = deps;
  const requestToken = inTime(deps.requestToken);
  const all = { clock, random, log, requestToken, onRequest, fetchTimeoutMs: REQUEST_MS, lookupOf };
  const server = new Server({ ...target, redirects: redirectsOf(target, allows) }, all, () => {});
  // security: refused logins of an account are counted by the caller, and nothing is unwrapped.
  const connection = new Connection(target, server, all, { lockouts: new Lockouts(), unwrapped: new Map() });
  try {
    return await ask(target, connection, deps, taking);
  } finally {
    // Also if the client went away: a login has been waited for, so its token is known here.
    await connection.close(AbortSignal.timeout(REVOKE_MS));
    await server.close();
  }
}

/** Logins are waited for, so what comes before them must not take long either. */
function inTime(request: RequestToken): RequestToken {
  return async (wanted, signal) => {
    const late = AbortSignal.timeout(REQUEST_MS);
    try {
      return await request(wanted, AbortSignal.any([signal, late]));
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted) return { refused: 'it does not answer in time' };
      throw error;
    }
  };
}

/** A socket looks up names, not addresses. */
function redirectsOf({ redirects }: VaultTarget, allows: Guard): VaultTarget['redirects'] {
  return redirects.filter(({ origin, listed }) => {
    const literal = literalAddress(origin);
    return literal === undefined || allows(literal, portOf(origin), listed);
  });
}

async function ask(
  target: VaultTarget,
  connection: Connection,
  deps: ProbeDependencies,
  { steps, until }: Taking,
): Promise<Found> {
  const { clock, onLogin = () => {} } = deps;
  const now = () => clock.now();
  const found: Findings = {};
  let looking: Parameters<typeof lookUp>[0] | undefined;
  await steps.take('login', async () => {
    const { session, result } = await logIn({ connection, target, signal: until, now, onLogin });
    const attempt = { startedAt: now(), signal: until, requests: 0 };
    looking = { session, found, asking: new Asking(connection, target, attempt) };
    return result;
  });
  const session = looking?.session;
  if (!looking || !session) return found;
  const asked = looking;
  const scarce = isScarce(asked);
  await steps.take('lookup-self', async () => scarce ?? lookUp(asked));
  await steps.take('capabilities', async () => scarce ?? askCapabilities(asked));
  await steps.take('mount', async () => scarce ?? seeMount(asked));
  await steps.take('read', async () => read(asked));
  await steps.take('number of keys', () => countKeys(found));
  return { ...found, authMethod: session.method.kind };
}
