import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatusError } from '../../aggregation/errors.ts';
import { readBody } from './body.ts';

const VALUE = 'hunter2-planted';
const NAME = 'kubernetes:marketing:db_password';
const SECRET = { key: 'db_password', source: { type: 'KUBERNETES', id: 'marketing' } };

function refusal(body: unknown, name?: string): StatusError {
  try {
    readBody(body, name);
  } catch (error) {
    return error as StatusError;
  }
  throw new Error('the body was taken');
}

describe('the body of a create', () => {
  it.each([
    ['the name alone', { metadata: { name: NAME }, spec: { value: VALUE } }],
    ['the secret object alone', { metadata: {}, spec: { secret: SECRET, value: VALUE } }],
    ['no metadata', { spec: { secret: SECRET, value: VALUE } }],
    ['both', { metadata: { name: NAME }, spec: { secret: SECRET, value: VALUE } }],
    [
      'what kubectl replace sends: a resourceVersion that is empty',
      { metadata: { name: NAME, resourceVersion: '', creationTimestamp: null }, spec: { value: VALUE } },
    ],
  ])('says which key it is by %s', (_, body) => {
    expect(readBody(body)).toEqual({ ...SECRET, name: NAME, value: VALUE, warnings: [] });
  });

  it.each(['', ' ', 'ä🔑', 'a\nb', '\u0000', 'x'.repeat(131_072)])('takes any text for a value', (value) => {
    expect(readBody({ metadata: { name: NAME }, spec: { value } }).value).toBe(value);
  });

  it('warns of what is not kept', () => {
    const metadata = { name: NAME, labels: { a: 'b' }, annotations: {}, finalizers: ['x/y'] };
    expect(readBody({ metadata, spec: { value: VALUE } }).warnings).toEqual([
      'not kept, since a key is no object: metadata.labels, metadata.finalizers',
    ]);
  });

  const ok = { value: VALUE };
  const meta = { name: NAME };
  it.each([
    ['nothing', undefined, ['spec.value']],
    ['a list', [], ['spec.value']],
    ['no value', { metadata: meta, spec: {} }, ['spec.value']],
    ['a value of null', { metadata: meta, spec: { value: null } }, ['spec.value']],
    ['a number', { metadata: meta, spec: { value: 42 } }, ['spec.value']],
    ['half a character', { metadata: meta, spec: { value: '\ud800' } }, ['spec.value']],
    ['too long a value', { metadata: meta, spec: { value: 'x'.repeat(131_073) } }, ['spec.value']],
    ['too many bytes', { metadata: meta, spec: { value: 'ä'.repeat(65_537) } }, ['spec.value']],
    ['no key', { spec: ok }, ['spec.secret']],
    ['a name that is none', { metadata: { name: 'db_password' }, spec: ok }, ['metadata.name']],
    ['generateName', { metadata: { generateName: 'a-' }, spec: ok }, ['metadata.generateName']],
    [
      'a resourceVersion',
      { metadata: { ...meta, resourceVersion: '1' }, spec: ok },
      ['metadata.resourceVersion'],
    ],
    ['a uid', { metadata: { ...meta, uid: 'u' }, spec: ok }, ['metadata.uid']],
    [
      'a name and another secret object',
      { metadata: meta, spec: { ...ok, secret: { ...SECRET, key: 'other' } } },
      ['spec.secret'],
    ],
    ['a secret object without source', { spec: { ...ok, secret: { key: 'a' } } }, ['spec.secret.source']],
    [
      'a source of another type',
      { spec: { ...ok, secret: { key: 'a', source: { type: 'AWS', id: 'x' } } } },
      ['spec.secret.source.type'],
    ],
    ['a secret object that is a text', { spec: { ...ok, secret: VALUE } }, ['spec.secret']],
    [
      'a key that no Secret takes',
      { metadata: { name: 'kubernetes:marketing:a b' }, spec: ok },
      ['metadata.name'],
    ],
    [
      'a key that begins with two dots',
      { spec: { ...ok, secret: { ...SECRET, key: '..data' } } },
      ['spec.secret.key'],
    ],
    ['all at once', { metadata: { uid: 'u' }, spec: { value: 1 } }, ['metadata.uid', 'spec.value']],
  ])('is refused with %s, naming the field and never a value', (_, body, fields) => {
    const error = refusal(body);
    expect(error.code).toBe('Invalid');
    expect(error.details.causes?.map(({ field }) => field)).toEqual(fields);
    expect(error.message + JSON.stringify(error.details)).not.toContain(VALUE);
  });
});

describe('the body of an update', () => {
  it('may leave out the name, or repeat it', () => {
    expect(readBody({ spec: { value: VALUE } }, NAME)).toMatchObject(SECRET);
    expect(readBody({ metadata: { name: NAME }, spec: { value: VALUE } }, NAME)).toMatchObject(SECRET);
  });

  it('must not name another key', () => {
    const other = { metadata: { name: 'kubernetes:marketing:other' }, spec: { value: VALUE } };
    expect(refusal(other, NAME).details.causes).toMatchObject([{ field: 'metadata.name' }]);
    const secret = { ...SECRET, source: { type: 'KUBERNETES', id: 'finance' } };
    expect(refusal({ spec: { secret, value: VALUE } }, NAME).details.causes).toMatchObject([
      { field: 'spec.secret' },
    ]);
  });
});

it('whatever comes is a draft, or Invalid in words that do not quote the spec', () => {
  const marked = fc.constantFrom(VALUE, 1, null, { a: VALUE }, [VALUE]);
  const anything = fc.record(
    {
      metadata: fc.oneof(fc.object(), fc.record({ name: fc.constantFrom(NAME, 'x') })),
      spec: fc.record({ secret: marked, value: marked }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(anything, (body) => {
      try {
        expect(readBody(body)).toHaveProperty('name');
      } catch (error) {
        expect(error).toHaveProperty('code', 'Invalid');
        expect(String(error) + JSON.stringify(error)).not.toContain(VALUE);
      }
    }),
  );
});
