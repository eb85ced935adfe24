import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, until, type KubeJson } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('bulk');
  namespace = await p.namespace('bulk');
  await p.store('bulk', {
    'smtp.host': 'mail.example.com',
    'smtp.port': '25',
    'smtp.old-user': 'nobody',
    DB_URL: 'jdbc:x',
    db_login: '{"user":{"name":"ann","roles":["a", "b"]},"id":9007199254740993,"none":{}}',
  });
  await folder('bulk-vault', {
    'db/main': { 'user-name': 'ann', password: 'first', conn: { port: 5432, hosts: [{ name: 'one' }] } },
    'db/replica': { 'user-name': 'bob' },
    'apps/etl': { SNOWFLAKE: { TRANSFORM: { PASSWORD: 'x' } }, TOKEN: 't' },
  });
  await p.vault.put('secret/data/bulk-vault/db/main', {
    password: 'second',
    conn: '{"a.b":"literal","a":{"b":1}}',
  });
});
afterAll(async () => p?.stop());

const STORE = { source: { type: 'KUBERNETES', id: 'bulk' } };
const VAULT = { source: { type: 'VAULT', id: 'bulk-vault' } };

/** An integration whose path is a folder: what is in it is read below, with one policy for all of it. */
async function folder(id: string, secrets: Record<string, object>): Promise<void> {
  const path = `secret/data/${id}`;
  for (const [below, data] of Object.entries(secrets)) await p.vault.put(`${path}/${below}`, data);
  await p.integration(id, undefined, { domains: ['bulk'], path });
  await p.vault.policy(id, `path "${path}/*" { capabilities = ["read"] }`);
}

const reference = (name: string, spec: object): KubeJson => ({
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'SecretReference',
  metadata: { name, namespace },
  spec,
});

async function ask(name: string, spec: object): Promise<void> {
  await p.k.apply(reference(name, spec));
  await p.pod(namespace, name, name);
}

/** What a pod gets that asks for this. */
async function delivered(name: string, spec: object): Promise<Record<string, string>> {
  await ask(name, spec);
  await p.released(namespace, name);
  return p.delivered(namespace, name);
}

describe('variables in bulk', () => {
  it('come from a store: chosen, renamed and without their prefix', async () => {
    const envFrom = [
      {
        ...STORE,
        prefix: 'MAIL_',
        names: 'upperSnake',
        stripPrefix: true,
        select: { prefix: 'smtp.', exclude: ['*old*'] },
      },
      { ...STORE, select: { keys: ['DB_URL'] } },
    ];
    expect(await delivered('store', { envFrom })).toEqual({
      MAIL_HOST: 'mail.example.com',
      MAIL_PORT: '25',
      DB_URL: 'jdbc:x',
    });
  });

  it('come from paths below an integration, together with single ones', async () => {
    const envFrom = [
      { ...VAULT, path: '/apps/etl/', expandJson: true },
      { ...VAULT, path: 'db/replica', names: 'upperSnake', prefix: 'REPLICA_' },
    ];
    const env = [{ name: 'DB_PASSWORD', secret: { key: 'password', path: 'db/main', ...VAULT } }];
    expect(await delivered('vault', { env, envFrom })).toEqual({
      SNOWFLAKE_TRANSFORM_PASSWORD: 'x',
      TOKEN: 't',
      REPLICA_USER_NAME: 'bob',
      DB_PASSWORD: 'second',
    });
    const pod = await p.getPod(namespace, 'vault');
    const delivery = await p.k.get('secret', namespace, pod.metadata.annotations['fairlead.dev/delivered']);
    expect(delivery.metadata.annotations['fairlead.dev/sources'].split(',').sort()).toEqual([
      'VAULT/bulk-vault/apps/etl@1',
      'VAULT/bulk-vault/db/main@2',
      'VAULT/bulk-vault/db/replica@1',
    ]);
  });

  it('come from a JSON object: its leaves, exactly', async () => {
    const envFrom = [{ ...STORE, expandJson: true, select: { keys: ['db_login'] } }];
    expect(await delivered('leaves', { envFrom })).toEqual({
      db_login_user_name: 'ann',
      db_login_user_roles: '["a","b"]',
      db_login_id: '9007199254740993',
    });
  });

  it('show their number and state in the status, but no names', async () => {
    const envFrom = [
      { ...VAULT, path: 'apps/etl', select: { keys: ['TOKEN'] } },
      { ...VAULT, path: 'nowhere', optional: true },
    ];
    await p.k.apply(reference('status', { envFrom }));
    const status = await until('the status', async () => (await p.k.get('sref', namespace, 'status')).status);
    expect(status).toMatchObject({
      imports: [
        { type: 'VAULT', id: 'bulk-vault', path: 'apps/etl', version: 1, state: 'Resolved', variables: 1 },
        { type: 'VAULT', id: 'bulk-vault', path: 'nowhere', state: 'PathNotFound', variables: 0 },
      ],
      conditions: [{ status: 'True', message: '1 variable; missing but optional: envFrom[1] of status' }],
    });
    expect(JSON.stringify(status)).not.toContain('TOKEN');
  });

  it('wake who waits for them: a key that is added to the store', async () => {
    await ask('woken', { envFrom: [{ ...STORE, select: { keys: ['late'] } }] });
    const { message } = await p.waits(namespace, 'woken', 'KeyNotFound');
    expect(message).toBe(
      `envFrom[0] of woken from KUBERNETES/bulk: Secret ${SYSTEM}/iomete-secret-store-bulk has no key late`,
    );
    const patch = JSON.stringify({ stringData: { late: 'here' } });
    await p.k.run('patch', 'secret', 'iomete-secret-store-bulk', '-n', SYSTEM, '-p', patch);
    await p.released(namespace, 'woken', 5_000);
    expect(await p.delivered(namespace, 'woken')).toEqual({ late: 'here' });
  });
});

describe('path, version and property of one secret', () => {
  const secret = (name: string, rest: object) => ({ name, secret: { ...VAULT, path: 'db/main', ...rest } });

  it('find the value in a folder, of an older version, inside its JSON', async () => {
    const env = [
      secret('NOW', { key: 'password' }),
      secret('BEFORE', { key: 'password', version: 1 }),
      secret('PORT', { key: 'conn', version: 1, property: 'port' }),
      secret('HOST', { key: 'conn', version: 1, property: 'hosts.0.name' }),
      secret('HOSTS', { key: 'conn', version: 1, property: 'hosts' }),
      secret('LITERAL', { key: 'conn', property: 'a.b' }),
    ];
    expect(await delivered('places', { env })).toEqual({
      NOW: 'second',
      BEFORE: 'first',
      PORT: '5432',
      HOST: 'one',
      HOSTS: '[{"name":"one"}]',
      LITERAL: 'literal',
    });
    const { entries } = await until('the versions', async () => {
      const { status } = await p.k.get('sref', namespace, 'places');
      return status?.entries && status;
    });
    expect(entries.map(({ name, version }: KubeJson) => [name, version])).toEqual([
      ['NOW', 2],
      ['BEFORE', 1],
      ['PORT', 1],
      ['HOST', 1],
      ['HOSTS', 1],
      ['LITERAL', 2],
    ]);
  });

  it.each([
    [
      'property',
      { key: 'conn', property: 'a.c' },
      'KeyNotFound',
      'A from VAULT/bulk-vault/db/main key conn property a.c: the JSON value of the key has no such property',
    ],
    [
      'nojson',
      { key: 'password', property: 'a' },
      'KeyNotFound',
      'A from VAULT/bulk-vault/db/main key password property a: the value of the key is not JSON, so it has no properties',
    ],
    ['path', { key: 'a', path: 'db/nope' }, 'PathNotFound', 'A from VAULT/bulk-vault/db/nope key a: '],
    [
      'version',
      { key: 'password', version: 9 },
      'VersionNotFound',
      'A from VAULT/bulk-vault/db/main@9 key password: ',
    ],
  ])('hold the pod if there is no such %s', async (name, rest, reason, message) => {
    await ask(`no-${name}`, { env: [secret('A', rest)] });
    expect((await p.waits(namespace, `no-${name}`, reason)).message).toContain(message);
  });
});

describe('what an import cannot make holds the pod', () => {
  it.each<[string, object, string, string]>([
    [
      'two-keys',
      { envFrom: [{ ...STORE, names: 'upperSnake', select: { match: ['DB_*', 'db.url'] } }] },
      'NameConflict',
      'key DB_URL and key db.url both make the variable DB_URL: exclude one of them',
    ],
    [
      'env',
      {
        env: [{ name: 'DB_URL', secret: { key: 'smtp.host', ...STORE } }],
        envFrom: [{ ...STORE, select: { keys: ['DB_URL'] } }],
      },
      'NameConflict',
      'key DB_URL makes the variable DB_URL, as does env from KUBERNETES/bulk key smtp.host',
    ],
    [
      'below',
      { envFrom: [{ ...STORE, names: 'upperSnake', select: { match: ['db', 'db.url'] } }] },
      'NameConflict',
      'key db and key db.url are a value and something below it',
    ],
    [
      'name',
      { envFrom: [{ ...STORE, select: { keys: ['smtp.host'] } }] },
      'NotAVariableName',
      'key smtp.host is no variable name (letters, digits and _): use names: upperSnake, or exclude it',
    ],
  ])('%s', async (name, spec, reason, message) => {
    const more = JSON.stringify({ stringData: { 'db.url': 'jdbc:y', ...(name === 'below' && { db: 'z' }) } });
    await p.k.run('patch', 'secret', 'iomete-secret-store-bulk', '-n', SYSTEM, '-p', more);
    await ask(`held-${name}`, spec);
    const told = await p.waits(namespace, `held-${name}`, reason);
    expect(told.message).toContain(`envFrom[0] of held-${name} from KUBERNETES/bulk: `);
    expect(told.message).toContain(message);
  });

  it('and lets it go once the source has changed', async () => {
    const less = JSON.stringify([{ op: 'remove', path: '/data/db.url' }]);
    await p.k.run('patch', 'secret', 'iomete-secret-store-bulk', '-n', SYSTEM, '--type=json', '-p', less);
    await p.released(namespace, 'held-two-keys');
    expect(await p.delivered(namespace, 'held-two-keys')).toEqual({ DB_URL: 'jdbc:x' });
  });
});

describe('no value is told', () => {
  it('of what an import cannot make', async () => {
    const planted = `pl4nt-${randomBytes(12).toString('hex')}`;
    const json = { deep: { 'x-y': planted }, list: [planted] };
    await p.vault.put('secret/data/bulk-vault/planted', {
      A: `${planted}\0`,
      'b-c': planted,
      b_c: planted,
      json,
    });
    const at = { ...VAULT, path: 'planted' };
    const cases: Record<string, [object, string]> = {
      nul: [{ select: { keys: ['A'] } }, 'NotAnEnvironmentValue'],
      name: [{ select: { match: ['b-c'] } }, 'NotAVariableName'],
      leaf: [{ select: { keys: ['json'] }, expandJson: true }, 'NotAVariableName'],
      twice: [{ select: { match: ['b*c'] }, names: 'upperSnake' }, 'NameConflict'],
    };
    for (const [name, [rest, reason]] of Object.entries(cases)) {
      await ask(`planted-${name}`, { envFrom: [{ ...at, ...rest }] });
      await p.waits(namespace, `planted-${name}`, reason);
    }
    const said = await p.k.run(
      'get',
      'pods,events,sref',
      '-n',
      namespace,
      '-o',
      'json',
      '--show-managed-fields',
    );
    expect(said).toContain('planted-leaf');
    expect(said + (await p.logs())).not.toContain(planted);
  });
});

describe('the author of an import', () => {
  const create = ['create', '-f', '-'];
  const author = () => kube(p.cluster, '--as=bulk-author');
  const verbs = 'get,create,update,patch';

  it('needs the right to use its integration, also for an entry that changes', async () => {
    await p.k.run(
      'create',
      'role',
      'author',
      '-n',
      namespace,
      `--verb=${verbs}`,
      '--resource=secretreferences.fairlead.dev',
    );
    await p.k.run('create', 'rolebinding', 'author', '-n', namespace, '--role=author', '--user=bulk-author');
    const wants = reference('authored', { envFrom: [{ ...VAULT, path: 'db/main' }] });
    const needs = 'use vaultintegrations.fairlead.dev/bulk-vault in namespace fairlead-system';
    await until('the right to write references', async () =>
      (await author().refused(create, wants)).includes(needs),
    );
    const foreign = reference('authored', { envFrom: [{ source: { type: 'KUBERNETES', id: 'finance' } }] });
    expect(await author().refused(create, foreign)).toContain(
      'the store of finance is not open to this namespace',
    );

    await p.k.apply(wants);
    // What names nothing new may be edited, but another path is something new.
    const more = { envFrom: [...wants.spec.envFrom, { ...STORE, select: { keys: ['DB_URL'] } }] };
    await author().apply(reference('authored', more));
    for (const change of [
      { path: 'db/replica' },
      { path: 'db/main', version: 1 },
      { path: 'db/main', prefix: 'A_' },
    ]) {
      const edited = reference('authored', { envFrom: [{ ...VAULT, ...change }] });
      await expect(author().apply(edited)).rejects.toThrow(needs);
    }
  });
});
