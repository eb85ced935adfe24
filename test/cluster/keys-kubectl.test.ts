import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { until, type Kube, type KubeJson } from '../support/cluster.ts';
import { asUser, auditLines, KEYS, listening, makeOwner, removePeople } from '../support/keys-product.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { bind, grant, named, revoke } from '../support/rbac.ts';

/** The whole API for keys as people use it: the kubectl of this machine, with the rights of the ready-made roles. */

const DOMAIN = 'keys-kubectl';
const VAULT = 'kk-vault';
const sample = (name: string) =>
  parse(readFileSync(new URL(`../../config/samples/keys/${name}`, import.meta.url), 'utf8'));

let p: Platform;
let namespace: string;
/** Owner of the domain, with `use` of its integrations. */
let lead: Kube;
/** May list keys, and write none. */
let user: Kube;
const heard = listening();
const { both, refused, plant } = heard;

beforeAll(async () => {
  p = await platform('keys-kubectl', { keysApi: true });
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { db_password: plant(), api_key: plant() });
  await p.integration(VAULT, { s3: plant(), 'a/b': plant() }, { domains: [DOMAIN] });
  await p.integration('kk-broken', { x: plant() }, { domains: [DOMAIN] });
  await p.vault.policy('kk-broken', 'path "secret/data/other" { capabilities = ["read"] }');
  await makeOwner(p, { kind: 'User', name: 'kk-lead' }, DOMAIN, namespace);
  await bind(p.k, 'fairlead-domain-user', { kind: 'User', name: 'kk-user' }, namespace);
  const rules = [VAULT, 'kk-broken'].map((name) => named('vaultintegrations', name, 'use', 'delete'));
  // To delete an integration that is in no bundle.
  const bundles = { apiGroups: ['fairlead.dev'], resources: ['resourcebundles'], verbs: ['use'] };
  for (const name of ['kk-lead', 'kk-blind'])
    await grant(p.k, name, { kind: 'User', name }, [...rules, bundles]);
  await p.k.apply(
    reference('warehouse', namespace, { A: `KUBERNETES/${DOMAIN}/db_password`, B: `VAULT/${VAULT}/s3` }),
  );
  lead = asUser(p, 'kk-lead');
  user = asUser(p, 'kk-user');
  await until('the rights to be known', async () => get('-o', 'name').then((out) => out.includes(VAULT)));
});
afterAll(async () => {
  for (const name of ['kk-lead', 'kk-blind']) if (p) await revoke(p.k, name);
  if (p) await removePeople(p);
  await p?.stop();
});

const get = async (...args: string[]) =>
  (await both(lead, ['get', 'secretkeys', '-n', namespace, ...args])).stdout;
const nameOf = (key: string) => `kubernetes:${DOMAIN}:${key}`;
const OWN = ['--field-selector', `source.id=${DOMAIN}`];

describe('kubectl get', () => {
  it('shows what can be named, and warns of what cannot be read', async () => {
    const { stdout, stderr } = await both(lead, ['get', 'sk', '-n', namespace]);
    expect(stdout).toMatch(/^KEY +SOURCE +ID\s/);
    expect(stdout).toMatch(new RegExp(`\ndb_password +KUBERNETES +${DOMAIN}\n`));
    expect(stdout).toMatch(new RegExp(`\na/b +VAULT +${VAULT}\n`));
    expect(stderr).toContain('Warning: VaultIntegration kk-broken: PermissionDenied: ');
  });

  it('shows names with -o wide and -o name, and all namespaces with -A', async () => {
    expect(await get('-o', 'wide')).toMatch(
      new RegExp(`NAME\napi_key +KUBERNETES +${DOMAIN} +${nameOf('api_key')}\n`),
    );
    expect(await get('-o', 'name', ...OWN)).toBe(
      ['api_key', 'db_password'].map((key) => `secretkey.keys.fairlead.dev/${nameOf(key)}\n`).join(''),
    );
    const { stdout } = await both(p.k, ['get', 'sk', '-A', '-o', 'wide', '--chunk-size=2', ...OWN]);
    expect(stdout).toMatch(new RegExp(`${namespace} +db_password +KUBERNETES`));
    expect(await refused(lead, ['get', 'sk', '-A'])).toContain('(Forbidden)');
  });

  it('gives the secret object, ready to be pasted, as YAML and JSON', async () => {
    expect(parse(await get(nameOf('api_key'), '-o', 'yaml'))).toEqual({
      apiVersion: KEYS,
      kind: 'SecretKey',
      metadata: { name: nameOf('api_key'), namespace },
      spec: { secret: { key: 'api_key', source: { type: 'KUBERNETES', id: DOMAIN } } },
    });
    const { items } = JSON.parse(await get('-o', 'json', '--field-selector', 'source.type=VAULT'));
    expect(items.map(({ spec }: KubeJson) => spec.secret.key)).toEqual(['a/b', 's3']);
    const env = items.map(({ spec }: KubeJson, i: number) => ({ name: `V${i}`, ...spec }));
    const pasted = {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'SecretReference',
      metadata: { name: 'p', namespace },
    };
    await both(lead, ['create', '--dry-run=server', '-f', '-'], { ...pasted, spec: { env } });
  });

  it('selects by fields', async () => {
    expect(await get('-o', 'name', '--field-selector', `key=s3`)).toBe(
      `secretkey.keys.fairlead.dev/vault:${VAULT}:s3\n`,
    );
    expect(
      await get('-o', 'name', '--field-selector', `metadata.name!=${nameOf('api_key')},source.id=${DOMAIN}`),
    ).toBe(`secretkey.keys.fairlead.dev/${nameOf('db_password')}\n`);
    expect(await refused(lead, ['get', 'sk', '-n', namespace, '--field-selector', 'spec.value=x'])).toContain(
      'not selectable',
    );
  });

  it('shows no key of an integration without `use` on it', async () => {
    const { stdout, stderr } = await both(user, ['get', 'sk', '-n', namespace]);
    expect(stdout).toContain('db_password');
    expect(stdout + stderr).not.toMatch(/VAULT|kk-/);
    expect(await refused(user, ['get', 'sk', `vault:${VAULT}:s3`, '-n', namespace])).toContain('(NotFound)');
  });
});

describe('kubectl explain', () => {
  it('has both kinds, with what is write-only', async () => {
    const explain = async (what: string) => p.k.run('explain', what, '--api-version', KEYS);
    await until('the OpenAPI document', async () => explain('secretkeys'), { timeoutMs: 50_000 });
    expect(await explain('secretkeys.spec.secret')).toMatch(/KIND: +SecretKey[\s\S]*source/);
    expect(await explain('secretkeys.spec.value')).toContain('Write-only');
    expect(await explain('connectiontests.spec')).toMatch(/integrationRef[\s\S]*path/);
    expect(await explain('connectiontests.status.steps')).toContain('outcome');
  });
});

describe('a ConnectionTest', () => {
  const sampleTest = () => {
    const test = sample('connection-test.yaml');
    return { ...test, metadata: { namespace }, spec: { integrationRef: { name: VAULT } } };
  };

  it('is created, answered and not kept', async () => {
    const { stdout } = await both(lead, ['create', '-o', 'yaml', '-f', '-'], sampleTest());
    const { status } = parse(stdout);
    expect(status).toMatchObject({ ok: true, keyCount: 2 });
    expect(status.steps.map(({ name }: KubeJson) => name)).toEqual([
      ...[
        'resolve name',
        'TCP',
        'TLS',
        'login',
        'lookup-self',
        'capabilities',
        'mount',
        'read',
        'number of keys',
      ],
    ]);
    expect(await refused(p.k, ['get', 'connectiontests', '-n', namespace])).toContain('(MethodNotAllowed)');
  });

  it('needs `use`', async () => {
    expect(await refused(user, ['create', '-f', '-'], sampleTest())).toMatch(
      /Forbidden.*you lack the verb use on it/,
    );
  });
});

describe('what is in use is deleted with a warning', () => {
  const warning = `Warning: 1 SecretReference still names`;
  const integration = ['delete', 'vi', VAULT, '-n', SYSTEM, '--dry-run=server'];

  it('that has the names, for those who may list them', async () => {
    const { stderr } = await both(lead, integration);
    expect(stderr).toContain(`${warning} VaultIntegration ${VAULT}: ${namespace}/warehouse`);
    const secret = `iomete-secret-store-${DOMAIN}`;
    const store_ = await both(p.k, ['delete', 'secret', secret, '-n', SYSTEM, '--dry-run=server']);
    expect(store_.stderr).toContain(
      `${warning} the store of ${DOMAIN} (Secret ${secret}): ${namespace}/warehouse`,
    );
  });

  it('that has their number, for others; and it is done', async () => {
    const { stderr } = await both(asUser(p, 'kk-blind'), integration.slice(0, -1));
    expect(stderr).toContain(`${warning} VaultIntegration ${VAULT}`);
    expect(stderr).not.toContain('warehouse');
    expect(await p.k.get('vi', SYSTEM, VAULT)).toBeUndefined();
  });
});

it('the audit has who listed and who tested, and no value is seen anywhere', async () => {
  const lines = await auditLines(p);
  const of = (action: string, name: string) =>
    lines.filter((line) => line.action === action && line.actor?.name === name);
  expect(of('list-keys', 'kk-user').map(({ outcome }) => outcome)).toContain('allowed');
  expect(of('test-connection', 'kk-lead').at(-1)).toMatchObject({ outcome: 'allowed', reason: 'Connected' });
  expect(of('test-connection', 'kk-user').at(-1)).toMatchObject({
    ...{ outcome: 'refused', reason: 'UseForbidden' },
  });
  await heard.nothingPlanted(p);
});
