import { StatusError } from '../../aggregation/errors.ts';
import type { Caller } from '../../aggregation/resource.ts';
import { AuditError } from '../../audit/errors.ts';
import type { AuditLog } from '../../audit/log.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Lookup } from '../../sources/vault/address.ts';
import type { RequestToken } from '../../sources/vault/login.ts';
import type { LoginMethod } from '../../sources/vault/methods.ts';
import { isWrapped } from '../../sources/vault/probe/logins.ts';
import { probe, type Probed } from '../../sources/vault/probe/probe.ts';
import { allSkipped } from '../../sources/vault/probe/steps.ts';
import type { OnRequest, VaultLog } from '../../sources/vault/requests.ts';
import type { VaultTarget } from '../../sources/vault/target.ts';
import { probedStatus, refusedStatus, type Reader, type Status } from './answer.ts';
import { accountKey, type TestLimits } from './limits.ts';
import type { Parsed } from './parse.ts';
import { INTENDED, LEFT, resultOf, testRecord, type Tested } from './records.ts';
import type { RightsDependencies } from './rights.ts';
import type { SubjectDependencies, Unusable } from './subject.ts';

export interface RunDependencies extends RightsDependencies, SubjectDependencies {
  readonly clock: Clock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  readonly log?: VaultLog | undefined;
  readonly audit: Pick<AuditLog, 'intend' | 'conclude' | 'note'>;
  /** Tokens of ServiceAccounts, for the logins of integrations; never asked for an inline one. */
  readonly requestToken: RequestToken;
  /** Never connected to, even if they are listed: the API server, by every origin it is known by. */
  readonly forbiddenOrigins: readonly string[];
  readonly onRequest?: OnRequest | undefined;
  /** For tests. */
  readonly ownAddresses?: (() => readonly string[]) | undefined;
  /** For tests. */
  readonly lookup?: Lookup | undefined;
}

export interface Subject {
  readonly test: Parsed;
  readonly target: VaultTarget | Unusable;
  readonly reader: Reader;
  readonly caller: Caller;
  readonly namespace: string;
}

/** After the client went away, or a login hung. */
const CONCLUDE_MS = 5_000;

/** Everything was checked, nothing is done. */
export function dryRunStatus(): Status {
  const steps = allSkipped('dry run').map(({ name, outcome, message }) => ({ name, outcome, message }));
  return {
    ok: false,
    reason: 'Resolved',
    message: 'dry run: you may do this, and nothing was tested',
    steps,
  };
}

/**
 * Carries a test out. Throws StatusError TooManyRequests if there is no room for it, ServiceUnavailable if it cannot
 * be audited, and the reason of the signal, in each case with nothing left behind.
 */
export async function runTest(
  subject: Subject,
  limits: TestLimits,
  deps: RunDependencies,
  signal: AbortSignal,
): Promise<Status> {
  const { test, target, reader, caller, namespace } = subject;
  const { audit } = deps;
  if (target.kind === 'unusable') {
    const { failure, step } = target;
    const result = resultOf(refusedStatus(failure, step, { ...reader, full: true }));
    await audit.note(testRecord({ caller, namespace, test, path: failure.location }, result), signal);
    return refusedStatus(failure, step, reader);
  }
  const tested: Tested = { caller, namespace, test, path: target.location };
  const leave = limits.enter(caller.user);
  try {
    if (test.kind === 'reference' && !reader.full) limits.admitLogin(test.name);
    const probed = await counted(target, limits, async (onLogin) => {
      await intend(tested, deps, signal);
      return probing(tested, deps, async () => probe(target, { ...deps, ...onLogin }, signal));
    });
    const everything = probedStatus(target, probed, { ...reader, full: true });
    await audit.conclude(testRecord(tested, resultOf(everything)), AbortSignal.timeout(CONCLUDE_MS));
    return reader.full ? everything : probedStatus(target, probed, reader);
  } finally {
    leave();
  }
}

type Counting = Pick<Parameters<typeof probe>[1], 'onLogin'>;

/** Counts the logins that Vault may have counted as bad ones. */
async function counted(
  target: VaultTarget,
  limits: TestLimits,
  work: (onLogin: Counting) => Promise<Probed>,
): Promise<Probed> {
  const keyOf = (method: LoginMethod) => accountKey(target, method);
  const tried = target.methods.filter((method) => !isWrapped(method));
  const settle = limits.reserve(tried.flatMap((method) => keyOf(method) ?? []));
  const refused = new Set<string>();
  const onLogin: NonNullable<Counting['onLogin']> = (method, outcome) => {
    const key = keyOf(method);
    if (key === undefined) return;
    if (outcome === 'sent') refused.add(key);
    else refused.delete(key);
  };
  try {
    return await work({ onLogin });
  } finally {
    settle(refused);
  }
}

async function intend(tested: Tested, { audit }: RunDependencies, signal: AbortSignal): Promise<void> {
  try {
    await audit.intend([testRecord(tested, INTENDED)], signal);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    throw new StatusError('ServiceUnavailable', 'the audit cannot be written, so nothing is tested', {
      retryAfterSeconds: 5,
    });
  }
}

/** What was intended gets an end in the audit, whatever happens. */
async function probing(
  tested: Tested,
  { audit }: RunDependencies,
  work: () => Promise<Probed>,
): Promise<Probed> {
  try {
    return await work();
  } catch (error) {
    await audit.conclude(testRecord(tested, LEFT), AbortSignal.timeout(CONCLUDE_MS));
    throw error;
  }
}
