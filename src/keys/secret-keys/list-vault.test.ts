import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { VaultAnswer } from '../../sources/vault/source.ts';
import { fields, integration, lab, names, type Setting } from './test-support.ts';

const failed = (reason: string, message = 'm'): VaultAnswer =>
  ({ kind: 'failed', location: 'l', reason, message }) as VaultAnswer;

describe('an integration', () => {
  const warningsOf = async (setting: Setting) => (await lab(setting).call('list')).warnings;

  it.each([
    ['cannot be reached', failed('Unreachable', 'no answer'), 'VaultIntegration v1: Unreachable: no answer'],
    [
      'cannot log in: tenants are not told how it does',
      failed('LoginFailed', 'invalid role or secret ID of Secret login'),
      'VaultIntegration v1: LoginFailed: VaultIntegration v1 cannot log in to Vault; its status in namespace sys says why',
    ],
  ])('that %s is a warning, and the others are listed', async (_, answer, warning) => {
    const { call } = lab({
      integrations: [integration('v1'), integration('v2')],
      vault: async ({ name }) => (name === 'v1' ? answer : fields('k')),
    });
    const { items, warnings } = await call('list');
    expect(names(items)).toEqual(['team-a vault:v2:k']);
    expect(warnings).toEqual([warning]);
  });

  it('whose credentials are missing is a warning that does not name them', async () => {
    const warnings = await warningsOf({ integrations: [integration('v1')], credentials: [] });
    expect(warnings).toEqual([
      'VaultIntegration v1: CredentialsMissing: VaultIntegration v1 cannot log in to Vault; its status in namespace sys says why',
    ]);
  });

  const wrapped = { roleId: 'r', secretIdRef: { name: 'login', key: 'secretId' }, wrapped: true };
  it('with nothing but a wrapped secret id is never logged in to', async () => {
    const one = integration('v1', { auth: { appRole: wrapped, namespace: 'team' } });
    const { call, reads } = lab({ integrations: [one] });
    expect((await call('list')).warnings).toEqual([expect.stringContaining('good for one use')]);
    expect(reads).toEqual([]);
  });

  it('with another login beside the wrapped one uses that alone', async () => {
    const token = { secretRef: { name: 'login', key: 'token' } };
    const { call, targets } = lab({
      integrations: [integration('v1', { auth: { appRole: wrapped, token } })],
    });
    expect((await call('list')).items).toHaveLength(1);
    expect(targets[0]?.methods.map(({ kind }) => kind)).toEqual(['token']);
  });

  it('may have keys that no reference can name: they are counted', async () => {
    const vault = async () => fields('ok', 'line\nbreak', 'x'.repeat(254), '\ud800', 'a/b');
    const { items, warnings } = await lab({ integrations: [integration('v1')], vault }).call('list');
    expect(names(items)).toEqual(['team-a vault:v1:a%2Fb', 'team-a vault:v1:ok']);
    expect(warnings).toEqual(['VaultIntegration v1: 3 keys that no reference can name']);
  });

  it('warnings are bounded', async () => {
    const integrations = Array.from({ length: 30 }, (_, i) => integration(`v${i}`));
    const vault = async () => failed('Unreachable', 'x'.repeat(1_000));
    const warnings = (await warningsOf({ integrations, vault })) ?? [];
    expect(warnings).toHaveLength(17);
    expect(warnings.at(-1)).toBe('and 14 more');
    for (const warning of warnings) expect(Buffer.byteLength(warning)).toBeLessThanOrEqual(256);
  });
});

describe('patience', () => {
  const listing = (setting: Setting) => {
    const clock = new FakeClock();
    const { call, reads } = lab({ ...setting, clock });
    const done = call('list');
    let ended = false;
    void done.then(() => (ended = true));
    return { clock, done, reads, hasEnded: () => ended };
  };

  it('comes back when a source says later, and takes what was read in the last 2 seconds', async () => {
    let first: number | undefined;
    const { clock, done } = listing({
      integrations: [integration('v1')],
      vault: async (_target, _signal, notBefore) => {
        if (first !== undefined) return notBefore === first ? fields('k') : failed('Unreachable');
        first = notBefore;
        return { kind: 'later', afterMs: 500 };
      },
    });
    await clock.advance(500);
    expect(names((await done).items)).toEqual(['team-a vault:v1:k']);
    expect(first).toBe(-2_000);
  });

  it('ends after 3 seconds with a warning', async () => {
    const vault = async (): Promise<VaultAnswer> => ({ kind: 'later', afterMs: 700 });
    const { clock, done, reads } = listing({ integrations: [integration('v1')], vault });
    await clock.advance(3_000);
    expect((await done).warnings).toEqual([expect.stringContaining('too many ask for it')]);
    expect(reads).toHaveLength(5);
  });

  const hangs = async (_: unknown, signal: AbortSignal) =>
    new Promise<VaultAnswer>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });

  it('does not wait longer for a Vault that hangs', async () => {
    const { clock, done, hasEnded } = listing({ integrations: [integration('v1')], vault: hangs });
    await clock.advance(2_999);
    expect(hasEnded()).toBe(false);
    await clock.advance(1);
    expect((await done).warnings).toEqual(['VaultIntegration v1: Unreachable: Vault did not answer in time']);
  });

  it('is limited for all of them together', async () => {
    const integrations = Array.from({ length: 100 }, (_, i) => integration(`v${i}`));
    const { clock, done, reads } = listing({ integrations, vault: hangs });
    await clock.advance(12_000);
    expect((await done).warnings).toHaveLength(17);
    expect(reads).toHaveLength(4 * 8);
  });

  it('ends with the request', async () => {
    const gone = new AbortController();
    const { call } = lab({ integrations: [integration('v1')], vault: hangs });
    const done = call('list', { signal: gone.signal });
    gone.abort(new Error('gone'));
    await expect(done).rejects.toThrow('gone');
  });
});
