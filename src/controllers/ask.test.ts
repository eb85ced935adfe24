import { describe, expect, it } from 'vitest';
import { secret, spec } from '../../test/support/vault-integration.ts';
import type { Reason } from '../api/reasons.ts';
import type { SecretObject } from '../api/secret-reference.ts';
import type { VaultAnswer } from '../sources/vault/source.ts';
import type { VaultTarget } from '../sources/vault/target.ts';
import { ask, type AskDependencies } from './ask.ts';
import type { View } from './view.ts';

/** Asks for one variable of each place of integration `vault-prod`; `answer` says what Vault has at a path. */
async function look(
  places: readonly Partial<SecretObject>[],
  answer: (target: VaultTarget) => Promise<VaultAnswer>,
  domains = ['*'],
) {
  const failures: string[] = [];
  const deps = {
    world: { credentials: { get: () => secret() }, certificates: { get: () => undefined } },
    vault: { read: async (target: VaultTarget) => answer(target) },
    systemNamespace: 'sys',
    storePrefix: 'stores',
    allowed: { vaultHosts: [], allowHttp: false, tokenAudiences: [] },
    onVaultFailure: (id: string) => failures.push(id),
  } as unknown as AskDependencies;
  const integration = { metadata: { name: 'vault-prod' }, spec: spec({ domains }) };
  const view = { integration: () => integration } as unknown as View;
  const source = { type: 'VAULT', id: 'vault-prod' } as const;
  const variables = places.map((place, i) => ({
    name: `V${i}`,
    secret: { key: 'k', source, ...place },
    optional: false,
  }));
  const asking = { domain: 'marketing', notBefore: 0, signal: new AbortController().signal };
  const answers = await ask(
    { variables, properties: [], imports: [], storages: [], problems: [] },
    asking,
    view,
    deps,
  );
  return { answers, failures };
}

const fieldsAt = async ({ apiPath, version }: VaultTarget): Promise<VaultAnswer> => ({
  kind: 'fields',
  location: apiPath,
  fields: new Map(),
  ...(version !== undefined && { version }),
});
const failing =
  (reason: Reason) =>
  async ({ location }: VaultTarget): Promise<VaultAnswer> => ({
    kind: 'failed',
    location,
    reason,
    message: 'm',
  });
const states = ({ answers }: Awaited<ReturnType<typeof look>>) =>
  answers.kind === 'states'
    ? [...answers.states].map(([key, state]) => [key, 'location' in state && state.location])
    : answers;

describe('asking for the places of an integration', () => {
  it('asks each place once, below the path of the integration', async () => {
    const found = await look([{}, { path: 'db' }, { path: '/db/', version: 2 }, { path: '/db' }], fieldsAt);
    expect(states(found)).toEqual([
      ['VAULT/vault-prod', 'secret/data/production'],
      ['VAULT/vault-prod/db', 'secret/data/production/db'],
      ['VAULT/vault-prod/db@2', 'secret/data/production/db'],
    ]);
  });

  it('checks the permission for each place, before anything is read', async () => {
    const read = async () => Promise.reject(new Error('was read'));
    const { answers } = await look([{}, { path: 'db' }], read, ['finance']);
    const reasons =
      answers.kind === 'states' &&
      [...answers.states.values()].map((state) => 'reason' in state && state.reason);
    expect(reasons).toEqual(['DomainForbidden', 'DomainForbidden']);
  });

  it.each([
    [
      'CredentialsMissing',
      'VaultIntegration vault-prod cannot log in to Vault; its status in namespace sys says why',
    ],
    [
      'CredentialsRefused',
      'VaultIntegration vault-prod cannot log in to Vault; its status in namespace sys says why',
    ],
    [
      'LoginFailed',
      'VaultIntegration vault-prod cannot log in to Vault; its status in namespace sys says why',
    ],
    ['Sealed', 'm'],
  ] as const)('tells those who use it of a login no more than that it fails: %s', async (reason, message) => {
    const { answers, failures } = await look([{}], failing(reason));
    expect(answers.kind === 'states' && [...answers.states.values()]).toMatchObject([{ reason, message }]);
    expect(failures).toEqual(['vault-prod']);
  });

  it('never sends more at once than a source lets wait', async () => {
    let running = 0;
    let most = 0;
    const slow = async (target: VaultTarget) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return fieldsAt(target);
    };
    const found = await look(
      Array.from({ length: 50 }, (_, i) => ({ path: `p${i}` })),
      slow,
    );
    expect(states(found)).toHaveLength(50);
    expect(most).toBe(8);
  });

  it('comes back later if one place says so', async () => {
    const busy = async (target: VaultTarget): Promise<VaultAnswer> =>
      target.apiPath.endsWith('busy') ? { kind: 'later', afterMs: 70 } : fieldsAt(target);
    const { answers } = await look([{ path: 'db' }, { path: 'busy' }], busy);
    expect(answers).toEqual({ kind: 'later', afterMs: 70 });
  });

  it.each([
    ['its own path is not there', {}, 'PathNotFound', ['vault-prod']],
    ['a path below it is not there: that says nothing of it', { path: 'db' }, 'PathNotFound', []],
    ['a version of it is not there: that neither', { version: 9 }, 'VersionNotFound', []],
    ['a path below it cannot be read since Vault is sealed', { path: 'db' }, 'Sealed', ['vault-prod']],
  ] as const)('has the integration checked if %s', async (_, place, reason, expected) => {
    expect((await look([place], failing(reason))).failures).toEqual(expected);
  });
});
