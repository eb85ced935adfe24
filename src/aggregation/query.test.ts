import { describe, expect, it } from 'vitest';
import { dryRunOf, queryOf } from './query.ts';

const query = (text: string) => queryOf(text, ['source.type']);
const plain = {
  watch: false,
  dryRun: false,
  fieldValidation: 'Warn',
  fieldSelector: [],
  matchesNoLabels: true,
  includeObject: 'Metadata',
};

describe('a query', () => {
  it.each<[string, object]>([
    ['', {}],
    ['pretty=true&x=1&resourceVersion=0&timeout=5s', {}],
    ['dryRun=All', { dryRun: true }],
    ['dryRun=All&dryRun=All', { dryRun: true }],
    ['fieldValidation=Strict', { fieldValidation: 'Strict' }],
    ['fieldValidation=', {}],
    ['limit=500&continue=abc', { limit: 500, continueToken: 'abc' }],
    ['limit=0&continue=', {}],
    ['watch=true', { watch: true }],
    ['watch=1', { watch: true }],
    ['watch', { watch: true }],
    ['watch=false', {}],
    ['watch=0', {}],
    ['includeObject=Object', { includeObject: 'Object' }],
    ['labelSelector=a%3Db', { matchesNoLabels: false }],
    [
      'fieldSelector=metadata.name%3Dx%2Csource.type!%3DVAULT',
      {
        fieldSelector: [
          { field: 'metadata.name', equals: true, value: 'x' },
          { field: 'source.type', equals: false, value: 'VAULT' },
        ],
      },
    ],
  ])('%j means %j', (text, means) => {
    expect(query(text)).toEqual({ ...plain, ...means });
  });

  it.each([
    'dryRun=true',
    'dryRun=',
    'dryRun=all',
    'dryRun=All&dryRun=Some',
    'fieldValidation=strict',
    'limit=-1',
    'limit=x',
    'limit=1e3',
    `continue=${'x'.repeat(5000)}`,
    'includeObject=All',
    'fieldSelector=spec.value%3Dx',
    'fieldSelector=metadata.name',
    'labelSelector=a%3D%3D%3D',
  ])('%j is refused', (text) => {
    expect(() => query(text)).toThrow(expect.objectContaining({ name: 'StatusError', code: 'BadRequest' }));
  });

  it('says of no value what it was', () => {
    expect(() => query('dryRun=hunter2')).toThrow(expect.not.objectContaining({ message: /hunter2/ }));
  });
});

describe('dryRun of DeleteOptions', () => {
  it('is all or nothing', () => {
    expect([dryRunOf([]), dryRunOf(['All'])]).toEqual([false, true]);
    expect(() => dryRunOf([true])).toThrow('dryRun must be All');
  });
});
