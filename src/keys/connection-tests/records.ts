import type { StatusError, StatusReason } from '../../aggregation/errors.ts';
import type { Caller } from '../../aggregation/resource.ts';
import type { Outcome, AuditRecord } from '../../audit/record.ts';
import { normalizeOrigin } from '../../sources/vault/address.ts';
import { actorOf } from '../actor.ts';
import type { Status } from './answer.ts';
import type { Parsed } from './parse.ts';

/** What a test is about, for the audit: never a credential, nor the path where it may not be known. */
export interface Tested {
  readonly caller: Caller;
  readonly namespace: string;
  readonly test: Parsed | undefined;
  /** Origin and path. */
  readonly path?: string | undefined;
}

/** No name of an integration. */
const INLINE = '(inline)';

type Result = Pick<AuditRecord, 'outcome' | 'reason' | 'message'>;

export function testRecord({ caller, namespace, test, path }: Tested, result: Result): AuditRecord {
  return {
    actor: actorOf(caller),
    action: 'test-connection',
    namespace,
    ...(test && { source: { type: 'VAULT', id: test.kind === 'inline' ? INLINE : test.name } }),
    ...(path !== undefined && { path }),
    ...result,
  };
}

export const INTENDED: Result = { outcome: 'allowed', reason: 'Resolved' };
export const LEFT: Result = {
  outcome: 'failed',
  reason: 'Unreachable',
  message: 'the test was ended before it was over',
};

/** How a test went. */
export function resultOf({ ok, reason, message }: Pick<Status, 'ok' | 'reason' | 'message'>): Result {
  if (ok) return { outcome: 'allowed', reason };
  const outcome: Outcome = reason === 'NotSupportedHere' ? 'refused' : 'failed';
  return { outcome, reason, message };
}

const REFUSED: Partial<Record<StatusReason, string>> = {
  Forbidden: 'UseForbidden',
  TooManyRequests: 'QuotaExceeded',
  Invalid: 'NotSupportedHere',
};

/** A test that did not begin; undefined for what is no decision. */
export function refusalOf({ code, message }: StatusError): Result | undefined {
  const reason = REFUSED[code];
  return reason === undefined ? undefined : { outcome: 'refused', reason, message };
}

/** Where an inline test was to lead that is refused: the origin alone. */
export function originOf(test: Parsed | undefined): string | undefined {
  return test?.kind === 'inline' ? normalizeOrigin(test.integration.host) : undefined;
}
