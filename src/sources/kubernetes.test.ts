import { describe, expect, it } from 'vitest';
import { readStore, storeId, storeName, type StoreSecret } from './kubernetes.ts';

const PREFIX = 'iomete-secret-store';

describe('the name of a store', () => {
  const names: Record<string, [id: string, name: string | undefined]> = {
    'is the prefix for the global store': ['global', 'iomete-secret-store'],
    "ends in the domain's name for a domain": ['marketing', 'iomete-secret-store-marketing'],
    'takes a domain with digits and hyphens': ['a-1-b', 'iomete-secret-store-a-1-b'],
    'takes the longest domain name there is': ['a'.repeat(63), `iomete-secret-store-${'a'.repeat(63)}`],
    'does not exist for a longer one': ['a'.repeat(64), undefined],
    'does not exist for an empty id': ['', undefined],
    'does not exist for an id with a dot': ['a.b', undefined],
    'does not exist for an id with a slash': ['../kube-system/token', undefined],
    'does not exist for an id in capitals': ['Marketing', undefined],
    'does not exist for an id that ends in a hyphen': ['marketing-', undefined],
    'does not exist for an id that starts with a hyphen': ['-marketing', undefined],
    'does not exist for an id with a line break': ['marketing\n', undefined],
  };
  it.each(Object.entries(names))('%s', (_, [id, name]) => {
    expect(storeName(PREFIX, id)).toBe(name);
  });

  const ids: Record<string, [name: string, id: string | undefined]> = {
    'leads back to global': ['iomete-secret-store', 'global'],
    'leads back to the domain': ['iomete-secret-store-marketing', 'marketing'],
    'leads nowhere for another Secret': ['vault-prod', undefined],
    'leads nowhere for the prefix with other letters after it': ['iomete-secret-stores', undefined],
    'leads nowhere for the prefix and a hyphen alone': ['iomete-secret-store-', undefined],
    'leads nowhere for a domain called global, which is reserved': ['iomete-secret-store-global', undefined],
    'leads nowhere for what cannot be a domain': ['iomete-secret-store-a.b', undefined],
  };
  it.each(Object.entries(ids))('%s', (_, [name, id]) => {
    expect(storeId(PREFIX, name)).toBe(id);
  });
});

describe('reading a store', () => {
  const read = (id: string, secrets: Record<string, StoreSecret>) =>
    readStore({
      prefix: PREFIX,
      systemNamespace: 'fairlead-system',
      id,
      getSecret: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
    });
  const opaque = (data: Record<string, string>): StoreSecret => ({ type: 'Opaque', data });

  it('gives the bytes of every key', () => {
    const answer = read('marketing', {
      'iomete-secret-store-marketing': opaque({ text: btoa('p@ss\n'), bytes: 'AP+A', empty: '' }),
    });
    expect(answer).toEqual({
      kind: 'fields',
      location: 'Secret fairlead-system/iomete-secret-store-marketing',
      fields: new Map([
        ['text', Buffer.from('p@ss\n')],
        ['bytes', Buffer.from([0, 255, 128])],
        ['empty', Buffer.alloc(0)],
      ]),
    });
  });

  it('keeps keys that JavaScript objects have by birth apart from them', () => {
    const data = JSON.parse(`{"__proto__": "${btoa('a')}", "constructor": "${btoa('b')}"}`);
    const answer = read('global', { 'iomete-secret-store': opaque(data) });
    const fields = answer.kind === 'fields' ? answer.fields : new Map();
    expect([...fields.keys()]).toEqual(['__proto__', 'constructor']);
    expect(fields.get('toString')).toBeUndefined();
  });

  it('gives no fields for a store without data', () => {
    const answer = read('global', { 'iomete-secret-store': { type: 'Opaque' } });
    expect(answer).toMatchObject({ kind: 'fields', fields: new Map() });
  });

  const failures: Record<string, [id: string, secrets: Record<string, StoreSecret>, message: string]> = {
    'says that a store does not exist': [
      'marketing',
      {},
      'Secret fairlead-system/iomete-secret-store-marketing does not exist',
    ],
    'does not take the global store for a missing one': [
      'marketing',
      { 'iomete-secret-store': opaque({}) },
      'Secret fairlead-system/iomete-secret-store-marketing does not exist',
    ],
    'refuses a Secret of another type': [
      'marketing',
      { 'iomete-secret-store-marketing': { type: 'kubernetes.io/tls', data: { 'tls.key': 'AAAA' } } },
      'Secret fairlead-system/iomete-secret-store-marketing is not of type Opaque',
    ],
    'refuses a Secret without a type': [
      'marketing',
      { 'iomete-secret-store-marketing': { data: {} } },
      'Secret fairlead-system/iomete-secret-store-marketing is not of type Opaque',
    ],
    'does not repeat an id that no domain can have': [
      '../../etc',
      {},
      'the source id is neither a domain (a DNS label) nor global',
    ],
  };
  it.each(Object.entries(failures))('%s', (_, [id, secrets, message]) => {
    expect(read(id, secrets)).toMatchObject({ kind: 'failed', reason: 'StoreNotFound', message });
  });
});
