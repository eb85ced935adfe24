import { describe, expect, it } from 'vitest';
import type { VaultTarget } from '../../sources/vault/target.ts';
import { failed, passed, Steps } from '../../sources/vault/probe/steps.ts';
import { forInline, probedStatus, refusedStatus } from './answer.ts';

const target = {
  mount: 'secret',
  secretPath: 'app',
  location: 'https://vault.example.com/v1/secret/data/app',
} as VaultTarget;
const OWNER = { full: true, id: 'vault-prod', systemNamespace: 'fairlead-system' };
const USER = { ...OWNER, full: false };

async function stepsOf(...results: (ReturnType<typeof passed> & object)[]) {
  const { signal } = new AbortController();
  const steps = new Steps({ signal, deadline: signal, explain: () => '' });
  const names = ['resolve name', 'TCP', 'TLS', 'login'] as const;
  for (const [index, result] of results.entries()) await steps.take(names[index] ?? 'read', () => result);
  return { steps: steps.all() };
}

describe('an answer', () => {
  it('has the details for owners and the words for users', async () => {
    const probed = await stepsOf(
      passed('the name resolves', 'vault is 10.0.0.7'),
      failed('Unreachable', 'x', 'x (10.0.0.7)'),
    );
    expect(probedStatus(target, probed, OWNER)).toMatchObject({
      ok: false,
      reason: 'Unreachable',
      message: 'TCP: x (10.0.0.7)',
    });
    const seen = probedStatus(target, probed, USER);
    expect(seen.message).toBe('TCP: x');
    expect(JSON.stringify(seen)).not.toContain('10.0.0.7');
    expect(seen.steps[2]).toEqual({
      name: 'TLS',
      outcome: 'Skipped',
      message: 'not tried, since TCP failed',
    });
  });

  it('is bounded', async () => {
    const probed = await stepsOf(failed('Unreachable', 'y'.repeat(5000)));
    const { message, steps } = probedStatus(target, probed, OWNER);
    expect([message, steps[0]?.message].map((text) => Buffer.byteLength(text ?? ''))).toEqual([1024, 1024]);
  });

  it('says what cannot be used before anything is sent, of logins not to users', () => {
    const failure = {
      kind: 'failed',
      location: '',
      reason: 'CredentialsMissing',
      message: 'no Secret login',
    } as const;
    expect(refusedStatus(failure, 'login', OWNER).message).toBe('login: no Secret login');
    expect(JSON.stringify(refusedStatus(failure, 'login', USER))).not.toContain('Secret');
    expect(
      refusedStatus(failure, 'login', USER)
        .steps.map(({ outcome }) => outcome[0])
        .join(''),
    ).toBe('SSSFSSSSS');
  });
});

describe('words for an inline integration', () => {
  const words: Record<string, string> = {
    'write a new secret id into the credentials Secret, or correct spec.auth.appRole':
      'use a new secret id, or correct spec.integration.auth.appRole',
    'it may be revoked: write a new one into the credentials Secret': 'it may be revoked: use a new one',
    'put its CA into spec.tls (caBundle, caSecretRef or caConfigMapRef)':
      'put its CA into spec.integration.tls.caBundle',
    'check spec.tls.clientCertSecretRef': 'check spec.integration.tls.clientCertificate',
    'correct spec.namespace or spec.auth.namespace':
      'correct spec.integration.namespace or spec.integration.auth.namespace',
  };
  for (const [given, expected] of Object.entries(words)) {
    it(expected, () => expect(forInline(given)).toBe(expected));
  }
});
