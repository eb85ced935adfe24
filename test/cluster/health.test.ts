/** Real statuses, as Argo CD, Flux and others read them: whoever waits for our objects sees what they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { argocdHealth, kstatus, type Health } from '../support/health.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { settled } from '../support/vault-product.ts';

let p: Platform;
let namespace: string;
let argocd: Health;
beforeAll(async () => {
  argocd = await argocdHealth();
  await kstatus([]);
  p = await platform('health');
  namespace = await p.namespace('health');
  await p.store('health', { a: 'one' });
  await p.integration('health-good', { a: 'one' }, { domains: ['health'] });
  await settled(p, 'health-good', 'Connected');
  const storage = { apiVersion: 'fairlead.dev/v1alpha1', kind: 'StorageConfig' };
  const key = (name: string) => ({ key: name, source: { type: 'KUBERNETES', id: 'health' } });
  await p.k.apply(
    reference('good', namespace, { A: 'KUBERNETES/health/a' }),
    reference('waits', namespace, { A: 'KUBERNETES/health/later' }),
    reference('hopeless', namespace, { A: 'VAULT/health-good/nope' }),
    {
      ...storage,
      metadata: { name: 'bucket', namespace },
      spec: {
        type: 's3',
        region: 'eu-central-1',
        bucket: 'lake',
        accessKeySecret: key('a'),
        storageSecret: key('a'),
      },
    },
  );
}, 300_000);
afterAll(async () => p?.stop());

/** The object, once Fairlead has told how it is. */
async function told(kind: string, in_: string, name: string): Promise<KubeJson> {
  return until(`the conditions of ${name}`, async () => {
    const object = await p.k.get(kind, in_, name);
    return object?.status?.conditions?.some(({ type }: KubeJson) => type === 'Ready') ? object : undefined;
  });
}

const both = async (object: KubeJson) => {
  const [seen] = await kstatus([object]);
  return { kstatus: seen, argocd: (await argocd.of(object.kind, object)).status };
};

describe('an object', () => {
  it.each([
    ['secretreference', 'good'],
    ['storageconfig', 'bucket'],
    ['vaultintegration', 'health-good'],
  ])('that is Ready is healthy: %s %s', async (kind, name) => {
    const object = await told(kind, kind === 'vaultintegration' ? SYSTEM : namespace, name);
    expect(await both(object)).toEqual({ kstatus: 'Current', argocd: 'Healthy' });
  });

  it('that goes on by itself, or needs somebody, is told apart', async () => {
    const waits = await told('secretreference', namespace, 'waits');
    const hopeless = await told('secretreference', namespace, 'hopeless');
    for (const object of [waits, hopeless]) {
      const stalled = object.status.conditions.some(
        ({ type, status }: KubeJson) => type === 'Stalled' && status === 'True',
      );
      expect(await both(object)).toEqual(
        stalled
          ? { kstatus: 'Failed', argocd: 'Degraded' }
          : { kstatus: 'InProgress', argocd: 'Progressing' },
      );
    }
  });

  it('that was changed since is in progress, whatever its conditions say', async () => {
    const object = await told('secretreference', namespace, 'good');
    const changed = {
      ...object,
      metadata: { ...object.metadata, generation: object.metadata.generation + 1 },
    };
    expect(await both(changed)).toEqual({ kstatus: 'InProgress', argocd: 'Progressing' });
  });
});
