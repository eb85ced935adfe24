import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/aggregation/resource.ts';
import { deletionWarnings } from '../../src/keys/deletions/handler.ts';
import { until } from '../support/cluster.ts';
import { caller, keysLab, storeSecret, type KeysLab, type KeysReplica } from '../support/keys-lab.ts';
import { reference, SYSTEM } from '../support/platform.ts';
import { grant, named, revoke } from '../support/rbac.ts';
import { storage } from '../support/storage.ts';

const DOMAIN = 'kl-lists';
let lab: KeysLab;
let one: KeysReplica;
let namespace: string;
let ann: Caller;
const user = { kind: 'User', name: 'keys-list-ann' } as const;

beforeAll(async () => {
  lab = await keysLab('keys-list');
  ann = await lab.writer(user.name, [DOMAIN]);
  namespace = await lab.namespace(DOMAIN);
  await lab.store(DOMAIN, { db_password: 'planted', api_key: 'planted' });
  await lab.integration('kl-mine', { s3: 'planted', 'a/b': 'planted' }, [DOMAIN]);
  await lab.integration('kl-theirs', { x: 'planted' }, ['kl-others']);
  await lab.integration('kl-unused', { x: 'planted' }, ['*']);
  await lab.integration('kl-broken', { x: 'planted' }, [DOMAIN]);
  await lab.vault.policy('kl-broken', 'path "secret/data/other" { capabilities = ["read"] }');
  for (const name of ['kl-mine', 'kl-theirs', 'kl-broken']) {
    await grant(lab.k, `use-${name}`, user, [named('vaultintegrations', name, 'use')]);
  }
  await lab.k.apply(
    reference('warehouse', namespace, { A: `KUBERNETES/${DOMAIN}/db_password`, B: 'VAULT/kl-mine/s3' }),
    reference('lake', namespace, { A: `KUBERNETES/${DOMAIN}/api_key` }),
  );
  one = await lab.replica();
});
afterAll(async () => {
  for (const name of ['kl-mine', 'kl-theirs', 'kl-broken']) await revoke(lab.k, `use-${name}`);
  await lab?.stop();
});

const list = async (who = ann, more: Parameters<KeysReplica['call']>[2] = {}) =>
  one.call('list', who, { namespace, ...more });
const namesOf = ({ items }: Awaited<ReturnType<typeof list>>) =>
  items.map(({ metadata }) => metadata.name).filter((name) => !name?.startsWith('kubernetes:global:'));
const STORE = [`kubernetes:${DOMAIN}:api_key`, `kubernetes:${DOMAIN}:db_password`];

describe('what there is to name', () => {
  it('are the keys of the store and of the integrations that the domain has and the caller may use', async () => {
    const found = await list();
    expect(namesOf(found)).toEqual([...STORE, 'vault:kl-mine:a%2Fb', 'vault:kl-mine:s3']);
    expect(found.warnings).toEqual([
      expect.stringMatching(/^VaultIntegration kl-broken: PermissionDenied: /),
    ]);
    expect(JSON.stringify(found)).not.toContain('planted');
  });

  it('is ready to paste into a reference that the API server takes', async () => {
    const { items } = await list();
    const env = items.map(({ spec }, i) => ({ name: `V${i}`, ...(spec as object) }));
    const manifest = { apiVersion: 'fairlead.dev/v1alpha1', kind: 'SecretReference' };
    await lab.k.apply({ ...manifest, metadata: { name: 'pasted', namespace }, spec: { env } });
    await lab.k.remove('secretreference', namespace, 'pasted');
  });

  it('is nothing of an integration for those who may not use it; each key goes the same way', async () => {
    const bob = caller('keys-list-bob');
    expect(namesOf(await list(bob))).toEqual(STORE);
    await expect(one.call('get', bob, { namespace, name: 'vault:kl-mine:s3' })).rejects.toMatchObject({
      code: 'NotFound',
    });
    await expect(one.call('get', ann, { namespace, name: 'vault:kl-theirs:x' })).rejects.toMatchObject({
      code: 'NotFound',
    });
    await expect(one.call('get', ann, { namespace, name: 'vault:kl-mine:s3' })).resolves.toBeDefined();
  });

  it('comes in pages, also of all namespaces', async () => {
    const whole = (await one.call('list', ann)).items;
    expect(whole.length).toBeGreaterThanOrEqual(4);
    const paged: unknown[] = [];
    let continueToken: string | undefined;
    do {
      const page = await one.call('list', ann, { limit: 3, continueToken });
      paged.push(...page.items);
      continueToken = page.continueToken;
    } while (continueToken);
    expect(paged).toEqual(whole);
  });

  it('ends a moment after `use` is taken away', async () => {
    await revoke(lab.k, 'use-kl-mine');
    await until(
      'the integration to leave the list',
      async () => !namesOf(await list()).includes('vault:kl-mine:s3'),
    );
    await grant(lab.k, 'use-kl-mine', user, [named('vaultintegrations', 'kl-mine', 'use')]);
    await until('the integration to be back', async () => namesOf(await list()).includes('vault:kl-mine:s3'));
  });
});

describe('a deletion of what is in use is warned about', () => {
  const seesReferences = async () => {
    const rule = { apiGroups: ['fairlead.dev'], resources: ['secretreferences'], verbs: ['list'] };
    await grant(lab.k, 'sees-references', user, [rule], namespace);
  };
  const deletion = async (resource: string, name: string) => {
    const { body } = await deletionWarnings(one.deps)({
      body: {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: {
          uid: 'u',
          operation: 'DELETE',
          resource: { group: resource === 'secrets' ? '' : 'fairlead.dev', version: 'v1', resource },
          namespace: SYSTEM,
          name,
          oldObject: { metadata: { name } },
          userInfo: { username: ann.user, groups: ann.groups },
        },
      },
      signal: new AbortController().signal,
    });
    return (body as { response: unknown }).response;
  };

  it('in numbers, and by name once the caller may list the references', async () => {
    const store = storeSecret(DOMAIN);
    const what = `2 SecretReferences still name the store of ${DOMAIN} (Secret ${store})`;
    expect(await deletion('secrets', store)).toEqual({ uid: 'u', allowed: true, warnings: [what] });
    await seesReferences();
    await until('the names', async () => {
      const { warnings } = (await deletion('secrets', store)) as { warnings: string[] };
      return warnings[0] === `${what}: ${namespace}/lake, ${namespace}/warehouse`;
    });
    expect(await deletion('vaultintegrations', 'kl-mine')).toMatchObject({
      warnings: [`1 SecretReference still names VaultIntegration kl-mine: ${namespace}/warehouse`],
    });
    expect(await deletion('vaultintegrations', 'kl-unused')).toEqual({ uid: 'u', allowed: true });
  });

  it('also of what storages name, in numbers to those who may not list them', async () => {
    const keys = { access: `KUBERNETES/${DOMAIN}/api_key`, secret: 'VAULT/kl-mine/s3' };
    await lab.k.apply(storage('files', namespace, keys));
    await until('the storage to be seen', async () => {
      const { warnings } = (await deletion('vaultintegrations', 'kl-mine')) as { warnings: string[] };
      return warnings.includes('1 StorageConfig still names VaultIntegration kl-mine');
    });
    const key = { namespace, name: `kubernetes:${DOMAIN}:api_key`, dryRun: true };
    const { warnings } = await one.call('delete', ann, key);
    expect(warnings).toContain(`1 StorageConfig still names key api_key of KUBERNETES/${DOMAIN}`);
  });

  it('also that of one key', async () => {
    await seesReferences();
    const key = { namespace, name: `kubernetes:${DOMAIN}:db_password` };
    const { warnings } = await one.call('delete', ann, { ...key, dryRun: true });
    expect(warnings).toEqual([
      `1 SecretReference still names key db_password of KUBERNETES/${DOMAIN}: ${namespace}/warehouse`,
    ]);
    expect(await lab.stored(DOMAIN)).toHaveProperty('db_password');
  });
});

it('5,000 keys are listed at once, and page by page', async () => {
  const values = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key_${i}`, 'planted']));
  await lab.store('kl-many', values);
  const many = await lab.namespace('kl-many');
  await until('the watch to see the store', async () => {
    const { items } = await one.call('list', ann, { namespace: many, limit: 1 });
    return items.some(({ metadata }) => metadata.name?.startsWith('kubernetes:kl-many:'));
  });
  const { items } = await one.call('list', ann, { namespace: many });
  expect(items.length).toBeGreaterThanOrEqual(5_000);
  const { items: page, continueToken } = await one.call('list', ann, { namespace: many, limit: 500 });
  expect([page.length, continueToken !== undefined]).toEqual([500, true]);
});

it('the audit has who was told how many', async () => {
  await one.stop();
  const { text, lines, verdict } = await lab.audit();
  expect(verdict).toBe('whole');
  expect(text).not.toContain('planted');
  expect(lines).toContainEqual(
    expect.objectContaining({
      action: 'list-keys',
      namespace,
      actor: { kind: 'user', name: user.name, groups: ['system:authenticated'] },
      outcome: 'allowed',
      variables: expect.any(Number),
    }),
  );
});
