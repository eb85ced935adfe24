import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from './store.ts';

interface Thing {
  readonly name: string;
  tags: readonly string[];
}
const byTag = { tag: ({ tags }: Thing) => tags, first: ({ tags }: Thing) => tags.slice(0, 1) };
const names = (things: readonly Thing[]) => things.map(({ name }) => name).sort();

describe('a store', () => {
  it('finds objects by key and by index', () => {
    const store = new Store<Thing>(byTag);
    store.set('a', { name: 'a', tags: ['x', 'y'] });
    store.set('b', { name: 'b', tags: ['y'] });
    expect(store.get('a')?.name).toBe('a');
    expect(store.has('c')).toBe(false);
    expect(store.size).toBe(2);
    expect(names(store.list())).toEqual(['a', 'b']);
    expect(names(store.byIndex('tag', 'y'))).toEqual(['a', 'b']);
    expect(names(store.byIndex('first', 'y'))).toEqual(['b']);
    expect(store.byIndex('tag', 'z')).toEqual([]);
  });

  it('moves an object from index value to index value', () => {
    const store = new Store<Thing>(byTag);
    store.set('a', { name: 'a', tags: ['x'] });
    store.set('a', { name: 'a', tags: ['y'] });
    expect(store.byIndex('tag', 'x')).toEqual([]);
    expect(names(store.byIndex('tag', 'y'))).toEqual(['a']);
  });

  it('returns what it deletes', () => {
    const store = new Store<Thing>(byTag);
    store.set('a', { name: 'a', tags: ['x'] });
    expect(store.delete('a')?.name).toBe('a');
    expect(store.delete('a')).toBeUndefined();
    expect([store.size, store.byIndex('tag', 'x').length]).toEqual([0, 0]);
  });

  it('forgets an object that somebody changed meanwhile', () => {
    const store = new Store<Thing>(byTag);
    const thing: Thing = { name: 'a', tags: ['x'] };
    store.set('a', thing);
    thing.tags = ['y'];
    store.delete('a');
    expect(store.byIndex('tag', 'x')).toEqual([]);
  });

  it('stays as it was if an index function throws', () => {
    const store = new Store<Thing>({
      strict: ({ tags }) => {
        if (tags.length === 0) throw new Error('no tags');
        return tags;
      },
    });
    store.set('a', { name: 'a', tags: ['x'] });
    expect(() => store.set('a', { name: 'new', tags: [] })).toThrow('no tags');
    expect(store.get('a')?.name).toBe('a');
    expect(names(store.byIndex('strict', 'x'))).toEqual(['a']);
  });

  it('knows the names of its indexes', () => {
    expect(() => new Store<Thing>(byTag).byIndex('tga', 'x')).toThrow('there is no index tga');
  });

  it('takes any text for a key or a value', () => {
    const store = new Store<Thing>(byTag);
    for (const key of ['__proto__', 'constructor', '']) store.set(key, { name: key, tags: [key] });
    expect(store.size).toBe(3);
    expect(names(store.byIndex('tag', '__proto__'))).toEqual(['__proto__']);
  });

  it('indexes always say what a search through all objects would', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      tags: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y', 'z'))),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const store = new Store<Thing>(byTag);
        for (const { key, tags } of steps) {
          if (tags === null) store.delete(key);
          else store.set(key, { name: key, tags });
        }
        for (const tag of ['x', 'y', 'z']) {
          const found = store.list().filter(({ tags }) => tags.includes(tag));
          expect(names(store.byIndex('tag', tag))).toEqual(names(found));
        }
      }),
    );
  });
});
