import { expect, it } from 'vitest';
import { mergeInto } from '../support/docs/fragments.ts';

it.each<[string, unknown, object]>([
  [
    'Pod',
    { metadata: { annotations: { a: 'b' } } },
    { kind: 'Pod', metadata: { name: 'fragment', annotations: { a: 'b' } } },
  ],
  ['Pod.metadata', { labels: { a: 'b' } }, { metadata: { name: 'fragment', labels: { a: 'b' } } }],
  ['Pod.spec', { containers: [] }, { spec: { containers: [] } }],
  ['VaultIntegration.spec', { auth: {} }, { spec: { displayName: 'fragment', auth: {} } }],
])('a fragment of %s is merged', (target, fragment, wanted) => {
  expect(mergeInto(target, fragment)).toMatchObject(wanted);
});

it('a list is replaced and not added to', () => {
  expect(mergeInto('Pod', { spec: { containers: [{ name: 'a' }] } })['spec']).toEqual({
    containers: [{ name: 'a' }],
  });
});

it('a kind without a base is refused', () => {
  expect(() => mergeInto('Route', {})).toThrow('no base object for a fragment of Route');
});
