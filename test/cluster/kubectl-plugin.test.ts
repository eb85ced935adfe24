import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../hack/fairlead.ts';
import { kubectl } from '../../hack/install.ts';
import { kube, scratch, until } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { installPlugin, type Plugin } from '../support/plugin.ts';
import { grant, named, revoke } from '../support/rbac.ts';
import { storage } from '../support/storage.ts';

const VALUE = 'pl41n-v4lue-nobody-may-see';
const JANE = ['--as', 'jane'];
/** Of its own for each run, since versions count on. */
const PLACE = `plugin-${randomBytes(3).toString('hex')}`;
const EXEC = { apiVersion: 'client.authentication.k8s.io/v1' };
const STRANGER = ['--as', 'stranger'];

let p: Platform;
let plugin: Plugin;
let dir: string;
let namespace: string;

beforeAll(async () => {
  p = await platform('plugin');
  dir = await scratch('plugin-bin');
  plugin = await installPlugin(p.cluster, dir);
  namespace = await p.namespace('marketing');
  await p.store('marketing', { db_password: VALUE });
  await p.integration('plugin-vault', { s3_secret_key: VALUE }, { path: `secret/data/${PLACE}` });
  await p.k.apply(
    reference('warehouse', namespace, {
      DB_PASSWORD: 'KUBERNETES/marketing/db_password',
      S3_SECRET_KEY: 'VAULT/plugin-vault/s3_secret_key',
    }),
    reference('broken', namespace, { MISSING: 'KUBERNETES/marketing/nope' }),
    reference('other', namespace, { DB_PASSWORD: 'VAULT/plugin-vault/s3_secret_key' }),
  );
  // Jane sees the namespace and its references, and not the integrations.
  const jane = { kind: 'User', name: 'jane' } as const;
  const seeing = { verbs: ['get', 'list'] };
  await grant(
    p.k,
    'plugin-jane',
    jane,
    [
      { apiGroups: [''], resources: ['pods', 'namespaces', 'events'], ...seeing },
      { apiGroups: ['fairlead.dev'], resources: ['secretreferences'], ...seeing },
    ],
    namespace,
  );
});
afterAll(async () => {
  if (p) await revoke(p.k, 'plugin-jane-integrations');
  await p?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const explain = async (...args: string[]) => plugin(['explain', ...args, '-n', namespace]);
/** A line of the table of variables, cell by cell. */
const row = (text: string, variable: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(variable))
    ?.split(/ {3,}/);

describe('explain', () => {
  it('tells where each variable of a delivered pod came from', async () => {
    await p.pod(namespace, 'job');
    await p.released(namespace, 'job');
    await until('the status of the reference', async () =>
      (await explain('sref', 'warehouse')).out.includes('True Resolved'),
    );
    const { code, out } = await explain('pod', 'job');
    expect(code).toBe(0);
    expect(out).toMatch(/Gate: +not held/);
    expect(out).toMatch(/Delivery: +fairlead-d-[-0-9a-f]+ \(delivered\)/);
    expect(row(out, 'DB_PASSWORD')).toEqual([
      ...['DB_PASSWORD', 'warehouse', 'KUBERNETES/marketing', 'db_password', 'the store of marketing'],
      ...['-', 'yes', '-', 'Resolved'],
    ]);
    expect(row(out, 'S3_SECRET_KEY')).toEqual([
      ...['S3_SECRET_KEY', 'warehouse', 'VAULT/plugin-vault', 's3_secret_key', `/v1/secret/data/${PLACE}`],
      ...['1', 'yes', 'yes', 'Resolved'],
    ]);
    expect(out).toContain('SecretsDelivered');
    expect(out).not.toContain(VALUE);
  });

  it('tells why a pod waits, and what to do', async () => {
    await p.pod(namespace, 'waiting', 'broken');
    await p.waits(namespace, 'waiting', 'KeyNotFound');
    const { code, out } = await explain('po/waiting');
    expect(code).toBe(1);
    expect(out).toMatch(/Gate: +held/);
    expect(out).toMatch(/SecretsDelivered: +False KeyNotFound/);
    expect(out).toMatch(/Fix: +Correct the key/);
    expect(out).toMatch(/Warning +KeyNotFound +fairlead.dev\/controller/);
  });

  it('shows conflicts between the references of a pod', async () => {
    await p.pod(namespace, 'conflict', 'warehouse,other,absent');
    await p.waits(namespace, 'conflict', 'NameConflict');
    const { code, out } = await explain('pod', 'conflict');
    expect(code).toBe(1);
    expect(out).toContain('DB_PASSWORD: NameConflict: is defined in SecretReferences warehouse and other');
    expect(out).toContain('ReferenceNotFound: SecretReference absent does not exist');
  });

  it('tells of a storage, and of a pod that names one, where the keys come from', async () => {
    const keys = { access: 'KUBERNETES/marketing/db_password', secret: 'VAULT/plugin-vault/s3_secret_key' };
    await p.k.apply(storage('lake', namespace, keys));
    const { out: alone } = await until('the status of the storage', async () => {
      const run = await explain('stc', 'lake');
      return run.out.includes('True Resolved') && run;
    });
    expect(alone).toMatch(/^StorageConfig: +\S+\/lake$/m);
    const metadata = { annotations: { 'fairlead.dev/storage': 'lake,absent' } };
    await p.pod(namespace, 'storage', '', { metadata });
    await p.waits(namespace, 'storage', 'StorageConfigNotFound');
    const { code, out } = await explain('pod', 'storage');
    expect(code).toBe(1);
    expect(out).toMatch(/Storages: +lake, absent/);
    expect(out).toContain('StorageConfigNotFound: StorageConfig absent does not exist');
    expect(row(out, 'AWS_SECRET_ACCESS_KEY')).toEqual([
      ...['AWS_SECRET_ACCESS_KEY', 'storage lake', 'VAULT/plugin-vault', 's3_secret_key'],
      ...[`/v1/secret/data/${PLACE}`, '1', 'yes', 'yes', 'Resolved'],
    ]);
    expect((await explain('pod', 'storage', ...JANE)).out).toContain(
      `StorageConfig lake: not visible to you (needs get storageconfigs in ${namespace})`,
    );
  });

  it('says what is not visible, and with which right it would be', async () => {
    const { code, out } = await explain('pod', 'job', ...JANE);
    expect(code).toBe(0);
    expect(row(out, 'S3_SECRET_KEY')).toEqual([
      ...['S3_SECRET_KEY', 'warehouse', 'VAULT/plugin-vault', 's3_secret_key', 'not visible'],
      ...['1', 'not visible', 'no', 'Resolved'],
    ]);
    expect(out).toContain(
      `VaultIntegration plugin-vault: not visible to you (needs get vaultintegrations in ${SYSTEM})`,
    );
    expect(out).not.toContain(p.vault.address);
  });

  it('shows it to those who have the right', async () => {
    const jane = { kind: 'User', name: 'jane' } as const;
    await grant(p.k, 'plugin-jane-integrations', jane, [
      named('vaultintegrations', 'plugin-vault', 'get', 'use'),
    ]);
    const shown = await until('the right to work', async () => {
      const { out } = await explain('sref/warehouse', '-o', 'json', ...JANE);
      const report = JSON.parse(out) as { integrations: unknown[] };
      return report.integrations.length > 0 && report;
    });
    expect(shown).toMatchObject({
      ...{ kind: 'SecretReference', ok: true, domain: 'marketing', notVisible: [] },
      integrations: [{ id: 'plugin-vault', host: p.vault.address, ready: 'True' }],
      variables: [
        { variable: 'DB_PASSWORD' },
        { variable: 'S3_SECRET_KEY', domainCovered: 'yes', youMayUse: 'yes' },
      ],
    });
  });

  it('says that a pod asks for nothing', async () => {
    await p.pod(namespace, 'plain', '');
    const { code, out } = await explain('pod', 'plain');
    expect(code).toBe(0);
    expect(out).toContain('this pod asks for no secrets');
  });

  it.each([
    [
      '3 for what may not be seen',
      ['pod', 'job', ...STRANGER],
      3,
      'the pod is not visible to you (needs get pods in ',
    ],
    ['1 for what is not there', ['pod', 'nope'], 1, 'there is no pod of this name'],
    ['2 for a kind that it does not know', ['deployment', 'x'], 2, 'name one: explain pod NAME'],
  ])('ends with %s', async (_, args, exit, message) => {
    const { code, out, err } = await explain(...args);
    expect([code, out]).toEqual([exit, '']);
    expect(err).toContain(message);
  });
});

describe('without the API for keys', () => {
  const install = 'kubectl apply -k config/keys-api';

  it.each([
    ['keys', ['keys']],
    ['keys of all namespaces', ['keys', '-A']],
    ['set', ['set', 'db_password']],
    ['unset', ['unset', 'db_password', '--yes']],
  ])('%s says how to install it', async (_, args) => {
    for (const who of [[], JANE]) {
      const { code, out, err } = await plugin([...args, '-n', namespace, ...who], { stdin: VALUE });
      expect([code, out]).toEqual([3, '']);
      expect(err).toContain(install);
      expect(err).not.toContain(VALUE);
    }
  });

  it('doctor shows what the controller found out', async () => {
    const { code, out, err } = await plugin(['doctor', 'integration', 'plugin-vault', '-n', namespace]);
    expect(code).toBe(0);
    expect(err).toContain(install);
    expect(out).toMatch(/Ready +True +Connected/);
  });

  it('doctor tells what to do, if it is not connected', async () => {
    await p.integration('plugin-denied', undefined, { path: 'secret/data/absent' });
    const { code, out } = await until('a status', async () => {
      const run = await plugin(['doctor', 'vi/plugin-denied', '-o', 'json']);
      return run.out.includes('"Ready"') && run;
    });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ tested: false, ok: false, fix: expect.stringMatching(/./) });
  });

  it('doctor does not guess', async () => {
    const { code, out, err } = await plugin(['doctor', 'vi', 'plugin-vault', ...STRANGER]);
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain(`not visible to you (needs get vaultintegrations in ${SYSTEM})`);
  });
});

describe('set', () => {
  it('takes no value as an argument, and does not repeat it', async () => {
    const { code, out, err } = await plugin(['set', 'db_password', VALUE]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('one argument only');
    expect(err).not.toContain(VALUE);
  });
});

describe('where it goes and as whom', () => {
  it('follows a KUBECONFIG of several files, contexts and an exec plugin', async () => {
    const view = JSON.parse(
      await kubectl(p.cluster, ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']),
    ) as { clusters: { cluster: object }[] };
    const token = (await p.k.run('create', 'token', 'default', '-n', namespace)).trim();
    const login = join(dir, 'login');
    const credential = { ...EXEC, kind: 'ExecCredential', status: { token } };
    const script = `#!/bin/sh\n[ -n "$KUBERNETES_EXEC_INFO" ] && echo '${JSON.stringify(credential)}'\n`;
    await writeFile(login, script, { mode: 0o700 });
    const [one, two] = [join(dir, 'one.yaml'), join(dir, 'two.yaml')];
    const exec = { ...EXEC, command: './login', interactiveMode: 'Never' };
    await writeFile(
      one,
      stringify({ clusters: [{ name: 'c', cluster: view.clusters[0]?.cluster }], contexts: null }),
    );
    await writeFile(
      two,
      stringify({
        users: [{ name: 'u', user: { exec } }],
        contexts: [{ name: 'there', context: { cluster: 'c', user: 'u', namespace } }],
      }),
    );
    const account = { kind: 'ServiceAccount', name: 'default', namespace } as const;
    await grant(p.k, 'plugin-account', account, [named('secretreferences', 'warehouse', 'get')], namespace);
    const { code, out, err } = await until('the right to work', async () => {
      const run = await plugin(['explain', 'sref', 'warehouse', '--context', 'there'], {
        kubeconfig: [one, join(dir, 'missing.yaml'), two].join(':'),
      });
      return run.code !== 3 && run;
    });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('events: not visible to you (needs list events in ');
  });

  it('agrees with kubectl about who somebody is', async () => {
    const jane = kube(p.cluster, ...JANE);
    expect(await jane.refused(['get', 'secrets', '-n', namespace])).toContain('jane');
    expect((await explain('pod', 'job', '--as', 'nobody', '--as-group', 'system:masters')).code).toBe(0);
  });

  it('ends with 3 if nobody answers', async () => {
    const config = join(dir, 'nobody.yaml');
    const server = `https://127.0.0.1:${await freePort()}`;
    await writeFile(config, stringify({ clusters: [{ name: 'c', cluster: { server } }] }));
    const { code, err } = await plugin(['explain', 'pod', 'x', '--kubeconfig', config, '--cluster', 'c']);
    expect(code).toBe(3);
    expect(err).toContain('the API server cannot be reached');
  });
});

describe('lint', () => {
  it('finds nothing in the samples', async () => {
    const samples = new URL('../../config/samples', import.meta.url).pathname;
    expect(await plugin(['lint', '--strict', samples])).toEqual({
      ...{ code: 0, out: '', err: '0 errors, 0 warnings\n' },
    });
  });

  it('reads standard input', async () => {
    const { code, out } = await plugin(['lint', '-'], { stdin: stringify(reference('x', 'y', {})) });
    expect(code).toBe(1);
    expect(out).toContain('<stdin>:');
  });
});
