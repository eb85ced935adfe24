import { describe, expect, it } from 'vitest';
import type { KubeObject, ObjectRef, Resource } from '../kube/objects.ts';
import type { Freshness, LiveReads } from './live.ts';
import type { GatedPod } from './objects.ts';
import { liveView } from './view.ts';

const meta = (name: string, more: object = {}) => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: '1', ...more },
});
const entry = (name: string, type: string, id: string) => ({
  name,
  secret: { key: 'k', source: { type, id } },
});

/** The cluster as the API server would show it now, by `plural namespace/name`. */
const CLUSTER: Record<string, object> = {
  'namespaces /team-a': meta('team-a', { labels: { 'fairlead.dev/domain': 'marketing' } }),
  'secretreferences team-a/warehouse': {
    ...meta('warehouse', { namespace: 'team-a' }),
    spec: {
      env: [
        entry('A', 'KUBERNETES', 'marketing'),
        entry('B', 'VAULT', 'vault-prod'),
        entry('C', 'VAULT', 'vault-prod'),
      ],
    },
  },
  'secretreferences team-a/bulk': {
    ...meta('bulk', { namespace: 'team-a' }),
    spec: {
      envFrom: [
        { source: { type: 'VAULT', id: 'vault-prod' }, path: 'db' },
        { source: { type: 'KUBERNETES', id: 'global' } },
      ],
    },
  },
  'vaultintegrations sys/vault-prod': { ...meta('vault-prod'), spec: { domains: ['*'] } },
  'secrets sys/stores-marketing': { ...meta('stores-marketing'), type: 'Opaque', data: { k: 'dg==' } },
  'secrets sys/stores': { ...meta('stores'), type: 'Opaque', data: {} },
};

async function look(pod: Partial<GatedPod>) {
  const asked: string[] = [];
  const live = {
    get: async (
      resource: Resource,
      ref: ObjectRef,
      project: (raw: KubeObject) => unknown,
      { notBefore }: Freshness,
    ) => {
      const key = `${resource.plural} ${ref.namespace ?? ''}/${ref.name}`;
      asked.push(`${key} @${notBefore}`);
      return CLUSTER[key] && project(CLUSTER[key] as KubeObject);
    },
  } as unknown as LiveReads;
  const whole = {
    ...meta('driver', { namespace: 'team-a' }),
    references: [],
    storages: [],
    placeholders: [],
    seenAt: 7,
    ...pod,
  } as unknown as GatedPod;
  const view = await liveView(
    whole,
    { live, systemNamespace: 'sys', storePrefix: 'stores' },
    new AbortController().signal,
  );
  return { asked, view };
}

describe('the live view of what a pod asks for', () => {
  it('reads each object once, and not before the pod was seen', async () => {
    const { asked } = await look({ references: ['warehouse'] });
    expect(asked.sort()).toEqual([
      'namespaces /team-a @7',
      'secretreferences team-a/warehouse @7',
      'secrets sys/stores-marketing @7',
      'vaultintegrations sys/vault-prod @7',
    ]);
  });

  it('shows what was read', async () => {
    const { view } = await look({ references: ['warehouse'] });
    expect(view.namespace('team-a')?.domain).toBe('marketing');
    expect(view.reference('team-a/warehouse')?.spec.env).toHaveLength(3);
    expect(view.integration('vault-prod')?.spec.domains).toEqual(['*']);
    expect(view.store('stores-marketing')?.data).toEqual({ k: 'dg==' });
  });

  it('reads what is imported in bulk, too', async () => {
    const { asked, view } = await look({ references: ['bulk'] });
    expect(asked).toContain('vaultintegrations sys/vault-prod @7');
    expect(asked).toContain('secrets sys/stores @7');
    expect(view.reference('team-a/bulk')?.spec.envFrom).toHaveLength(2);
  });

  it('reads the global store for placeholders', async () => {
    const { asked, view } = await look({ placeholders: ['k'] });
    expect(asked).toContain('secrets sys/stores @7');
    expect(view.store('stores')).toBeDefined();
  });

  it('shows nothing for what is not there any more', async () => {
    const { view } = await look({ references: ['gone'] });
    expect(view.reference('team-a/gone')).toBeUndefined();
    expect(view.integration('vault-prod')).toBeUndefined();
  });

  it('knows no namespace but that of the pod', async () => {
    const { view } = await look({});
    expect(view.namespace('team-b')).toBeUndefined();
  });
});
