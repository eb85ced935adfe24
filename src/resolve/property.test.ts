import { assert, jsonValue, property as forAll, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../json/json.ts';
import { JsonReader } from './property.ts';

const read = (value: string | Uint8Array, property: string) =>
  new JsonReader().property(new Map([['k', value]]), 'k', property);
const text = (value: string | Uint8Array, property: string) => {
  const found = read(value, property);
  return found.kind === 'found' ? plain(found.value) : found.kind;
};

const TEAM = '{"db":{"users":[{"name":"ann","id":9007199254740993},{"name":"bob"}]},"port":5432.0}';

describe('a property of a JSON value', () => {
  const rows: Record<string, [value: string, property: string, text: string]> = {
    'a string as it is': ['{"a":" x\\n"}', 'a', ' x\n'],
    'a number with its digits': [TEAM, 'port', '5432.0'],
    'a large number below an array': [TEAM, 'db.users.0.id', '9007199254740993'],
    'an object as compact JSON': [TEAM, 'db.users.1', '{"name":"bob"}'],
    'null as null': ['{"a":null}', 'a', 'null'],
    'false as false': ['{"a":false}', 'a', 'false'],
    'an empty string': ['{"a":""}', 'a', ''],
    'the last element of an array': [TEAM, 'db.users.1.name', 'bob'],
    'an element of an array at the top': ['["a",["b"]]', '1.0', 'b'],
    'a key with dots before the way through it': ['{"a.b":"literal","a":{"b":"nested"}}', 'a.b', 'literal'],
    'the way through if there is no such key': ['{"a":{"b":"nested"}}', 'a.b', 'nested'],
    'a key with dots further down': ['{"a":{"b.c":"x","b":{"c":"y"}}}', 'a.b.c', 'x'],
    'a key with a number in an object': ['{"0":{"1":"x"}}', '0.1', 'x'],
    'an empty key on the way': ['{"":{"a":"x"}}', '.a', 'x'],
    'a key that objects have by birth': ['{"__proto__":{"constructor":"x"}}', '__proto__.constructor', 'x'],
  };
  it.each(Object.entries(rows))('is %s', (_, [value, property, expected]) => {
    expect(text(value, property)).toBe(expected);
    expect(text(Buffer.from(value), property)).toBe(expected);
  });

  it.each([
    ['another name', '{"a":1}', 'b'],
    ['something below a string', '{"a":"{}"}', 'a.b'],
    ['what objects have by birth', '{"a":{}}', 'a.constructor'],
    ['the length of an array', '{"a":[1]}', 'a.length'],
    ['an index past the end', '{"a":[1]}', 'a.1'],
    ['an index that is written otherwise', '{"a":[1,2]}', 'a.01'],
    ['a negative index', '{"a":[1]}', 'a.-1'],
    ['a head that is no key, though the next dot makes one', '{"a.b":{"c":"x"}}', 'a.b.c'],
    ['anything of a number', '5', 'a'],
  ])('is missing: %s', (_, value, property) => {
    expect(read(value, property)).toEqual({ kind: 'missing' });
  });

  it.each([
    ['plain text', 'hunter2'],
    ['nothing', ''],
    ['half of an object', '{"a":'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe])],
  ])('is none of %s', (_, value) => {
    expect(read(value, 'a')).toEqual({ kind: 'not JSON' });
  });

  it('tells the way it took', () => {
    expect(read('{"a":{"b.c":"x"}}', 'a.b.c')).toMatchObject({ path: ['a', 'b.c'] });
  });

  it('is read once for all who ask', () => {
    const json = new JsonReader();
    const fields = new Map([['k', TEAM]]);
    expect(json.value(fields, 'k')).toBe(json.value(fields, 'k'));
    expect(json.property(fields, 'k', 'db')).toBe(json.property(fields, 'k', 'db'));
  });

  it('of anything never throws', () => {
    assert(
      forAll(jsonValue(), string(), (value, property) => {
        expect(['found', 'missing']).toContain(read(JSON.stringify(value), property).kind);
      }),
    );
  });
});
