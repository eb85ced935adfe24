import { describe, expect, it } from 'vitest';
import { resolve, sourcesOf, type SourceKey, type SourceState } from './resolve.ts';
import type { Wanted } from './wanted.ts';

const wanted = (name: string, key: string, id = 'marketing', optional = false): Wanted => ({
  name,
  secret: { key, source: { type: id.startsWith('vault') ? 'VAULT' : 'KUBERNETES', id } },
  optional,
});
const set = (...variables: Wanted[]) => ({ variables, problems: [] });
const fields = (values: Record<string, string>, version?: number): SourceState => ({
  kind: 'fields',
  location: 'Secret s/marketing',
  fields: new Map(Object.entries(values)),
  ...(version !== undefined && { version }),
});
const states = (of: Record<string, SourceState>) => new Map(Object.entries(of) as [SourceKey, SourceState][]);
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
    expect(resolve({ variables: [], problems: [problem] }, new Map()).problems).toEqual([problem]);
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

  it('asks each source once', () => {
    const asked = sourcesOf(
      set(wanted('A', 'a'), wanted('B', 'b'), wanted('C', 'c', 'vault-prod'), wanted('D', 'd')),
    );
    expect(asked).toEqual([
      { type: 'KUBERNETES', id: 'marketing' },
      { type: 'VAULT', id: 'vault-prod' },
    ]);
  });
});
