import { describe, expect, it } from 'vitest';
import type { EnvEntry } from '../api/secret-reference.ts';
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
    expect(set.properties.map(({ name, from }) => [name, from])).toEqual([
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
