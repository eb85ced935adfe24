import { describe, expect, it } from 'vitest';
import type { EnvEntry } from '../api/secret-reference.ts';
import type { StorageConfigSpec } from '../api/storage-config.ts';
import { collectWanted, placeholderVariable, placesIn, placesOf, sourcesOf } from './wanted.ts';

const entry = (name: string, id = 'marketing', key = name.toLowerCase(), optional?: boolean): EnvEntry => ({
  name,
  secret: { key, source: { type: id.startsWith('vault') ? 'VAULT' : 'KUBERNETES', id } },
  ...(optional !== undefined && { optional }),
});
const reference = (name: string, ...env: EnvEntry[]) => ({ name, env });
const names = (set: ReturnType<typeof collectWanted>) => set.variables.map(({ name }) => name);
const reasons = (set: ReturnType<typeof collectWanted>) => set.problems.map(({ reason }) => reason);

describe('what a pod asks for', () => {
  it('is all variables of all its references, in order', () => {
    const set = collectWanted([reference('a', entry('X'), entry('Y')), reference('b', entry('Z'))], []);
    expect(names(set)).toEqual(['X', 'Y', 'Z']);
    expect(set.problems).toEqual([]);
  });

  it('names the reference that does not exist and goes on with the others', () => {
    const set = collectWanted([{ missing: 'gone' }, reference('b', entry('Z'))], []);
    expect(set.problems).toEqual([
      { reason: 'ReferenceNotFound', message: 'SecretReference gone does not exist in this namespace' },
    ]);
    expect(names(set)).toEqual(['Z']);
  });

  it('is one variable if two references define it alike', () => {
    const set = collectWanted([reference('a', entry('X')), reference('b', entry('X'))], []);
    expect(names(set)).toEqual(['X']);
    expect(set.problems).toEqual([]);
  });

  it.each([
    ['another key', entry('X', 'marketing', 'other')],
    ['another id', entry('X', 'global')],
    ['another path', { ...entry('X'), secret: { ...entry('X').secret, path: 'p' } }],
    ['another version', { ...entry('X'), secret: { ...entry('X').secret, version: 2 } }],
    ['a property', { ...entry('X'), secret: { ...entry('X').secret, property: 'a' } }],
    [
      'another type',
      { ...entry('X'), secret: { key: 'x', source: { type: 'VAULT' as const, id: 'marketing' } } },
    ],
  ])('is a conflict if two references define a name with %s', (_, other) => {
    const set = collectWanted([reference('a', entry('X')), reference('b', other)], []);
    expect(reasons(set)).toEqual(['NameConflict']);
    expect(set.problems[0]?.message).toBe('is defined in SecretReferences a and b with different sources');
  });

  it('is required if one of two alike is required', () => {
    const set = collectWanted(
      [
        reference('a', entry('X', 'marketing', 'x', true)),
        reference('b', entry('X', 'marketing', 'x', false)),
      ],
      [],
    );
    expect(set.variables[0]?.optional).toBe(false);
  });

  it('is optional only if both say so', () => {
    const optional = entry('X', 'marketing', 'x', true);
    expect(
      collectWanted([reference('a', optional), reference('b', optional)], []).variables[0]?.optional,
    ).toBe(true);
  });

  it('has at most 16 references', () => {
    const many = Array.from({ length: 17 }, (_, i) => reference(`r${i}`, entry(`V${i}`)));
    const set = collectWanted(many, []);
    expect(reasons(set)).toEqual(['QuotaExceeded']);
    expect(set.variables).toHaveLength(16);
  });

  it('has at most 16 integrations in one reference', () => {
    const many = Array.from({ length: 17 }, (_, i) => entry(`V${i}`, `vault-${i}`));
    expect(reasons(collectWanted([reference('r', ...many)], []))).toEqual(['QuotaExceeded']);
    expect(reasons(collectWanted([reference('r', ...many.slice(1))], []))).toEqual([]);
  });

  it('counts the integrations of env and envFrom together', () => {
    const env = Array.from({ length: 9 }, (_, i) => entry(`V${i}`, `vault-${i}`));
    const vault = (i: number) => ({ source: { type: 'VAULT', id: `vault-${i}` } }) as const;
    const asks = (...ids: number[]) => collectWanted([{ name: 'r', env, envFrom: ids.map(vault) }], []);
    expect(reasons(asks(0, 9, 10, 11, 12, 13, 14, 15))).toEqual([]);
    expect(reasons(asks(9, 10, 11, 12, 13, 14, 15, 16))).toEqual(['QuotaExceeded']);
  });

  it('has at most 64 places in integrations, and else asks none', () => {
    const at = (i: number) => ({ source: { type: 'VAULT', id: 'vault' }, path: `p${i}` }) as const;
    const imports = (count: number) =>
      Array.from({ length: count / 16 }, (_, r) => ({
        name: `r${r}`,
        envFrom: Array.from({ length: 16 }, (_import, i) => at(16 * r + i)),
      }));
    const full = collectWanted(imports(64), []);
    expect(reasons(full)).toEqual([]);
    expect(placesOf(full)).toHaveLength(64);
    const over = collectWanted([...imports(64), reference('x', entry('X', 'vault'))], []);
    expect(reasons(over)).toEqual(['QuotaExceeded']);
    expect(placesOf(over)).toEqual([]);
  });

  it('is also what is imported, each under the name of its place in the reference', () => {
    const envFrom = [{ source: { type: 'KUBERNETES', id: 'global' } }] as const;
    const set = collectWanted(
      [{ name: 'a', envFrom }, reference('b', entry('X')), { name: 'c', envFrom }],
      [],
    );
    expect(set.imports.map(({ name }) => name)).toEqual(['envFrom[0] of a', 'envFrom[0] of c']);
    expect(names(set)).toEqual(['X']);
    expect(placesOf(set)).toHaveLength(2);
    expect(sourcesOf({ env: [entry('X', 'vault')], envFrom })).toEqual([
      { type: 'VAULT', id: 'vault' },
      { type: 'KUBERNETES', id: 'global' },
    ]);
  });

  it('is also which Spark properties, each once, and no variable', () => {
    const conf = (name: string, id?: string) => entry(`spark.${name}`, id, 'k');
    const set = collectWanted(
      [
        { name: 'a', env: [entry('X')], sparkConf: [conf('a'), conf('b', 'vault')] },
        { name: 'b', sparkConf: [conf('a'), conf('b')] },
      ],
      [],
    );
    expect(names(set)).toEqual(['X']);
    expect(set.properties.map(({ name, from }) => [name, from?.name])).toEqual([
      ['spark.a', 'a'],
      ['spark.b', 'a'],
    ]);
    expect(set.problems).toMatchObject([{ reason: 'NameConflict', entry: 'spark.b' }]);
    expect(placesOf(set)).toHaveLength(2);
    expect(placesIn({ sparkConf: [conf('a'), conf('b')] })).toHaveLength(1);
    expect(sourcesOf({ sparkConf: [conf('b', 'vault')] })).toEqual([{ type: 'VAULT', id: 'vault' }]);
  });

  it('counts the integrations of Spark properties, too', () => {
    const sparkConf = Array.from({ length: 17 }, (_, i) => entry(`spark.${i}`, `vault-${i}`));
    expect(reasons(collectWanted([{ name: 'r', sparkConf }], []))).toEqual(['QuotaExceeded']);
  });

  it('reads a placeholder from the global store, never from Vault, and never optionally', () => {
    expect(placeholderVariable('db.password')).toEqual({
      name: 'FAIRLEAD_SECRET_db.password',
      secret: { key: 'db.password', source: { type: 'KUBERNETES', id: 'global' } },
      optional: false,
    });
    expect(names(collectWanted([reference('a', entry('X'))], ['k1', 'k1', 'k2']))).toEqual([
      'X',
      'FAIRLEAD_SECRET_k1',
      'FAIRLEAD_SECRET_k2',
    ]);
  });

  it('takes __proto__ and constructor for names like any other', () => {
    const set = collectWanted([reference('a', entry('__proto__'), entry('constructor'))], ['__proto__']);
    expect(names(set)).toEqual(['__proto__', 'constructor', 'FAIRLEAD_SECRET___proto__']);
    expect(set.problems).toEqual([]);
  });
});

describe('what a pod asks for by its storages', () => {
  const storage = (name: string, spec: Partial<StorageConfigSpec> = {}) => ({
    name,
    spec: {
      type: 'minio',
      bucket: name,
      endpoint: 'http://minio',
      accessKey: 'a',
      secretKey: 's',
      ...spec,
    } as const,
  });
  const azure = (name: string, account: string) => ({
    name,
    spec: { type: 'azure', accessKey: account, secretKey: 's' } as const,
  });
  const owners = (set: ReturnType<typeof collectWanted>) =>
    Object.fromEntries(set.variables.map(({ name, from }) => [name, from?.name]));

  it('are the variables of the first one, and the properties of each', () => {
    const set = collectWanted([], [], [storage('raw'), storage('lake', { type: 'gcs' })]);
    expect(set.problems).toEqual([]);
    expect(new Set(Object.values(owners(set)))).toEqual(new Set(['raw']));
    const buckets = set.properties.map(({ name }) => /bucket[.](\w+)[.]access[.]key/.exec(name)?.[1] ?? []);
    expect(buckets.flat()).toEqual(['raw', 'lake']);
    expect(set.storages.map(({ name }) => name)).toEqual(['raw', 'lake']);
  });

  it('are the variables of both, if their SDKs read others', () => {
    const set = collectWanted([], [], [storage('raw'), azure('files', 'acc')]);
    expect(set.problems).toEqual([]);
    expect(owners(set)).toMatchObject({ AWS_ACCESS_KEY_ID: 'raw', AZURE_STORAGE_KEY: 'files' });
  });

  it.each([
    ['bucket', [storage('a', { bucket: 'lake' }), storage('b', { bucket: 'lake' })]],
    ['account', [azure('a', 'acc'), azure('b', 'acc')]],
  ])('are a conflict of two for one %s', (_, storages) => {
    const set = collectWanted([], [], storages);
    expect(new Set(reasons(set))).toEqual(new Set(['NameConflict']));
    expect(set.problems[0]?.message).toBe('is defined in StorageConfigs a and b with different sources');
  });

  it('are no conflict of two containers with one key of the account', () => {
    const secret = { storageSecret: { key: 'k', source: { type: 'VAULT', id: 'v' } } } as const;
    const [a, b] = [azure('a', 'acc'), azure('b', 'acc')].map(({ name, spec }) => ({
      name,
      spec: { ...spec, ...secret },
    }));
    expect(collectWanted([], [], [a!, b!]).problems).toEqual([]);
  });

  it('are a conflict with a variable that a reference gives from elsewhere, and none if it is the same', () => {
    const key = { key: 'k', source: { type: 'KUBERNETES', id: 'marketing' } } as const;
    const given = reference('warehouse', { name: 'AWS_SECRET_ACCESS_KEY', secret: key });
    const other = collectWanted([given], [], [storage('lake')]);
    expect(other.problems).toMatchObject([
      {
        reason: 'NameConflict',
        entry: 'AWS_SECRET_ACCESS_KEY',
        message: 'is defined in SecretReference warehouse and StorageConfig lake with different sources',
      },
    ]);
    expect(collectWanted([given], [], [storage('lake', { storageSecret: key })]).problems).toEqual([]);
  });

  it('name the one that does not exist, and more than there may be', () => {
    const many = Array.from({ length: 17 }, (_, i) => storage(`s${i}`));
    expect(collectWanted([], [], [{ missing: 'gone' }]).problems).toEqual([
      { reason: 'StorageConfigNotFound', message: 'StorageConfig gone does not exist in this namespace' },
    ]);
    expect(collectWanted([], [], many).problems).toEqual([
      { reason: 'QuotaExceeded', message: 'the pod names 17 StorageConfigs; at most 16 are allowed' },
    ]);
  });
});
