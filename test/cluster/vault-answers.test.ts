import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cluster.ts';
import {
  asks,
  DENIED,
  errors,
  expectRow,
  NOTHING,
  POLICY,
  TEXT,
  type Row,
} from '../support/vault-answers.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';

/*
 * What a Vault-compatible server answers: docs/facts.md as tests, by status and shape, since texts differ between
 * servers. What Fairlead makes of each answer stands in
 *   vault-read (values, 404 in all its shapes, 403), vault-paths (mounts, LIST, versions), vault-login (AppRole),
 *   vault-wrapped, vault-userpass, vault-jwt, vault-kubernetes (with the real API server), vault-token (dead tokens),
 *   vault-namespaces, vault-scoped, vault-failing (quota, sealed), vault-tls and vault-mtls (certificates).
 */

let lab: VaultLab;
/** By the names that the rows use. */
const tokens: Record<string, string> = {};
const read = () => ({ token: tokens['reader'] });
const root = () => ({ token: lab.bao.rootToken });

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*', 'secret/metadata/*');
  await lab.put('secret/data/app', { a: 'b' });
  await lab.put('secret/data/folder/app', { a: 'b' });
  await lab.put('secret/data/deleted', { a: 'b' });
  await lab.admin('DELETE', 'secret/data/deleted');
  await lab.put('secret/data/destroyed', { a: 'b' });
  await lab.admin('POST', 'secret/destroy/destroyed', { versions: [1] });
  await lab.admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  await lab.admin('POST', 'old/app', { a: 'b' });
  await lab.admin('POST', 'sys/namespaces/team-a', {});
  tokens['reader'] = await lab.token({ policies: ['reader'], ttl: '1h' });
  tokens['bare'] = await lab.token({ policies: ['reader'], no_default_policy: true });
  tokens['batch'] = await lab.token({ policies: ['reader'], type: 'batch', ttl: '1h' });
  tokens['fixed'] = await lab.token({ policies: ['default'], ttl: '1h', renewable: false });
  tokens['wrong'] = 'hvs.nobody-knows';
  tokens['revoked'] = await lab.token({ policies: ['reader'] });
  await lab.admin('POST', 'auth/token/revoke', { token: tokens['revoked'] });
  tokens['used up'] = await lab.token({ policies: ['reader'], num_uses: 1 });
  await asks(lab, 'GET', 'secret/data/app', { token: tokens['used up'] });
  tokens['expired'] = await lab.token({ policies: ['reader'], ttl: '1s', explicit_max_ttl: '1s' });
  await until('a token to expire', async () => {
    const { status } = await asks(lab, 'GET', 'secret/data/app', { token: tokens['expired'] });
    return status === 403;
  });
});
afterAll(() => lab.close());

const envelope = (data: unknown, metadata: object) => ({
  data: {
    data,
    metadata: {
      created_time: TEXT,
      deletion_time: TEXT,
      ...metadata,
    },
  },
});

const rows: Record<string, Row> = {
  'KV v2 read is 200 with data and metadata': [
    ['GET', 'secret/data/app', read],
    200,
    envelope({ a: 'b' }, { custom_metadata: null, deletion_time: '', destroyed: false, version: 1 }),
  ],
  'a soft-deleted version is 404 with the whole envelope, without data': [
    ['GET', 'secret/data/deleted', read],
    404,
    envelope(null, { destroyed: false, deletion_time: expect.stringMatching(/^\d{4}-/) as string }),
  ],
  'a destroyed version is the same, destroyed': [
    ['GET', 'secret/data/destroyed', read],
    404,
    envelope(null, { destroyed: true }),
  ],
  'a missing path is 404 without errors': [['GET', 'secret/data/missing', read], 404, NOTHING],
  'a missing version is the same': [['GET', 'secret/data/app?version=9', read], 404, NOTHING],
  'LIST of what has no entries is the same': [['GET', 'secret/metadata/none?list=true', root], 404, NOTHING],
  'LIST of a leaf is the same': [['GET', 'secret/metadata/app?list=true', root], 404, NOTHING],
  'a version that is no number is 400': [['GET', 'secret/data/app?version=abc', read], 400, errors(/./)],
  'KV v2 without /data/ is 404 with warnings and no errors': [
    ['GET', 'secret/app', root],
    404,
    {
      data: null,
      warnings: [expect.stringContaining('Invalid path for a versioned K/V') as string],
    },
  ],
  'KV v2 without /data/ and without the policy is 403': [['GET', 'secret/app', read], 403, POLICY],
  'KV v1 read is 200 with the data alone': [
    ['GET', 'old/app', root],
    200,
    { data: { a: 'b' }, lease_duration: 2_764_800 },
  ],
  'KV v1 missing is 404 without errors': [['GET', 'old/missing', root], 404, NOTHING],
  'KV v1 through /data/ is the same': [['GET', 'old/data/app', root], 404, NOTHING],
  'LIST is 200 with the keys, folders with a slash': [
    ['GET', 'secret/metadata?list=true', root],
    200,
    { data: { keys: expect.arrayContaining(['app', 'folder/']) as string[] } },
  ],
  'LIST as a method of its own is the same': [
    ['LIST', 'secret/metadata', root],
    200,
    { data: { keys: expect.arrayContaining(['app', 'folder/']) as string[] } },
  ],
  'no such mount is 404 with the words': [
    ['GET', 'none/data/app', root],
    404,
    errors(/no handler for route/),
  ],
  'no such mount and no policy is 403': [['GET', 'none/data/app', read], 403, POLICY],
  'which mount a path is in, is told with type and version': [
    ['GET', 'sys/internal/ui/mounts/secret/data/app', read],
    200,
    { data: { path: 'secret/', type: 'kv', options: { version: '2' } } },
  ],
  'which mount a path is in, is not told for one that is not there': [
    ['GET', 'sys/internal/ui/mounts/none/data/app', read],
    403,
    { errors: [TEXT] },
  ],
  'no token is 403': [['GET', 'secret/data/app'], 403, DENIED],
  ...Object.fromEntries(
    ['wrong', 'expired', 'revoked', 'used up'].map((token): [string, Row] => [
      `a token that is ${token} is 403 in the same words`,
      [['GET', 'secret/data/app', () => ({ token: tokens[token] })], 403, DENIED],
    ]),
  ),
  'a living token that the policy denies is 403 in other words': [['GET', 'secret/x', read], 403, POLICY],
  'lookup-self tells all of a token': [
    ['GET', 'auth/token/lookup-self', read],
    200,
    {
      data: {
        accessor: TEXT,
        creation_ttl: 3600,
        expire_time: TEXT,
        explicit_max_ttl: 0,
        id: TEXT,
        num_uses: 0,
        orphan: expect.any(Boolean) as boolean,
        path: 'auth/token/create',
        policies: ['default', 'reader'],
        renewable: true,
        ttl: expect.any(Number) as number,
        type: 'service',
      },
    },
  ],
  'lookup-self of a token without the default policy is a denial by policy': [
    ['GET', 'auth/token/lookup-self', () => ({ token: tokens['bare'] })],
    403,
    POLICY,
  ],
  'renew-self gives the token again, with its new life': [
    ['POST', 'auth/token/renew-self', () => ({ ...read(), body: {} })],
    200,
    {
      auth: {
        client_token: TEXT,
        lease_duration: 3600,
        renewable: true,
        token_type: 'service',
      },
    },
  ],
  'renew-self of root is 400': [
    ['POST', 'auth/token/renew-self', () => ({ ...root(), body: {} })],
    400,
    errors(/lease/),
  ],
  'renew-self of a token that is not renewable is 400': [
    ['POST', 'auth/token/renew-self', () => ({ token: tokens['fixed'], body: {} })],
    400,
    errors(/lease is not renewable/),
  ],
  'renew-self of a batch token is 400': [
    ['POST', 'auth/token/renew-self', () => ({ token: tokens['batch'], body: {} })],
    400,
    errors(/batch tokens cannot be renewed/),
  ],
  'a namespace is 200': [
    ['GET', 'auth/token/lookup-self', () => ({ ...root(), headers: { 'x-vault-namespace': 'team-a' } })],
    200,
    {},
  ],
  'a namespace with a slash is 200, too': [
    ['GET', 'auth/token/lookup-self', () => ({ ...root(), headers: { 'x-vault-namespace': 'team-a/' } })],
    200,
    {},
  ],
  'an unknown namespace is 404 with the word': [
    ['GET', 'secret/data/app', () => ({ ...root(), headers: { 'x-vault-namespace': 'team-b' } })],
    404,
    errors(/namespace not found/),
  ],
  'a method that a path does not know is 405 without errors': [['PUT', 'sys/health', root], 405, NOTHING],
};

describe('a Vault-compatible server', () => {
  it.each(Object.entries(rows))('says: %s', async (_, row) => expectRow(lab, row));

  it('says: revoke-self is 204 without a body', async () => {
    const token = await lab.token({ policies: ['reader'] });
    const answer = await asks(lab, 'POST', 'auth/token/revoke-self', { token, body: {} });
    expect([answer.status, answer.text]).toEqual([204, '']);
  });

  it('says: a quota that is used up is 429 without Retry-After', async () => {
    await lab.admin('POST', 'sys/quotas/rate-limit/tight', { path: 'old', rate: 1, interval: '1h' });
    const url = `${lab.bao.address}/v1/old/app`;
    const headers = { 'x-vault-token': lab.bao.rootToken };
    await expect.poll(async () => (await fetch(url, { headers })).status, { timeout: 10_000 }).toBe(429);
    const answer = await fetch(url, { headers });
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await answer.json()).toEqual(errors(/rate limit quota exceeded/));
  });

  it('says: sealed is 503, for its health as well', async () => {
    await lab.bao.seal();
    try {
      const answer = await asks(lab, 'GET', 'secret/data/app', read());
      expect([answer.status, answer.json()]).toEqual([503, errors(/^Vault is sealed$/)]);
      expect((await asks(lab, 'GET', 'sys/health')).status).toBe(503);
    } finally {
      await lab.bao.unseal();
    }
  });
});
