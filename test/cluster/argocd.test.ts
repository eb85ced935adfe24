import { beforeAll, describe, expect, it } from 'vitest';
import { argocdHealth, type Health } from '../support/health.ts';

let argocd: Health;
beforeAll(async () => {
  argocd = await argocdHealth();
}, 300_000);

const ready = (status: string, message: string, observedGeneration = 2) => ({
  ...{ type: 'Ready', status, reason: 'Any', message, observedGeneration },
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const stalled = { ...ready('True', 'needs somebody'), type: 'Stalled' };

describe('the health that Argo CD shows', () => {
  it('is known for every kind', () => {
    expect([...argocd.kinds].sort()).toEqual([
      'ResourceBundle',
      'SecretReference',
      'StorageConfig',
      'VaultIntegration',
    ]);
  });

  it.each([
    ['nothing was looked at', {}, 'Progressing', 'Fairlead has not looked at it yet'],
    ['no condition is there yet', { status: {} }, 'Progressing', 'Fairlead has not looked at it yet'],
    ['it is ready', { status: { conditions: [ready('True', '2 variables')] } }, 'Healthy', '2 variables'],
    [
      'it was ready before it was changed',
      { status: { conditions: [ready('True', '2 variables', 1)] } },
      'Progressing',
      'Fairlead has not looked at it yet',
    ],
    [
      'it waits for what comes by itself',
      { status: { conditions: [ready('False', 'vault is sealed')] } },
      'Progressing',
      'vault is sealed',
    ],
    [
      'somebody has to change it',
      { status: { conditions: [stalled, ready('False', 'A is defined twice')] } },
      'Degraded',
      'A is defined twice',
    ],
  ])('when %s', async (_, object, status, message) => {
    for (const kind of argocd.kinds) {
      const seen = await argocd.of(kind, { metadata: { generation: 2 }, ...object });
      expect([kind, seen]).toEqual([kind, { status, message }]);
    }
  });
});
