import { describe, expect, it } from 'vitest';
import { changed, type Edit, type StoreObject } from './write.ts';

const place = { namespace: 'sys', name: 'stores-marketing' };
const source = { type: 'KUBERNETES', id: 'marketing' } as const;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const store = (more: object = {}): StoreObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { ...place, uid: 'u', resourceVersion: '7', labels: { team: 'a' }, annotations: { x: 'y' } },
  type: 'Opaque',
  data: { a: base64('1'), b: base64('2') },
  ...more,
});
const create = (key: string, value = 'v'): Edit => ({ verb: 'create', key, source, value });
const update = (key: string, value = 'v'): Edit => ({ verb: 'update', key, source, value });
const remove = (key: string): Edit => ({ verb: 'delete', key, source });
const dataOf = (object: object) => (object as StoreObject).data;

describe('a change of a store', () => {
  it.each([
    ['adds a key', create('c'), { a: base64('1'), b: base64('2'), c: base64('v') }],
    ['replaces a value', update('a', 'ä'), { a: base64('ä'), b: base64('2') }],
    ['takes a key away', remove('a'), { b: base64('2') }],
  ])('%s and leaves everything else as it is', (_, edit, data) => {
    const { exists, object } = changed(store(), edit, place);
    expect(exists).toBe(true);
    expect(object).toEqual({ ...store(), data });
  });

  it('leaves an empty store behind the last key', () => {
    const { object } = changed(store({ data: { a: '' } }), remove('a'), place);
    expect(dataOf(object)).toEqual({});
  });

  it('makes the store with its first key', () => {
    expect(changed(undefined, create('a'), place)).toEqual({
      exists: false,
      object: { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: place, data: { a: base64('v') } },
    });
  });

  it('fills a store that has no data', () => {
    const { data: _, ...empty } = store();
    expect(dataOf(changed(empty, create('a'), place).object)).toEqual({ a: base64('v') });
  });

  it('knows a key that is called __proto__', () => {
    const { object } = changed(store(), create('__proto__'), place);
    const text = JSON.stringify(object);
    expect(text).toContain(`"__proto__":"${base64('v')}"`);
    const again = JSON.parse(text) as StoreObject;
    expect(() => changed(again, create('__proto__'), place)).toThrow(
      expect.objectContaining({ code: 'AlreadyExists' }),
    );
    expect(JSON.stringify(changed(again, remove('__proto__'), place).object)).not.toContain('__proto__');
    expect(() => changed(store(), remove('__proto__'), place)).toThrow(
      expect.objectContaining({ code: 'NotFound' }),
    );
    expect(() => changed(store(), update('constructor'), place)).toThrow(
      expect.objectContaining({ code: 'NotFound' }),
    );
  });

  const meta = { ...store().metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  it.each([
    ['a key that is there is created', store(), create('a'), 'AlreadyExists'],
    ['a key that is not there is updated', store(), update('c'), 'NotFound'],
    ['a key that is not there is deleted', store(), remove('c'), 'NotFound'],
    ['there is no store to update in', undefined, update('a'), 'NotFound'],
    ['there is no store to delete from', undefined, remove('a'), 'NotFound'],
    ['the store is immutable', store({ immutable: true }), update('a'), 'Forbidden'],
    ['the Secret has another type', store({ type: 'kubernetes.io/tls' }), create('c'), 'Forbidden'],
    ['the store is being deleted', store({ metadata: meta }), create('c'), 'Forbidden'],
    [
      'the store is full',
      store({ data: { big: base64('x'.repeat(1_048_576)) } }),
      create('c', 'y'),
      'Invalid',
    ],
  ] as const)('is refused if %s', (_, before, edit, code) => {
    expect(() => changed(before, edit, place)).toThrow(expect.objectContaining({ code }));
  });

  it('fills a store to the last byte', () => {
    const full = store({ data: { big: base64('x'.repeat(1_048_575)) } });
    expect(() => changed(full, create('c', 'y'), place)).not.toThrow();
  });

  it('makes room while a store is too full', () => {
    const over = store({ data: { big: base64('x'.repeat(1_048_577)), small: '' } });
    expect(() => changed(over, remove('small'), place)).not.toThrow();
  });
});
