import { describe, expect, it } from 'vitest';
import { chartReadme, valuesOf } from './readme.ts';

describe('the table of values', () => {
  it.each([
    ['# Of it.\na: 1\n', [{ name: 'a', preset: '1', text: 'Of it.' }]],
    ['# Two\n# lines.\na: x\n', [{ name: 'a', preset: 'x', text: 'Two lines.' }]],
    ['# Of all.\n\n# Of it.\na: 1\n', [{ name: 'a', preset: '1', text: 'Of it.' }]],
    ['a:\n  # Deep.\n  b: []\n', [{ name: 'a.b', preset: '[]', text: 'Deep.' }]],
    [
      '# All.\na:\n  b: {}\n  # Other.\n  c: true\n',
      [
        { name: 'a', preset: '', text: 'All.' },
        { name: 'a.b', preset: '{}', text: '' },
        { name: 'a.c', preset: 'true', text: 'Other.' },
      ],
    ],
    ['a: { b: 1 }\n', [{ name: 'a', preset: '{ b: 1 }', text: '' }]],
  ])('of %j', (text, expected) => expect(valuesOf(text)).toEqual(expected));
});

it('tells of every value of the chart what it is', async () => {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../charts/fairlead/values.yaml', import.meta.url), 'utf8');
  // Those that every chart has.
  const known =
    /^(nodeSelector|tolerations|affinity|priorityClassName|podLabels|podAnnotations|imagePullSecrets)$|(^|\.)(resources|enabled|interval|labels|pullPolicy|repository)$/;
  const silent = valuesOf(text).filter(({ name, text }) => text === '' && !known.test(name));
  expect(silent.map(({ name }) => name)).toEqual([]);
  expect(await chartReadme()).toContain('| `keysApi.enabled` | `false` |');
});
