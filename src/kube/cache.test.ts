import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../test/support/fake-clock.ts';
import { Cache, type CacheOptions } from './cache.ts';
import type { KubeObject } from './objects.ts';

interface Slim {
  readonly metadata: KubeObject['metadata'];
  readonly note: string;
}

const raw = (name: string, uid: string, resourceVersion: string, note = '') =>
  ({ metadata: { namespace: 'ns', name, uid, resourceVersion }, note }) as unknown as KubeObject;

let told: string[];
let errors: string[];

function make(rest: Partial<CacheOptions<Slim>> = {}): Cache<Slim> {
  const cache = new Cache<Slim>({
    project: (object) => object as unknown as Slim,
    indexes: { note: ({ note }) => [note] },
    onError: (during, code) => errors.push(`${during} ${code}`),
    ...rest,
  });
  cache.onChange(({ type, key, object, old }) =>
    told.push([type, key, object.note, old?.note].filter(Boolean).join(' ')),
  );
  return cache;
}

beforeEach(() => {
  told = [];
  errors = [];
});

describe('what counts as a change', () => {
  it.each<[string, (cache: Cache<Slim>) => void, string[]]>([
    ['a new object', () => undefined, ['added ns/a one']],
    [
      'another version',
      (cache) => cache.upsert(raw('a', 'u1', '2', 'two')),
      ['added ns/a one', 'updated ns/a two one'],
    ],
    ['the same version again: none', (cache) => cache.upsert(raw('a', 'u1', '1', 'one')), ['added ns/a one']],
    [
      'another uid: deleted and added',
      (cache) => cache.upsert(raw('a', 'u2', '5', 'new')),
      ['added ns/a one', 'deleted ns/a one', 'added ns/a new'],
    ],
    [
      'a deletion, with the last state',
      (cache) => cache.remove('ns/a', 'u1'),
      ['added ns/a one', 'deleted ns/a one'],
    ],
    ['the deletion of a predecessor: none', (cache) => cache.remove('ns/a', 'u0'), ['added ns/a one']],
    ['the deletion of somebody unknown: none', (cache) => cache.remove('ns/b'), ['added ns/a one']],
    [
      'an object that a complete list does not hold',
      (cache) => cache.retain(new Set(['ns/b'])),
      ['added ns/a one', 'deleted ns/a one'],
    ],
    ['an object that it holds: none', (cache) => cache.retain(new Set(['ns/a'])), ['added ns/a one']],
  ])('%s', (_, act, expected) => {
    const cache = make();
    cache.upsert(raw('a', 'u1', '1', 'one'));
    act(cache);
    expect(told).toEqual(expected);
    expect(errors).toEqual([]);
  });

  it('the store answers with the new state while it is told', () => {
    const cache = make();
    const seen: (string | undefined)[] = [];
    cache.onChange(({ key }) => seen.push(cache.store.get(key)?.note));
    cache.upsert(raw('a', 'u1', '1', 'one'));
    cache.upsert(raw('a', 'u1', '2', 'two'));
    cache.remove('ns/a');
    expect(seen).toEqual(['one', 'two', undefined]);
  });
});

describe('a handler', () => {
  it('that throws stops neither the others nor the cache', () => {
    const cache = make();
    const after: string[] = [];
    cache.onChange(() => {
      throw Object.assign(new Error('hunter2'), { code: 'Broken' });
    });
    cache.onChange(({ key }) => after.push(key));
    cache.upsert(raw('a', 'u1', '1'));
    cache.upsert(raw('b', 'u2', '1'));
    expect(after).toEqual(['ns/a', 'ns/b']);
    expect(errors).toEqual(['handler Broken', 'handler Broken']);
  });

  it('that is async and rejects ends no process', async () => {
    const cache = make();
    const rejects = async (): Promise<void> => {
      throw new TypeError('hunter2');
    };
    // oxlint-disable-next-line typescript/no-misused-promises -- the mistake that must do no harm
    cache.onChange(rejects);
    cache.upsert(raw('a', 'u1', '1'));
    await settle();
    expect(errors).toEqual(['handler TypeError']);
  });

  it('hears nothing after it has unsubscribed, even if the same function still follows', () => {
    const cache = make();
    const seen: string[] = [];
    const handler = ({ key }: { key: string }): void => void seen.push(key);
    const first = cache.onChange(handler);
    cache.onChange(handler);
    first();
    first();
    cache.upsert(raw('a', 'u1', '1'));
    expect(seen).toEqual(['ns/a']);
  });

  it('may unsubscribe while it is told', () => {
    const cache = make();
    const seen: string[] = [];
    const stop = cache.onChange(({ key }) => {
      seen.push(key);
      stop();
    });
    cache.upsert(raw('a', 'u1', '1'));
    cache.upsert(raw('b', 'u2', '1'));
    expect(seen).toEqual(['ns/a']);
    expect(told).toHaveLength(2);
  });
});

describe('what is kept', () => {
  it('is what the projection makes of it, without managedFields', () => {
    const cache = make({
      project: (object) => {
        expect(object.metadata).not.toHaveProperty('managedFields');
        return { metadata: object.metadata, note: 'slim' };
      },
    });
    const object = raw('a', 'u1', '1', 'a lot');
    Object.assign(object.metadata, { managedFields: [{ manager: 'kubectl' }] });
    cache.upsert(object);
    expect(cache.store.get('ns/a')).toEqual({ metadata: object.metadata, note: 'slim' });
  });

  it.each<[string, Partial<CacheOptions<Slim>>]>([
    [
      'cannot be projected',
      {
        project: (object) => {
          if (object.metadata.resourceVersion === '2') throw new RangeError('hunter2');
          return object as unknown as Slim;
        },
      },
    ],
    [
      'cannot be indexed',
      {
        indexes: {
          note: ({ metadata, note }) => {
            if (metadata.resourceVersion === '2') throw new RangeError('hunter2');
            return [note];
          },
        },
      },
    ],
  ])('a state that %s is as good as gone, and the next one counts again', (_, rest) => {
    const cache = make(rest);
    for (const version of ['1', '2', '3']) cache.upsert(raw('a', 'u1', version, `v${version}`));
    expect(told).toEqual(['added ns/a v1', 'deleted ns/a v1', 'added ns/a v3']);
    expect(errors).toEqual(['project RangeError']);
    expect(cache.store.byIndex('note', 'v1')).toEqual([]);
  });
});
