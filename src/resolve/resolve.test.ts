import { describe, expect, it } from 'vitest';
import type { PlaceKey } from './place.ts';
import { counted, countsOf, resolve } from './resolve.ts';
import type { SourceState } from './state.ts';
import { placesOf, type Wanted } from './wanted.ts';

const wanted = (name: string, key: string, id = 'marketing', optional = false): Wanted => ({
  name,
  secret: { key, source: { type: id.startsWith('vault') ? 'VAULT' : 'KUBERNETES', id } },
  optional,
});
const set = (...variables: Wanted[]) => ({ variables, properties: [], imports: [], problems: [] });
const fields = (values: Record<string, string>, version?: number): SourceState => ({
  kind: 'fields',
  location: 'Secret s/marketing',
  fields: new Map(Object.entries(values)),
  ...(version !== undefined && { version }),
});
const states = (of: Record<string, SourceState>) => new Map(Object.entries(of) as [PlaceKey, SourceState][]);
const sealed: SourceState = {
  kind: 'failed',
  reason: 'Sealed',
  message: 'Vault is sealed (503)',
  retryAfterMs: 4000,
};

describe('resolve', () => {
  it('gives every value under its variable, and says where it came from', () => {
    const { data, problems, provenance } = resolve(
      set(wanted('A', 'a'), wanted('B', 'b'), wanted('C', 'c', 'vault-prod')),
      states({
        'KUBERNETES/marketing': fields({ a: '1', b: '2' }),
        'VAULT/vault-prod': fields({ c: '3' }, 7),
      }),
    );
    expect(problems).toEqual([]);
    expect([...data].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['A', '1'],
      ['B', '2'],
      ['C', '3'],
    ]);
    expect(provenance).toEqual(['KUBERNETES/marketing', 'VAULT/vault-prod@7']);
  });

  it('names the place of a key that is not there', () => {
    const { problems } = resolve(
      set(wanted('A', 'nope')),
      states({ 'KUBERNETES/marketing': fields({ a: '1' }) }),
    );
    expect(problems).toEqual([
      {
        reason: 'KeyNotFound',
        message: 'Secret s/marketing has no such key',
        entry: 'A',
        secret: wanted('A', 'nope').secret,
      },
    ]);
  });

  it('passes on why a source cannot say, and when to ask again', () => {
    const { problems } = resolve(set(wanted('A', 'a', 'vault-prod')), states({ 'VAULT/vault-prod': sealed }));
    expect(problems).toMatchObject([
      { reason: 'Sealed', message: 'Vault is sealed (503)', entry: 'A', retryAfterMs: 4000 },
    ]);
  });

  it('leaves an optional variable out instead of holding the pod, and still tells its state', () => {
    const { problems, data, entries } = resolve(
      set(wanted('A', 'a'), wanted('B', 'b', 'vault-prod', true)),
      states({ 'KUBERNETES/marketing': fields({ a: '1' }), 'VAULT/vault-prod': fields({}, 1) }),
    );
    expect(problems).toEqual([]);
    expect([...data.keys()]).toEqual(['A']);
    expect(entries.map(({ problem }) => problem?.reason)).toEqual([undefined, 'KeyNotFound']);
  });

  it('holds the pod for an optional variable, too, while nobody can say whether it is there', () => {
    const optional = set(wanted('B', 'b', 'vault-prod', true));
    const { problems } = resolve(optional, states({ 'VAULT/vault-prod': sealed }));
    expect(problems.map(({ reason }) => reason)).toEqual(['Sealed']);
  });

  it('keeps the problems of the set as a whole', () => {
    const problem = { reason: 'ReferenceNotFound', message: 'gone' } as const;
    expect(
      resolve({ variables: [], properties: [], imports: [], problems: [problem] }, new Map()).problems,
    ).toEqual([problem]);
  });

  it('holds a value that cannot be an environment variable', () => {
    const { problems, data } = resolve(
      set(wanted('A', 'a')),
      states({ 'KUBERNETES/marketing': fields({ a: 'x\0' }) }),
    );
    expect(problems.map(({ reason }) => reason)).toEqual(['NotAnEnvironmentValue']);
    expect(data.size).toBe(0);
  });

  it('holds a set that is over the size of a Secret', () => {
    const big = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'x'.repeat(130_000)]));
    const variables = Object.keys(big).map((key) => wanted(key.toUpperCase(), key));
    const { problems } = resolve(set(...variables), states({ 'KUBERNETES/marketing': fields(big) }));
    expect(problems.map(({ reason }) => reason)).toEqual(['TooLarge']);
  });

  it('tells the version of a VAULT entry and none for KUBERNETES', () => {
    const { entries } = resolve(
      set(wanted('A', 'a'), wanted('C', 'c', 'vault-prod'), wanted('D', 'nope', 'vault-prod')),
      states({ 'KUBERNETES/marketing': fields({ a: '1' }), 'VAULT/vault-prod': fields({ c: '3' }, 7) }),
    );
    expect(entries.map(({ version }) => version)).toEqual([undefined, 7, 7]);
  });

  it('finds a key called __proto__ only if the source has it', () => {
    const state = states({
      'KUBERNETES/marketing': { ...fields({}), fields: new Map([['toString', 'x']]) } as SourceState,
    });
    const { problems, data } = resolve(set(wanted('__proto__', 'toString'), wanted('B', '__proto__')), state);
    expect([...data.keys()]).toEqual(['__proto__']);
    expect(problems.map(({ entry }) => entry)).toEqual(['B']);
  });

  it('asks each place once', () => {
    const asked = placesOf(
      set(wanted('A', 'a'), wanted('B', 'b'), wanted('C', 'c', 'vault-prod'), wanted('D', 'd')),
    );
    expect(asked).toEqual([
      { source: { type: 'KUBERNETES', id: 'marketing' } },
      { source: { type: 'VAULT', id: 'vault-prod' } },
    ]);
  });
});

describe('places of one integration', () => {
  const at = (name: string, rest: Partial<Wanted['secret']>): Wanted => ({
    name,
    secret: { key: 'k', source: { type: 'VAULT', id: 'vault-prod' }, ...rest },
    optional: false,
  });

  it('are asked apart, and tell their own versions', () => {
    const all = set(at('A', {}), at('B', { path: '/db/main/' }), at('C', { path: 'db/main', version: 2 }));
    expect(placesOf(all).map(({ path, version }) => [path, version])).toEqual([
      [undefined, undefined],
      ['db/main', undefined],
      ['db/main', 2],
    ]);
    const { data, entries, provenance } = resolve(
      all,
      states({
        'VAULT/vault-prod': fields({ k: 'a' }, 7),
        'VAULT/vault-prod/db/main': fields({ k: 'b' }, 3),
        'VAULT/vault-prod/db/main@2': fields({ k: 'c' }, 2),
      }),
    );
    expect([...data.values()].map(String)).toEqual(['a', 'b', 'c']);
    expect(entries.map(({ version }) => version)).toEqual([7, 3, 2]);
    expect(provenance).toEqual([
      'VAULT/vault-prod@7',
      'VAULT/vault-prod/db/main@3',
      'VAULT/vault-prod/db/main@2',
    ]);
  });

  it('fail apart', () => {
    const { problems } = resolve(
      set(at('A', {}), at('B', { path: 'db' })),
      states({ 'VAULT/vault-prod': fields({ k: 'a' }), 'VAULT/vault-prod/db': sealed }),
    );
    expect(problems.map(({ entry }) => entry)).toEqual(['B']);
  });

  it('must have been asked', () => {
    expect(() => resolve(set(at('A', { version: 1 })), states({ 'VAULT/vault-prod': fields({}) }))).toThrow(
      'no state for VAULT/vault-prod@1',
    );
  });
});

describe('a property', () => {
  const of = (property: string, optional = false): Wanted => ({
    name: 'A',
    secret: { key: 'db', property, source: { type: 'KUBERNETES', id: 'marketing' } },
    optional,
  });
  const state = states({ 'KUBERNETES/marketing': fields({ db: '{"user":{"id":90071992547409931}}' }) });

  it('is the value', () => {
    expect(
      resolve(set(of('user.id')), state)
        .data.get('A')
        ?.toString(),
    ).toBe('90071992547409931');
  });

  it.each([
    ['is not there', state, 'the JSON value of the key has no such property'],
    [
      'is asked of something that is no JSON',
      states({ 'KUBERNETES/marketing': fields({ db: 'planted' }) }),
      'the value of the key is not JSON, so it has no properties',
    ],
  ])('that %s is a key that is not there, and can be optional', (_, from, message) => {
    const { problems } = resolve(set(of('nope')), from);
    expect(problems).toEqual([{ reason: 'KeyNotFound', message, entry: 'A', secret: of('nope').secret }]);
    expect(resolve(set(of('nope', true)), from).problems).toEqual([]);
  });
});

describe('a set that is too large', () => {
  it('is not copied for each variable that looks into one large value', () => {
    const nested = (depth: number): string =>
      depth === 0 ? `"${'x'.repeat(700_000)}"` : `{"a":${nested(depth - 1)}}`;
    const fields = new Map([['k', nested(200)]]);
    const source = { type: 'VAULT', id: 'v' } as const;
    const variables = Array.from({ length: 200 }, (_, i) => ({
      name: `V${i}`,
      secret: {
        key: 'k',
        property: Array(i + 1)
          .fill('a')
          .join('.'),
        source,
      },
      optional: false,
    }));
    const before = process.memoryUsage().heapUsed;
    const found = resolve(
      { variables, properties: [], imports: [], problems: [] },
      new Map([['VAULT/v', { kind: 'fields', location: 'x', fields }]]),
    );
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
    expect(new Set(found.problems.map(({ reason }) => reason))).toEqual(new Set(['TooLarge']));
    expect(found.problems).toHaveLength(200);
  });
});

describe('Spark properties', () => {
  const property = (name: string, key: string, id = 'vault-prod', optional = false) =>
    wanted(name, key, id, optional);
  const of = (values: Record<string, string>, ...properties: Wanted[]) =>
    resolve(
      { ...set(wanted('A', 'a')), properties },
      states({ 'KUBERNETES/marketing': fields({ a: '1' }), 'VAULT/vault-prod': fields(values, 7) }),
    );

  it('have their values beside the variables, with states and provenance as those have', () => {
    const { data, properties, entries, provenance, problems } = of(
      { k: 'v' },
      property('spark.hadoop.x', 'k'),
    );
    expect([...data.keys()]).toEqual(['A']);
    expect([...properties]).toEqual([['spark.hadoop.x', Buffer.from('v')]]);
    expect(entries.map(({ wanted: { name }, version }) => [name, version])).toEqual([
      ['A', undefined],
      ['spark.hadoop.x', 7],
    ]);
    expect(provenance).toEqual(['KUBERNETES/marketing', 'VAULT/vault-prod@7']);
    expect(problems).toEqual([]);
  });

  it.each([
    ['spark.hadoop.x', '${env.X}', 'NotAConfigurationValue'],
    ['spark.x', '\r', 'NotAConfigurationValue'],
    ['spark.hadoop.x', '\0', 'NotAnEnvironmentValue'],
    ['spark.kubernetes.x', 'v', 'NotSupportedHere'],
  ])('hold the pod if the value cannot be one: %s=%j', (name, value, reason) => {
    const { problems, properties } = of({ k: value }, property(name, 'k', 'vault-prod', true));
    expect(problems).toMatchObject([{ entry: name, reason }]);
    expect(properties.size).toBe(0);
  });

  it('are left out if they are optional and not there', () => {
    const { problems, properties, entries } = of({}, property('spark.x', 'k', 'vault-prod', true));
    expect([problems, properties.size]).toEqual([[], 0]);
    expect(entries[1]?.problem?.reason).toBe('KeyNotFound');
  });

  it('are counted by messages', () => {
    const one = of({ k: 'v' }, property('spark.x', 'k'));
    expect(counted(countsOf(one))).toBe('1 variable, 1 Spark property');
    expect(counted(countsOf(of({ k: 'v' }, property('spark.x', 'k'), property('spark.y', 'k'))))).toBe(
      '1 variable, 2 Spark properties',
    );
    expect(counted(countsOf(of({})))).toBe('1 variable');
  });
});
