import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { valuesOf } from './readme.ts';

const VALUES = new URL('../../charts/fairlead/values.yaml', import.meta.url);

describe('the table of values', () => {
  it.each([
    ['# What.\na: 1\n', [{ path: 'a', fallback: '1', meaning: 'What.' }]],
    ['# Of the file.\n\n# What.\na: 1\n', [{ path: 'a', fallback: '1', meaning: 'What.' }]],
    [
      'a:\n  # Two\n  # lines.\n  b: x\n  # Other.\n  c: []\n',
      [
        { path: 'a.b', fallback: '"x"', meaning: 'Two lines.' },
        { path: 'a.c', fallback: '[]', meaning: 'Other.' },
      ],
    ],
    [
      'a:\n  # Whole.\n  resources:\n    requests: { cpu: 1 }\n',
      [{ path: 'a.resources', fallback: '{"requests":{"cpu":1}}', meaning: 'Whole.' }],
    ],
  ])('has of %j each value with what it means', (yaml, expected) => {
    expect(valuesOf(yaml)).toEqual(expected);
  });

  it('is refused for a value of which nobody says what it is for', () => {
    expect(() => valuesOf('# A.\na: 1\nb:\n  c: 2\n')).toThrow('b.c has no comment');
  });

  it('has the values that the ecosystem expects', async () => {
    const paths = valuesOf(await readFile(VALUES, 'utf8')).map(({ path }) => path);
    for (const wanted of [
      ...['replicaCount', 'image.repository', 'image.tag', 'crds.install', 'crds.keep'],
      ...[
        'features.secretsV2.enabled',
        'stores.namePrefix',
        'serviceAccount.create',
        'serviceAccount.annotations',
      ],
      ...['rbac.aggregateToDefaultRoles', 'resources', 'nodeSelector', 'tolerations', 'affinity'],
      ...[
        'topologySpreadConstraints',
        'podDisruptionBudget.enabled',
        'networkPolicy.enabled',
        'priorityClassName',
      ],
      ...['leaderElection.enabled', 'concurrency', 'logLevel', 'audit.log', 'metrics.serviceMonitor.enabled'],
      ...['metrics.dashboard.enabled', 'webhook.certManager.enabled', 'keysApi.enabled', 'extraObjects'],
    ])
      expect(paths).toContain(wanted);
  });
});
