import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPolicy, type AppRole } from '../../hack/vault-admin.ts';
import { until } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { loginSecret, settled, vaultIntegration } from '../support/vault-product.ts';

/** What becomes of the tokens of logins, with the whole of Fairlead: none is left behind. */

let p: Platform;
let host: string;
const ID = 'tokens-end';
const PATH = `secret/data/${ID}`;

beforeAll(async () => {
  p = await platform(ID);
  host = p.vault.address;
  await p.vault.put(PATH, { a: 'one' });
  await p.vault.policy(ID, readPolicy(PATH));
});
afterAll(async () => {
  await p.k.remove('vaultintegration', SYSTEM, ID);
  await p.k.remove('vaultintegration', SYSTEM, `${ID}-2`);
  await p.k.remove('secret', SYSTEM, ID);
  await p?.stop();
});

/** Accessors of the living tokens that logins of this AppRole got. */
async function tokensOf(role: string): Promise<readonly string[]> {
  const { data } = await p.vault.call<{ data: { keys: string[] } }>('GET', 'auth/token/accessors?list=true');
  const living = data.keys.map(async (accessor) => {
    const found = await p.vault
      .call<{ data: { meta: { role_name?: string } | null } }>('POST', 'auth/token/lookup-accessor', {
        accessor,
      })
      .catch(() => undefined);
    return found?.data.meta?.role_name === role ? [accessor] : [];
  });
  return (await Promise.all(living)).flat();
}

const login = (secretId: string) => loginSecret(ID, { host }, { secretId });
const integration = ({ roleId }: AppRole, spec: object = {}, id = ID) =>
  vaultIntegration(id, {
    host,
    path: PATH,
    auth: { appRole: { roleId, secretIdRef: { name: ID, key: 'secretId' } } },
    ...spec,
  });

async function connected(role: string): Promise<AppRole> {
  const made = await p.vault.appRole(role, [ID]);
  await p.k.apply(login(made.secretId), integration(made));
  await until(`a token of ${role}`, async () => (await tokensOf(role)).length === 1);
  await settled(p, ID, 'Connected');
  return made;
}

const gone = (role: string) =>
  until(`the token of ${role} to be gone`, async () => (await tokensOf(role)).length === 0);

describe('the token of a login', () => {
  it('is given back when its integration is deleted', async () => {
    await connected('tokens-end-deleted');
    await p.k.run('delete', 'vaultintegration', ID, '-n', SYSTEM);
    await gone('tokens-end-deleted');
  });

  it('is kept while another integration has the same login', async () => {
    const role = await connected('tokens-end-shared');
    await p.k.apply(integration(role, {}, `${ID}-2`));
    await settled(p, `${ID}-2`, 'Connected');
    const [token] = await tokensOf('tokens-end-shared');
    await p.k.run('delete', 'vaultintegration', ID, '-n', SYSTEM);
    await p.k.apply(integration(role));
    await settled(p, ID, 'Connected');
    expect(await tokensOf('tokens-end-shared')).toEqual([token]);
    await p.k.run('delete', 'vaultintegration', ID, `${ID}-2`, '-n', SYSTEM);
    await gone('tokens-end-shared');
  });

  it('is given back when the integration logs in as somebody else', async () => {
    await connected('tokens-end-first');
    await connected('tokens-end-second');
    await gone('tokens-end-first');
  });

  it('is given back when the Secret holds another secret id', async () => {
    const role = await connected('tokens-end-rotated');
    const [before] = await tokensOf('tokens-end-rotated');
    const { secretId } = await p.vault.appRole('tokens-end-rotated', [ID]);
    expect(secretId).not.toBe(role.secretId);
    await p.k.apply(login(secretId));
    await until('the token of before to be gone and one to be there', async () => {
      const tokens = await tokensOf('tokens-end-rotated');
      return tokens.length === 1 && tokens[0] !== before;
    });
  });

  it('is kept when only the path changes, or nothing that concerns the login', async () => {
    const role = await connected('tokens-end-kept');
    const before = await tokensOf('tokens-end-kept');
    await p.k.apply(integration(role, { path: `/v1/${PATH}/`, displayName: 'kept' }));
    await until('the new status', async () => {
      const { status, metadata } = await p.k.get('vaultintegration', SYSTEM, ID);
      return status.observedGeneration === metadata.generation;
    });
    expect(await tokensOf('tokens-end-kept')).toEqual(before);
  });

  it.each([
    ['its Secret is deleted', 'CredentialsMissing', ['delete', 'secret', ID]],
    [
      'its Secret is bound to another host',
      'CredentialsRefused',
      ['annotate', 'secret', ID, '--overwrite', 'fairlead.dev/vault-host=https://other.example.com'],
    ],
  ])('is given back when %s', async (what, reason, args) => {
    const role = `tokens-end-${reason.toLowerCase()}`;
    await connected(role);
    await p.k.run(...args, '-n', SYSTEM);
    await settled(p, ID, reason);
    await gone(role);
    expect(what).not.toBe('');
  });

  it('is given back when Fairlead stops', async () => {
    await connected('tokens-end-stopped');
    expect(await p.fairlead.process('controller').stop()).toBe(0);
    expect(await tokensOf('tokens-end-stopped')).toEqual([]);
    await p.fairlead.startRole('controller');
    await until('a new token', async () => (await tokensOf('tokens-end-stopped')).length === 1);
  });
});
