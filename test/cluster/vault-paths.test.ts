import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { key, mountKv, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** Every way that people write a path, and what a real OpenBao understands by it. */

let lab: VaultLab;
let asking: Asker;
let token: string;
const { signal } = new AbortController();

beforeAll(async () => {
  lab = await startLab();
  for (const mount of ['team/kv', 'data', 'team/data', 'v1']) await mountKv(lab, mount);
  await lab.admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  await lab.admin('POST', 'sys/mounts/keys', { type: 'transit' });
  await lab.admin('PUT', 'sys/policies/acl/reader', {
    policy: 'path "*" { capabilities = ["read", "list"] }',
  });
  token = await lab.token({ policies: ['reader'] });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  lab.proxy.intercept = undefined;
  await asking.close();
});

const at = (path: string, changes: Partial<Wanted> = {}) =>
  wanted({
    host: lab.proxy.address,
    path,
    auth: { token: { secretRef: key('token') } },
    secrets: { login: { token } },
    ...changes,
  });

describe('a path', () => {
  const rows: [what: string, written: string, mount: string, secretPath: string][] = [
    ['as the API takes it', 'secret/data/app', 'secret', 'app'],
    ['with /v1/', '/v1/secret/data/app', 'secret', 'app'],
    ['with v1/', 'v1/secret/data/app', 'secret', 'app'],
    ['with a leading slash', '/secret/data/app', 'secret', 'app'],
    ['with a trailing slash', 'secret/data/app/', 'secret', 'app'],
    ['with all of these', '/v1/secret/data/app/', 'secret', 'app'],
    ['with folders', 'secret/data/production/eu/app', 'secret', 'production/eu/app'],
    ['of a mount with a slash', 'team/kv/data/app', 'team/kv', 'app'],
    ['of a mount with a slash, with /v1/', '/v1/team/kv/data/app/', 'team/kv', 'app'],
    ['of a mount called data', 'data/data/app', 'data', 'app'],
    ['of a mount called team/data', 'team/data/data/app', 'team/data', 'app'],
    ['of a mount called team/data, of a secret called data', 'team/data/data/data', 'team/data', 'data'],
    ['of a mount called v1', 'v1/data/app', 'v1', 'app'],
    ['of a mount called v1, with /v1/', '/v1/v1/data/app', 'v1', 'app'],
    ['of a secret called data', 'secret/data/data', 'secret', 'data'],
    ['of a folder called data', 'secret/data/data/app', 'secret', 'data/app'],
    ['with data further down', 'secret/data/a/data/b', 'secret', 'a/data/b'],
    ['with spaces and other letters', 'secret/data/Grüße an alle/日本', 'secret', 'Grüße an alle/日本'],
    ['with what would need encoding', 'secret/data/a+b&c=d;e@f', 'secret', 'a+b&c=d;e@f'],
    ['with dots in a name', 'secret/data/a.b/..c', 'secret', 'a.b/..c'],
  ];

  it.each(rows)('%s is read, and understood as Vault does: %s', async (_, written, mount, secretPath) => {
    await lab.admin(
      'POST',
      `${encodeURI(mount)}/data/${secretPath.split('/').map(encodeURIComponent).join('/')}`,
      {
        data: { at: `${mount} ${secretPath}` },
      },
    );
    expect(gist(await asking.ask(at(written)))).toEqual({ at: `${mount} ${secretPath}` });
    expect(await asking.source.inspect(at(written), false, signal)).toEqual({
      mount,
      secretPath,
      authMethod: 'token',
      vaultVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it('is understood by its first data if Vault does not tell', async () => {
    const body = '{"errors":["permission denied"]}';
    lab.proxy.intercept = ({ path }) =>
      path.includes('sys/internal/ui/mounts') ? { kind: 'answer', status: 403, body } : undefined;
    await lab.put('team/data/data/app', { a: 'b' });
    expect(gist(await asking.ask(at('team/data/data/app')))).toEqual({ a: 'b' });
    const seen = await asking.source.inspect(at('team/data/data/app'), false, signal);
    expect(seen).toEqual({ authMethod: 'token', vaultVersion: expect.any(String) });
    expect(gist(await asking.ask(at('secret/data/production')))).toBe('PathNotFound');
    const folder = await asking.source.inspect(at('secret/data/production'), true, signal);
    expect(folder).toMatchObject({ entries: 1 });
  });

  it.each([
    'secret/app',
    'secret/data',
    'data/app',
    'secret/data/a//b',
    'secret/data/../sys',
    'secret/data/a%2fb',
  ])('that cannot be one is not even asked for: %s', (path) => {
    expect(() => at(path)).toThrow('spec.path must be the API path of a KV v2 secret');
  });
});

describe('what is no KV version 2 engine is NotKVv2, and the message says what it is', () => {
  const rows: [what: string, path: string, says: RegExp][] = [
    ['KV version 1', 'old/data/app', /"old" is a KV version 1 engine.*vault kv enable-versioning old/],
    ['the transit engine', 'keys/data/app', /"keys" is a secrets engine of type "transit", not KV/],
    ['the system itself', 'sys/data/app', /"sys" is a secrets engine of type "system", not KV/],
    ['the identity store', 'identity/data/app', /"identity" is a secrets engine of type "identity", not KV/],
    [
      'a cubbyhole',
      'cubbyhole/data/app',
      /"cubbyhole" is a secrets engine of type "(ns_)?cubbyhole", not KV/,
    ],
    [
      'data in the wrong place',
      'secret/app/data/x',
      /"secret" is a KV version 2 engine, but what follows it is not data/,
    ],
  ];
  it.each(rows)('%s', async (_, path, says) => {
    const answer = await asking.ask(at(path));
    expect(answer).toMatchObject({ reason: 'NotKVv2', message: expect.stringMatching(says) });
    expect(answer).toHaveProperty('message', expect.stringContaining('<mount>/data/<path>'));
  });
});

describe('a folder', () => {
  beforeAll(async () => {
    for (const leaf of ['one', 'two', 'sub/three'])
      await lab.put(`team/data/data/shared/${leaf}`, { a: leaf });
    await lab.admin('PUT', 'sys/policies/acl/below', {
      policy: 'path "team/data/data/shared/*" { capabilities = ["read"] }',
    });
  });

  it('has no keys of its own, but entries that can be counted, and secrets below it', async () => {
    const folder = at('/v1/team/data/data/shared/');
    expect(gist(await asking.ask(folder))).toBe('PathNotFound');
    expect(await asking.source.inspect(folder, true, signal)).toMatchObject({
      mount: 'team/data',
      secretPath: 'shared',
      entries: 3,
    });
    for (const path of ['one', '/two/', 'sub/three']) {
      const below = at('/v1/team/data/data/shared/', { place: { path } });
      expect(gist(await asking.ask(below))).toEqual({ a: path.replaceAll(/^\/|\/$/g, '') });
    }
  });

  it('is a denied path for whoever may not list it, and the secrets below it are read all the same', async () => {
    const secrets = { login: { token: await lab.token({ policies: ['below'] }) } };
    const folder = at('team/data/data/shared', { secrets });
    expect(gist(await asking.ask(folder))).toBe('PermissionDenied');
    expect(await asking.source.inspect(folder, true, signal)).not.toHaveProperty('entries');
    expect(gist(await asking.ask(at('team/data/data/shared', { secrets, place: { path: 'one' } })))).toEqual({
      a: 'one',
    });
  });

  it.each(['..', 'a/../b', 'a//b', './a', 'a%2fb', 'a?version=1', 'a#b', 'a\\b'])(
    'is not left by %s',
    (path) => {
      expect(() => at('secret/data/folder', { place: { path } })).toThrow('secret.path must be a path below');
    },
  );
});

describe('a version', () => {
  beforeAll(async () => {
    for (const n of ['1', '2', '3', '4']) await lab.put('secret/data/versions', { n });
    await lab.admin('POST', 'secret/delete/versions', { versions: [2] });
    await lab.admin('POST', 'secret/destroy/versions', { versions: [3] });
    await lab.admin('POST', 'secret/metadata/few', { max_versions: 2 });
    for (const n of ['1', '2', '3']) await lab.put('secret/data/few', { n });
    await lab.put('secret/data/latest-gone', { n: '1' });
    await lab.admin('DELETE', 'secret/data/latest-gone');
  });

  const rows: Record<string, [path: string, version: number | undefined, expected: unknown, says?: RegExp]> =
    {
      'that is there is read': ['versions', 1, { n: '1' }],
      'that is not said is the latest': ['versions', undefined, { n: '4' }],
      'that was deleted is SourceDeleted': [
        'versions',
        2,
        'SourceDeleted',
        /version 2 of the secret is deleted: undelete/,
      ],
      'that was destroyed is SourceDestroyed': [
        'versions',
        3,
        'SourceDestroyed',
        /version 3 of the secret is destroyed/,
      ],
      'that never was is VersionNotFound': ['versions', 9, 'VersionNotFound', /the secret has no version 9/],
      'that Vault no longer keeps is VersionNotFound': ['few', 1, 'VersionNotFound', /or has it no longer/],
      'of a secret whose latest is deleted is VersionNotFound if it never was': [
        'latest-gone',
        2,
        'VersionNotFound',
      ],
      'of no secret is PathNotFound': ['nowhere', 1, 'PathNotFound', /there is no secret at this path/],
      'of the latest alone is deleted, never empty': [
        'latest-gone',
        undefined,
        'SourceDeleted',
        /the latest version/,
      ],
    };
  it.each(Object.entries(rows))('%s', async (_, [path, version, expected, says]) => {
    const of = at(`secret/data/${path}`, { place: { version } });
    const answer = await asking.ask(of);
    expect(gist(answer)).toEqual(expected);
    if (says) expect(answer).toHaveProperty('message', expect.stringMatching(says));
    if (version !== undefined)
      expect(of.location).toBe(`${lab.proxy.address}/v1/secret/data/${path}?version=${version}`);
    if (version === 1 && path === 'versions') expect(answer).toMatchObject({ version: 1 });
  });
});
