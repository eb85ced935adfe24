import { describe, expect, it } from 'vitest';
import { schemasOf } from './schemas.ts';

const GVK = 'x-kubernetes-group-version-kind';
const one = (schema: object, others: object = {}) => {
  const Thing = { type: 'object', [GVK]: [{ group: 'g', version: 'v1', kind: 'Thing' }], ...schema };
  const files = schemasOf({ components: { schemas: { Thing, ...others } } });
  return files.get('thing-g-v1.json')?.['definitions'] as Record<string, object>;
};

describe('the schema of a kind', () => {
  it('is one file with what it refers to, and with nothing else', () => {
    const ref = { $ref: '#/components/schemas/Part' };
    const made = one({ properties: { part: ref } }, { Part: { type: 'string' }, Unused: { type: 'string' } });
    expect(Object.keys(made)).toEqual(['Thing', 'Part']);
    expect(made['Thing']).toMatchObject({ properties: { part: { $ref: '#/definitions/Part' } } });
  });

  it.each([
    ['knows its fields', { properties: { a: {} } }, { additionalProperties: false }],
    ['is a map', { additionalProperties: { type: 'string' } }, { additionalProperties: { type: 'string' } }],
    ['may be null', { nullable: true }, { type: ['object', 'null'] }],
    [
      'has a list of objects',
      { properties: { a: { items: { properties: { b: {} } } } } },
      { properties: { a: { items: { additionalProperties: false } } } },
    ],
  ])('says so if it %s', (_, schema, expected) => {
    expect(one(schema)['Thing']).toMatchObject(expected);
  });

  it.each([
    ['takes any field', { properties: { a: {} }, 'x-kubernetes-preserve-unknown-fields': true }],
    ['is said to be one of two', { oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }],
  ])('closes nothing if it %s', (_, schema) => {
    expect(JSON.stringify(one(schema))).not.toContain('"additionalProperties":false');
  });

  it('is where kubeconform looks for it, that of the core group, too', () => {
    const Pod = { [GVK]: [{ group: '', version: 'v1', kind: 'Pod' }] };
    const Lease = { [GVK]: [{ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' }] };
    const files = schemasOf({ components: { schemas: { Pod, Lease } } });
    expect([...files.keys()]).toEqual(['pod-v1-v1.json', 'lease-coordination.k8s.io-v1.json']);
  });

  it('is not made of what many kinds share', () => {
    const shared = { [GVK]: ['a', 'b'].map((group) => ({ group, version: 'v1', kind: 'DeleteOptions' })) };
    expect([...schemasOf({ components: { schemas: { shared } } }).keys()]).toEqual([]);
  });
});
