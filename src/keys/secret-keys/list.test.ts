import { describe, expect, it } from 'vitest';
import { AuditError } from '../../audit/errors.ts';
import { KubeError } from '../../kube/errors.ts';
import type { VaultAnswer } from '../../sources/vault/source.ts';
import { ann, fields, integration, lab, names, store, type Setting } from './test-support.ts';

const is = (field: string, value: string) => ({ field, value, equals: true });
const STORES = [
  store('stores-marketing', 'b', 'a', 'Z'),
  store('stores', 'smtp'),
  store('stores-finance', 'f'),
];
const failed = (reason: string, message = 'm'): VaultAnswer =>
  ({ kind: 'failed', location: 'l', reason, message }) as VaultAnswer;

describe('a list of one namespace', () => {
  it('has the own store, the global one and the integrations by name, each by key, without values', async () => {
    const { call } = lab({
      stores: STORES,
      integrations: [integration('v2'), integration('v1')],
      vault: async ({ name }) => fields(`${name}-b`, `${name}-a`),
    });
    const { items, warnings, continueToken } = await call('list');
    expect(names(items)).toEqual([
      'team-a kubernetes:marketing:Z',
      'team-a kubernetes:marketing:a',
      'team-a kubernetes:marketing:b',
      'team-a kubernetes:global:smtp',
      'team-a vault:v1:v1-a',
      'team-a vault:v1:v1-b',
      'team-a vault:v2:v2-a',
      'team-a vault:v2:v2-b',
    ]);
    expect(items[0]?.['spec']).toEqual({
      secret: { key: 'Z', source: { type: 'KUBERNETES', id: 'marketing' } },
    });
    expect(JSON.stringify(items)).not.toContain('planted');
    expect([warnings, continueToken]).toEqual([[], undefined]);
  });

  it.each<[string, Setting, string]>([
    ['has no domain', { namespaces: { 'team-a': undefined } }, 'has no label fairlead.dev/domain'],
    ['is not there', { namespaces: {} }, 'has no label fairlead.dev/domain'],
  ])('is empty with a warning if the namespace %s', async (_, setting, warning) => {
    const { call, reads } = lab({ stores: STORES, integrations: [integration('v1')], ...setting });
    const { items, warnings } = await call('list');
    expect(items).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
    expect(reads).toEqual([]);
  });

  it('goes by the label that the API server has, not by the watch', async () => {
    const moved = lab({ stores: STORES, namespaces: { 'team-a': 'finance' } });
    moved.deps.world.namespaces.get = () => undefined;
    expect(names((await moved.call('list')).items)[0]).toBe('team-a kubernetes:finance:f');
    expect(moved.gets).toEqual(['namespaces team-a']);
  });

  it('has the global store once, even in a namespace whose label says global', async () => {
    const { call } = lab({ stores: STORES, namespaces: { 'team-a': 'global' } });
    expect(names((await call('list')).items)).toEqual(['team-a kubernetes:global:smtp']);
  });

  it('reads no integration that the domain or the caller may not use', async () => {
    const { call, reads, asked } = lab({
      integrations: [
        integration('mine', { domains: ['marketing'] }),
        integration('theirs', { domains: ['finance'] }),
        integration('forbidden'),
      ],
      may: ({ name }) => name === 'mine',
    });
    expect(names((await call('list')).items)).toEqual(['team-a vault:mine:mine-key']);
    expect(reads).toEqual(['mine']);
    expect(asked.map(({ name }) => name)).toEqual(['forbidden', 'mine']);
    expect(asked[0]).toMatchObject({ ...ann, verb: 'use', resource: 'vaultintegrations', namespace: 'sys' });
  });

  it('is refused while nobody says what the caller may', async () => {
    const may = async () => Promise.reject(new KubeError({ code: 'Timeout', message: 'm' }));
    const { call } = lab({ integrations: [integration('v1')], may });
    await expect(call('list')).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  });

  it('is refused while the watches have heard nothing for too long', async () => {
    await expect(lab({ staleness: 120_001 }).call('list')).rejects.toMatchObject({
      code: 'ServiceUnavailable',
    });
  });
});

describe('pages', () => {
  const walk = async (limit: number, setting: Setting, namespace?: string) => {
    const { call, reads } = lab(setting);
    const pages: string[][] = [];
    let continueToken: string | undefined;
    do {
      const page = await call('list', { limit, continueToken, namespace });
      pages.push(names(page.items));
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    return { pages, reads };
  };

  it('read an integration only if they need it', async () => {
    const { call, reads } = lab({ stores: STORES, integrations: [integration('v1')] });
    const first = await call('list', { limit: 4 });
    expect(first.items).toHaveLength(4);
    expect(reads).toEqual([]);
    const second = await call('list', { limit: 4, continueToken: first.continueToken });
    expect(names(second.items)).toEqual(['team-a vault:v1:v1-key']);
    expect(second.continueToken).toBeUndefined();
  });

  it('ask no more integrations at once than are expected to fill them', async () => {
    const integrations = [
      integration('v1', {}, 1),
      integration('v2', {}, 1),
      integration('v3'),
      integration('v4'),
    ];
    const { call, reads } = lab({ integrations });
    await call('list', { limit: 2 });
    expect(reads).toEqual(['v1', 'v2']);
    await call('list', { limit: 3 });
    expect(reads.slice(2)).toEqual(['v1', 'v2', 'v3']);
  });

  it('are the whole list, one after the other', async () => {
    const setting = {
      namespaces: { 'team-b': 'finance', 'team-a': 'marketing', other: undefined },
      stores: STORES,
      integrations: [integration('v1'), integration('v2', { domains: ['finance'] })],
      vault: async ({ name }: { name: string }) => fields(`${name}-1`, `${name}-2`),
    };
    const whole = names((await lab(setting).call('list', { namespace: undefined })).items);
    expect(whole).toHaveLength(4 + 2 + 2 + 4);
    for (const limit of [1, 2, 3, 5, 100]) {
      const { pages } = await walk(limit, setting);
      expect(pages.flat()).toEqual(whole);
    }
  });

  it('are refused with a token of another list', async () => {
    await expect(lab().call('list', { continueToken: 'hunter2' })).rejects.toMatchObject({
      code: 'BadRequest',
    });
  });
});

describe('a list of all namespaces', () => {
  const namespaces = { 'team-b': 'finance', 'team-a': 'marketing', 'team-c': 'marketing', other: undefined };

  it('reads and asks about each integration once, and warns of it once', async () => {
    const setting = { namespaces, integrations: [integration('v1'), integration('v2')] };
    const vault = async ({ name }: { name: string }) => (name === 'v2' ? failed('Unreachable') : fields('k'));
    const { call, reads, asked, gets, audited } = lab({ ...setting, vault });
    const { items, warnings } = await call('list', { namespace: undefined });
    expect(names(items)).toEqual(['team-a vault:v1:k', 'team-b vault:v1:k', 'team-c vault:v1:k']);
    expect(warnings).toEqual(['VaultIntegration v2: Unreachable: m']);
    expect([reads, asked.length, gets]).toEqual([['v1', 'v2'], 2, []]);
    expect(audited).toMatchObject([
      { namespace: '', variables: 3, message: '1 integrations could not be read' },
    ]);
  });

  it('by name reads a store once, and anew with the next list', async () => {
    let now = 10_000;
    const clock = { ...lab().deps.clock, now: () => (now += 1) };
    const { call, gets } = lab({ namespaces, stores: STORES, clock });
    const fieldSelector = [is('metadata.name', 'kubernetes:global:smtp')];
    const { items } = await call('list', { namespace: undefined, fieldSelector });
    expect(items).toHaveLength(3);
    expect(gets).toEqual(['secrets sys/stores']);
    await call('list', { namespace: undefined, fieldSelector });
    expect(gets).toEqual(['secrets sys/stores', 'secrets sys/stores']);
  });

  it('can be narrowed to a namespace', async () => {
    const { call, reads } = lab({
      namespaces,
      integrations: [integration('v1', { domains: ['marketing'] })],
    });
    const fieldSelector = [is('metadata.namespace', 'team-b')];
    expect((await call('list', { namespace: undefined, fieldSelector })).items).toEqual([]);
    expect(reads).toEqual([]);
  });
});

describe('a field selector', () => {
  const setting = { stores: STORES, integrations: [integration('v1'), integration('v2')] };
  it.each([
    ['source.type=VAULT', [is('source.type', 'VAULT')], ['vault:v1:v1-key', 'vault:v2:v2-key'], ['v1', 'v2']],
    ['source.id=v2', [is('source.id', 'v2')], ['vault:v2:v2-key'], ['v2']],
    ['source.id=global', [is('spec.secret.source.id', 'global')], ['kubernetes:global:smtp'], []],
    ['metadata.name', [is('metadata.name', 'kubernetes:marketing:a')], ['kubernetes:marketing:a'], []],
    ['key', [is('key', 'v1-key')], ['vault:v1:v1-key'], ['v1', 'v2']],
  ])('%s reads only what can match', async (_, fieldSelector, expected, read) => {
    const { call, reads } = lab(setting);
    const { items } = await call('list', { fieldSelector });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(expected);
    expect(reads).toEqual(read);
  });

  it('by name looks at the store itself, as kubectl does after a deletion', async () => {
    const { call, deps } = lab(setting);
    deps.world.stores.get = () => undefined;
    const fieldSelector = [is('metadata.name', 'kubernetes:marketing:a')];
    expect((await call('list', { fieldSelector })).items).toHaveLength(1);
  });
});

describe('the audit of a list', () => {
  it('has one record, with who, where and how many', async () => {
    const { call, audited } = lab({ stores: STORES });
    await call('list');
    expect(audited).toEqual([
      {
        actor: { kind: 'user', name: 'ann', uid: '1', groups: ['team'] },
        action: 'list-keys',
        namespace: 'team-a',
        variables: 4,
        outcome: 'allowed',
        reason: 'Listed',
        message: undefined,
      },
    ]);
  });

  it('comes first: no list without it', async () => {
    const intend = async () => Promise.reject(new AuditError('Unwritable', 'it cannot be written (ENOSPC)'));
    const { call } = lab({ stores: STORES, audit: { intend } });
    await expect(call('list')).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      message: expect.stringContaining('it cannot be written (ENOSPC)'),
    });
  });
});

it('5,000 keys are put into order once, and a page of them is quick', async () => {
  const keys = Array.from({ length: 5_000 }, (_, i) => `key_${(i * 7_919) % 5_000}`);
  const { call } = lab({ stores: [store('stores-marketing', ...keys)] });
  await call('list');
  const started = performance.now();
  for (let i = 0; i < 20; i += 1) expect((await call('list')).items).toHaveLength(5_000);
  // 300 ms each is what is promised; a busy machine must not fail this.
  expect((performance.now() - started) / 20).toBeLessThan(300);
});
