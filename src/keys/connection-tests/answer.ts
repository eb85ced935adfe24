import type { ConnectionTestStatus } from '../../api/connection-test.ts';
import type { Reason } from '../../api/reasons.ts';
import { bound } from '../../resolve/problem.ts';
import type { SourceFailure } from '../../sources/source.ts';
import type { Probed } from '../../sources/vault/probe/probe.ts';
import { failedBefore, type FailedStep, type Step } from '../../sources/vault/probe/steps.ts';
import type { VaultTarget } from '../../sources/vault/target.ts';

/** Who reads an answer, and of what. */
export interface Reader {
  /** Everything, or what src/controllers/ask.ts lets those know who use an integration. */
  readonly full: boolean;
  /** Of the integration; absent: it is inline. */
  readonly id?: string | undefined;
  readonly systemNamespace: string;
}

export type Status = Omit<ConnectionTestStatus, 'reason'> & { readonly reason: Reason };

export function probedStatus(target: VaultTarget, probed: Probed, reader: Reader): Status {
  const { keyCount, entries, authMethod } = probed;
  const steps = probed.steps.map((step) => shown(step, reader));
  const failed = probed.steps.find((step) => step.outcome === 'Failed');
  const hasRead = probed.steps.some(({ name, outcome }) => name === 'read' && outcome === 'Passed');
  const found = {
    ...(keyCount !== undefined && { keyCount }),
    ...(authMethod !== undefined && reader.full && { authMethod }),
    ...{ mount: probed.mount ?? target.mount, secretPath: probed.secretPath ?? target.secretPath },
  };
  if (failed) return { ...failure(failed, reader), steps, ...found };
  if (!hasRead) {
    const login = steps.find(({ name }) => name === 'login');
    return { ok: false, reason: 'NotSupportedHere', message: login?.message ?? '', steps, ...found };
  }
  const what = entries === undefined ? `${keyCount} keys` : `a folder with ${entries} entries`;
  return { ok: true, reason: 'Connected', message: bound(`${what} at ${target.location}`), steps, ...found };
}

/** Nothing was sent: the integration cannot be used as it is. */
export function refusedStatus(
  { reason, message }: SourceFailure,
  step: Step['name'],
  reader: Reader,
): Status {
  const failed = { outcome: 'Failed', reason, message, isLogin: step === 'login' } as const;
  const steps = failedBefore(step, failed);
  return { ...failure({ ...failed, name: step }, reader), steps: steps.map((one) => shown(one, reader)) };
}

function failure(failed: FailedStep, reader: Reader): Pick<Status, 'ok' | 'reason' | 'message'> {
  const { name, message } = shown(failed, reader);
  return { ok: false, reason: failed.reason, message: bound(`${name}: ${message}`) };
}

/** A step in words for this reader. */
function shown(step: Step, reader: Reader): Status['steps'][number] {
  const { name, outcome } = step;
  const message = reader.full ? (step.detail ?? step.message) : forUsers(step, reader);
  return { name, outcome, message: bound(reader.id === undefined ? forInline(message) : message) };
}

function forUsers(step: Step, { id, systemNamespace }: Reader): string {
  if (step.outcome !== 'Failed' || !step.isLogin) return step.message;
  return `VaultIntegration ${id} cannot log in to Vault; its status in namespace ${systemNamespace} says why`;
}

/** Words about an integration with references, for one that has its credentials in it. */
export function forInline(message: string): string {
  return message
    .replaceAll(/write a new ([\w ]+?) into the credentials Secret/g, 'use a new $1')
    .replaceAll('write a new one into the credentials Secret', 'use a new one')
    .replaceAll(' (caBundle, caSecretRef or caConfigMapRef)', '.caBundle')
    .replaceAll('clientCertSecretRef', 'clientCertificate')
    .replaceAll(/\bspec\.(host|path|namespace|auth|tls|scopedTokens)\b/g, 'spec.integration.$1');
}
