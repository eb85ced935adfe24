import { describe, expect, it } from 'vitest';
import { knownFields } from './fields.ts';

const schema = {
  properties: {
    spec: {
      type: 'object',
      properties: {
        value: { type: 'string' },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { a: {} } } },
        words: { type: 'object', additionalProperties: { type: 'string' } },
        anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: {} } },
        bare: { type: 'object' },
      },
    },
  },
};

describe('of what a schema does not know', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['nothing is missing', { spec: { value: 'x' } }, { spec: { value: 'x' } }, []],
    ['a field is left out', { spec: { value: 'x', vaule: 'y' } }, { spec: { value: 'x' } }, ['spec.vaule']],
    ['a field at the top is left out', { status: {} }, {}, ['status']],
    [
      'a field in a list is',
      { spec: { list: [{}, { a: 1, b: 2 }] } },
      { spec: { list: [{}, { a: 1 }] } },
      ['spec.list[1].b'],
    ],
    [
      'a field in a map is',
      { spec: { map: { x: { b: 1 } } } },
      { spec: { map: { x: {} } } },
      ['spec.map.x.b'],
    ],
    ['words of a map stay', { spec: { words: { x: '1' } } }, { spec: { words: { x: '1' } } }, []],
    [
      'everything stays where it says so',
      { spec: { anything: { z: 1 } } },
      { spec: { anything: { z: 1 } } },
      [],
    ],
    [
      'everything stays where it names no field',
      { spec: { bare: { z: 1 } } },
      { spec: { bare: { z: 1 } } },
      [],
    ],
    ['another type stays', { spec: 'x' }, { spec: 'x' }, []],
    ['a list in the place of an object stays', { spec: [{ z: 1 }] }, { spec: [{ z: 1 }] }, []],
    ['null stays', { spec: null }, { spec: null }, []],
    [
      'what is a property of objects is no field',
      { constructor: 1, toString: 2 },
      {},
      ['constructor', 'toString'],
    ],
  ])('%s', (_, value, kept, unknown) => {
    expect(knownFields(value, schema)).toEqual({ value: kept, unknown });
  });

  it('a field that is called __proto__ is left out and does no harm', () => {
    const { value, unknown } = knownFields(
      JSON.parse('{"spec":{"__proto__":{"polluted":1},"value":"x"}}'),
      schema,
    );
    expect(JSON.stringify(value)).toBe('{"spec":{"value":"x"}}');
    expect(unknown).toEqual(['spec.?']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('the name is shown only if it looks like the name of a field', () => {
    expect(knownFields({ 'p4ss-w0rd!': 1, [`a${'b'.repeat(60)}`]: 1 }, schema).unknown).toEqual(['?', '?']);
  });

  it('only the first ones are told', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, 1]));
    expect(knownFields(many, schema).unknown).toHaveLength(10);
  });
});
