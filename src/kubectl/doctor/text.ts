import { fixOf } from '../../api/reasons.ts';
import { printable } from '../cli/io.ts';
import { facts, table } from '../cli/table.ts';
import type { SeenIntegration } from '../explain/known.ts';
import type { TestStatus } from './resource.ts';

/** A ConnectionTest's answer, step by step, and what to do. */
export function testText(name: string, status: TestStatus): string {
  const { ok = false, reason = '', message = '', steps = [] } = status;
  const rows = steps.map((step) => [step.name, step.outcome, step.message ?? '']);
  const numbers = status.keyCount === undefined ? '' : String(status.keyCount);
  return [
    table(['STEP', 'OUTCOME', 'MESSAGE'], rows),
    '\n',
    facts([
      ['Integration', name],
      ['Result', ok ? 'ok' : `not ok (${reason || 'no reason given'})`],
      ...given('Message', message),
      ...given('Login', status.authMethod),
      ...given('Mount', status.mount),
      ...given('Path', status.secretPath),
      ...given('Keys', numbers),
      ...(ok ? [] : given('Fix', fixOf(reason))),
    ]),
  ].join('');
}

/** What the controller last found out about an integration. */
export function statusText({ metadata, spec, status }: SeenIntegration): string {
  const { conditions = [], observedGeneration } = status ?? {};
  const old = metadata.generation !== undefined && observedGeneration !== metadata.generation;
  const rows = conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
  const ready = conditions.find(({ type }) => type === 'Ready');
  const { keyCount } = status ?? {};
  return [
    facts([
      ['Integration', metadata.name],
      ['Host', spec.host],
      ...given('Namespace', spec.namespace),
      ['Path', spec.path],
      ...given('Login', status?.authMethod),
      ...given('Keys', keyCount === undefined ? '' : String(keyCount)),
      ...(ready?.status === 'True' ? [] : given('Fix', fixOf(ready?.reason))),
    ]),
    '\n',
    rows.length > 0
      ? table(['CONDITION', 'STATUS', 'REASON', 'MESSAGE'], rows)
      : 'The controller has not looked at it yet.\n',
    old && rows.length > 0
      ? 'The conditions are about an older version of the integration; the controller is not done.\n'
      : '',
  ].join('');
}

function given(name: string, value: string | undefined): (readonly [string, string])[] {
  return value ? [[name, printable(value)]] : [];
}
