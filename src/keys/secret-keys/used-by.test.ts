import { describe, expect, it } from 'vitest';
import type { ImportEntry } from '../../api/secret-reference.ts';
import type { AccessQuestion } from '../../kube/access-review.ts';
import { KubeError } from '../../kube/errors.ts';
import { ann, lab, reference, storage } from './test-support.ts';
import { usedBy, usersOf, usersOfKey } from './used-by.ts';

const own = { type: 'KUBERNETES', id: 'marketing' } as const;
const bulk = (entry: Partial<ImportEntry>) => {
  const { metadata } = reference('team-a/bulk');
  return { metadata, spec: { envFrom: [{ source: own, ...entry }] }, status: undefined };
};
const { signal } = new AbortController();

describe('the references to a key', () => {
  it.each([
    ['one variable', reference('a/x', 'KUBERNETES/marketing/k'), true],
    ['another key', reference('a/x', 'KUBERNETES/marketing/other'), false],
    [
      'the same key of another source',
      reference('a/x', 'KUBERNETES/global/k', 'KUBERNETES/marketing/o'),
      false,
    ],
    ['an import of everything', bulk({}), true],
    ['an import that lists it', bulk({ select: { keys: ['k'] } }), true],
    ['an import that lists others', bulk({ select: { keys: ['o'] } }), false],
    ['an import that leaves it out', bulk({ select: { exclude: ['k'] } }), false],
    ['an import of a prefix', bulk({ select: { prefix: 'x' } }), false],
  ])('%s', (_, one, expected) => {
    const { world } = lab({ references: [one] }).deps;
    expect(usersOfKey({ key: 'k', source: own }, world).references).toHaveLength(expected ? 1 : 0);
    expect(usersOf(own, world).references).toHaveLength(1);
  });
});

describe('the storages of a key', () => {
  it.each([
    ['one whose secret key it is', storage('a/lake', 'KUBERNETES/marketing/k'), 1],
    ['one with another key', storage('a/lake', 'KUBERNETES/marketing/other'), 0],
    ['one of another source', storage('a/lake', 'KUBERNETES/global/k'), 0],
  ])('%s', (_, one, expected) => {
    const { world } = lab({ storages: [one] }).deps;
    expect(usersOfKey({ key: 'k', source: own }, world).storages).toHaveLength(expected);
  });
});

describe('the warnings about them', () => {
  const inNamespaces = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      reference(`n${String(i).padStart(2, '0')}/r`, 'KUBERNETES/marketing/k'),
    );
  const ask = async (count: number, may: (question: AccessQuestion) => boolean | Promise<boolean>) => {
    const { deps, asked } = lab({ may });
    return {
      warnings: await usedBy('it', { references: inNamespaces(count), storages: [] }, ann, signal, deps),
      asked,
    };
  };

  it('ask once for those who may list everywhere', async () => {
    const { warnings, asked } = await ask(3, () => true);
    expect(warnings).toEqual(['3 SecretReferences still name it: n00/r, n01/r, n02/r']);
    expect(asked).toEqual([
      { ...ann, verb: 'list', group: 'fairlead.dev', resource: 'secretreferences', namespace: undefined },
    ]);
  });

  it('ask about 16 namespaces and count the rest', async () => {
    const { warnings, asked } = await ask(40, ({ namespace }) => namespace !== undefined);
    expect(asked).toHaveLength(17);
    expect(warnings[0]).toMatch(/^40 SecretReferences still name it: n00\/r, .*, n15\/r$/);
    expect(warnings.at(-1)).toBe('and 24 more');
  });

  it('count storages apart, and name them to those who may list these', async () => {
    const { deps } = lab({ may: ({ resource }) => resource === 'storageconfigs' });
    const storages = [storage('a/lake', 'KUBERNETES/marketing/k')];
    const warnings = await usedBy('it', { references: inNamespaces(2), storages }, ann, signal, deps);
    expect(warnings).toEqual(['2 SecretReferences still name it', '1 StorageConfig still names it: a/lake']);
  });

  it('tell no name without an answer', async () => {
    const { warnings } = await ask(1, async () =>
      Promise.reject(new KubeError({ code: 'Timeout', message: 'm' })),
    );
    expect(warnings).toEqual(['1 SecretReference still names it']);
  });

  it('are none for nobody, and nobody is asked', async () => {
    expect(await ask(0, () => true)).toEqual({ warnings: [], asked: [] });
  });
});
