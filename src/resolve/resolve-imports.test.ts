import { describe, expect, it } from 'vitest';
import type { ImportEntry } from '../api/secret-reference.ts';
import type { PlaceKey } from './place.ts';
import { resolve } from './resolve.ts';
import type { SourceState } from './state.ts';
import type { Wanted, WantedImport } from './wanted.ts';

const wanted = (name: string, key: string, id = 'marketing', optional = false): Wanted => ({
  name,
  secret: { key, source: { type: id.startsWith('vault') ? 'VAULT' : 'KUBERNETES', id } },
  optional,
});
const fields = (values: Record<string, string>, version?: number): SourceState => ({
  kind: 'fields',
  location: 'the place',
  fields: new Map(Object.entries(values)),
  ...(version !== undefined && { version }),
});
const states = (of: Record<string, SourceState>) => new Map(Object.entries(of) as [PlaceKey, SourceState][]);
const sealed: SourceState = { kind: 'failed', reason: 'Sealed', message: 'Vault is sealed (503)' };

describe('imports', () => {
  const vault = { type: 'VAULT', id: 'vault-prod' } as const;
  const one = (rest: Partial<ImportEntry> = {}, name = 'envFrom[0] of warehouse'): WantedImport => ({
    name,
    entry: { source: vault, ...rest },
  });
  const all = (imports: WantedImport[], ...variables: Wanted[]) => ({
    variables,
    properties: [],
    imports,
    problems: [],
  });
  const told = (problems: ReturnType<typeof resolve>['problems']) =>
    problems.map(({ reason, entry, place, message }) => [reason, entry, place, message]);

  it('bring what their place holds, beside the variables of env', () => {
    const { data, problems, imports, provenance } = resolve(
      all([one({ path: 'db' })], wanted('A', 'a')),
      states({
        'KUBERNETES/marketing': fields({ a: '1' }),
        'VAULT/vault-prod/db': fields({ B: '2', C: '3' }, 5),
      }),
    );
    expect(problems).toEqual([]);
    expect([...data].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['A', '1'],
      ['B', '2'],
      ['C', '3'],
    ]);
    expect(imports).toMatchObject([{ version: 5, variables: 2 }]);
    expect(provenance).toEqual(['KUBERNETES/marketing', 'VAULT/vault-prod/db@5']);
  });

  it.each<[string, WantedImport[], Wanted[]]>([
    ['by env and an import', [one()], [wanted('A', 'A', 'vault-prod')]],
    ['by two imports', [one(), one({ select: { keys: ['A'] } }, 'envFrom[1] of warehouse')], []],
    [
      'by a property and a leaf',
      [one({ expandJson: true, select: { keys: ['J'] } })],
      [{ ...wanted('J_x', 'J', 'vault-prod'), secret: { key: 'J', property: 'x', source: vault } }],
    ],
  ])('make one variable of the same key of the same place, named twice %s', (_, imports, variables) => {
    const { problems } = resolve(
      all(imports, ...variables),
      states({ 'VAULT/vault-prod': fields({ A: '1', J: '{"x":1}' }) }),
    );
    expect(problems).toEqual([]);
  });

  it.each<[string, WantedImport[], Wanted[], string]>([
    [
      'env and an import',
      [one()],
      [wanted('A', 'a')],
      'key A makes the variable A, as does env from KUBERNETES/marketing key a: exclude the key, or set a prefix',
    ],
    [
      'two imports',
      [one({ select: { keys: ['A'] } }), one({ path: 'db' }, 'envFrom[0] of lake')],
      [],
      'key A makes the variable A, as does envFrom[0] of warehouse from VAULT/vault-prod key A: exclude the key, or set a prefix',
    ],
    [
      'a property that is not there and a whole value',
      [one()],
      [{ ...wanted('A', 'A', 'vault-prod', true), secret: { key: 'A', property: 'x', source: vault } }],
      'key A makes the variable A, as does env from VAULT/vault-prod key A property x: exclude the key, or set a prefix',
    ],
  ])('hold the pod if a variable has two origins: %s', (_, imports, variables, message) => {
    const { problems } = resolve(
      all(imports, ...variables),
      states({
        'VAULT/vault-prod': fields({ A: '1' }),
        'VAULT/vault-prod/db': fields({ A: '2' }),
        'KUBERNETES/marketing': fields({ a: '3' }),
      }),
    );
    expect(told(problems)).toEqual([
      [
        'NameConflict',
        imports.at(-1)?.name,
        imports.length > 1 ? 'VAULT/vault-prod/db' : 'VAULT/vault-prod',
        message,
      ],
    ]);
    // Somebody could take the key away.
    expect(problems[0]?.mayPass).toBe(true);
  });

  it.each([
    ['holds the pod if a listed key is missing', {}, ['KeyNotFound']],
    ['does without the key if it is optional', { optional: true }, []],
  ])('%s', (_, rest, reasons) => {
    const { problems, data, imports } = resolve(
      all([one({ select: { keys: ['A', 'B'] }, ...rest })]),
      states({ 'VAULT/vault-prod': fields({ A: '1' }) }),
    );
    expect(problems.map(({ reason }) => reason)).toEqual(reasons);
    expect([...data.keys()]).toEqual(['A']);
    expect(imports[0]).toMatchObject({ problem: { reason: 'KeyNotFound' }, variables: 1 });
  });

  it.each<[string, SourceState, string[]]>([
    ['a place that is not there', { kind: 'failed', reason: 'PathNotFound', message: 'none' }, []],
    ['a source that cannot say', sealed, ['Sealed']],
    ['a key that is no variable name', fields({ 'a-b': '1' }), ['NotAVariableName']],
    ['a value that is no text', fields({ A: '\0' }), ['NotAnEnvironmentValue']],
  ])('if optional, forgive only what is known to be missing: %s', (_, state, reasons) => {
    const { problems } = resolve(all([one({ optional: true })]), states({ 'VAULT/vault-prod': state }));
    expect(problems.map(({ reason }) => reason)).toEqual(reasons);
  });

  it('name the key and the variable of a value that cannot be one', () => {
    const { problems } = resolve(
      all([one({ prefix: 'P_' })]),
      states({ 'VAULT/vault-prod': fields({ a: 'x\0' }) }),
    );
    expect(told(problems)).toEqual([
      [
        'NotAnEnvironmentValue',
        'envFrom[0] of warehouse',
        'VAULT/vault-prod',
        'key a as P_a: the value contains a NUL byte',
      ],
    ]);
  });

  it('make at most 1,024 variables together', () => {
    const many = (of: string) =>
      fields(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${of}${i}`, ''])));
    const imports = ['a', 'b', 'c'].map((path) => one({ path }, path));
    const place = (path: string) => `VAULT/vault-prod/${path}`;
    const { problems, ...rest } = resolve(
      all(imports),
      states({ [place('a')]: many('A'), [place('b')]: many('B'), [place('c')]: many('C') }),
    );
    expect(problems).toMatchObject([{ reason: 'QuotaExceeded', mayPass: true }]);
    expect(rest.imports.map(({ problem }) => problem?.reason)).toEqual([
      undefined,
      'QuotaExceeded',
      'QuotaExceeded',
    ]);
    const twice = [one({ path: 'a' }), one({ path: 'a' }, 'again')];
    expect(resolve(all(twice), states({ [place('a')]: many('A') })).problems).toEqual([]);
  });

  it('are held if they are over the size of a Secret', () => {
    const big = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`K${i}`, 'x'.repeat(130_000)]));
    const { problems } = resolve(all([one()]), states({ 'VAULT/vault-prod': fields(big) }));
    expect(problems.map(({ reason }) => reason)).toEqual(['TooLarge']);
  });
});
