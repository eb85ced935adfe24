import { describe, expect, it } from 'vitest';
import { presentList, presentObject, type Presenting } from './present.ts';
import { placeholders } from './test-support.ts';

const how = (more: Partial<Presenting> = {}): Presenting => ({
  ...{ group: 'g.example.com', version: 'v1', resource: placeholders().resource },
  ...{ form: 'object', includeObject: 'Metadata' },
  ...more,
});
const object = { metadata: { name: 'x', namespace: 'a' }, spec: { color: 'red', length: 3 } };
const typed = { apiVersion: 'g.example.com/v1', kind: 'Placeholder', ...object };
const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: object.metadata };

describe('an object', () => {
  it('is given with its type', () => {
    expect(presentObject(object, how())).toEqual(typed);
  });

  it('is given as metadata alone', () => {
    expect(presentObject(object, how({ form: 'metadata' }))).toEqual(partial);
  });

  it('is given as a table of one row', () => {
    expect(presentObject(object, how({ form: 'table' }))).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', description: 'The name.', priority: 0 },
        { name: 'Color', type: 'string', format: '', description: 'The color.', priority: 0 },
        { name: 'Length', type: 'number', format: '', description: 'Of the value.', priority: 1 },
      ],
      rows: [{ cells: ['x', 'red', 3], object: partial }],
    });
  });

  it.each([
    ['None', null],
    ['Metadata', partial],
    ['Object', typed],
  ] as const)('has in its row of a table: %s', (includeObject, row) => {
    expect(presentObject(object, how({ form: 'table', includeObject }))).toMatchObject({
      rows: [{ object: row }],
    });
  });
});

describe('a list', () => {
  const page = { items: [object], continueToken: 'c', remainingItemCount: 2 };
  const metadata = { resourceVersion: '', continue: 'c', remainingItemCount: 2 };

  it('says what comes after it, in each form', () => {
    expect(presentList(page, how())).toEqual({
      apiVersion: 'g.example.com/v1',
      kind: 'PlaceholderList',
      metadata,
      items: [typed],
    });
    expect(presentList(page, how({ form: 'metadata' }))).toEqual({
      apiVersion: 'meta.k8s.io/v1',
      kind: 'PartialObjectMetadataList',
      metadata,
      items: [partial],
    });
    expect(presentList(page, how({ form: 'table' }))).toMatchObject({
      metadata,
      rows: [{ cells: ['x', 'red', 3] }],
    });
  });

  it('that is empty has columns all the same', () => {
    expect(presentList({ items: [] }, how({ form: 'table' }))).toMatchObject({
      metadata: { resourceVersion: '' },
      columnDefinitions: [{ type: 'string' }, { type: 'string' }, { type: 'string' }],
      rows: [],
    });
  });
});
