import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeJson } from '../support/cluster.ts';
import { platform, type Platform } from '../support/platform.ts';

let p: Platform;
let legacy: string;
beforeAll(async () => {
  p = await platform('placeholders');
  await p.store('global', { smtp: 's m"t$p', 'db.pass-word': 'ünï' });
  legacy = await p.namespace('marketing', { 'fairlead.dev/legacy-placeholders': 'enabled' });
});
afterAll(async () => p?.stop());

const env = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));
const withEnv = (values: Record<string, string>, more: object = {}) => ({
  spec: {
    containers: [{ name: 'main', image: p.cluster.image, command: ['sleep', '3600'], env: env(values) }],
    ...more,
  },
});
const entries = (pod: KubeJson, list = 'containers') => pod.spec[list][0].env as KubeJson[];

describe('placeholders in a legacy namespace', () => {
  it('become references to the delivery: whole values, inside longer ones, twice in one', async () => {
    await p.pod(
      legacy,
      'job',
      '',
      withEnv({
        WHOLE: '${secrets.smtp}',
        INSIDE: 'smtp://${secrets.smtp}@host',
        TWICE: '${secrets.db.pass-word}:${secrets.db.pass-word}',
      }),
    );
    const pod = await p.released(legacy, 'job');
    const delivery = pod.metadata.annotations['fairlead.dev/delivered'];
    const fed = (key: string) => ({ secretKeyRef: { name: delivery, key: `FAIRLEAD_SECRET_${key}` } });
    expect(entries(pod)).toEqual([
      { name: 'WHOLE', valueFrom: fed('smtp') },
      { name: 'FAIRLEAD_SECRET_smtp', valueFrom: fed('smtp') },
      { name: 'INSIDE', value: 'smtp://$(FAIRLEAD_SECRET_smtp)@host' },
      { name: 'FAIRLEAD_SECRET_db.pass-word', valueFrom: fed('db.pass-word') },
      { name: 'TWICE', value: '$(FAIRLEAD_SECRET_db.pass-word):$(FAIRLEAD_SECRET_db.pass-word)' },
    ]);
    expect(await p.delivered(legacy, 'job')).toEqual({
      FAIRLEAD_SECRET_smtp: 's m"t$p',
      'FAIRLEAD_SECRET_db.pass-word': 'ünï',
    });
  });

  it('work in init containers', async () => {
    const init = [
      { name: 'init', image: p.cluster.image, command: ['true'], env: env({ A: '${secrets.smtp}' }) },
    ];
    await p.pod(legacy, 'with-init', '', withEnv({ B: 'plain' }, { initContainers: init }));
    const pod = await p.released(legacy, 'with-init');
    expect(entries(pod, 'initContainers')[0].valueFrom.secretKeyRef.key).toBe('FAIRLEAD_SECRET_smtp');
    expect(entries(pod)).toEqual([{ name: 'B', value: 'plain' }]);
  });

  it('hold the pod while the key is unknown', async () => {
    await p.pod(legacy, 'unknown', '', withEnv({ A: '${secrets.nope}' }));
    const { message } = await p.waits(legacy, 'unknown', 'KeyNotFound');
    expect(message).toContain('FAIRLEAD_SECRET_nope from KUBERNETES/global key nope');
  });

  it.each([['$${secrets.smtp}'], ['${secrets.}'], ['${other.smtp}'], ['${secrets.smtp']])(
    'leave %s alone',
    async (text) => {
      const name = `plain-${Math.random().toString(36).slice(2, 8)}`;
      const pod = await p.pod(legacy, name, '', withEnv({ A: text }));
      expect(entries(pod)).toEqual([{ name: 'A', value: text }]);
      expect(pod.spec.schedulingGates).toBeUndefined();
    },
  );

  it('go together with references', async () => {
    await p.store('marketing', { a: 'one' });
    const { reference } = await import('../support/platform.ts');
    await p.k.apply(reference('warehouse', legacy, { A: 'KUBERNETES/marketing/a' }));
    await p.pod(legacy, 'both', 'warehouse', withEnv({ B: '${secrets.smtp}' }));
    await p.released(legacy, 'both');
    expect(await p.delivered(legacy, 'both')).toEqual({ A: 'one', FAIRLEAD_SECRET_smtp: 's m"t$p' });
  });
});

describe('placeholders anywhere else', () => {
  it('are plain text', async () => {
    const namespace = await p.namespace('marketing');
    const pod = await p.pod(namespace, 'job', '', withEnv({ A: '${secrets.smtp}' }));
    expect(entries(pod)).toEqual([{ name: 'A', value: '${secrets.smtp}' }]);
    expect(pod.spec.schedulingGates).toBeUndefined();
    expect(pod.metadata.labels?.['fairlead.dev/delivery']).toBeUndefined();
  });

  it('hold a pod that a later change of the label took out of the legacy namespaces', async () => {
    const namespace = await p.namespace('late', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    await p.pod(namespace, 'job', '', withEnv({ A: '${secrets.later}' }));
    await p.waits(namespace, 'job', 'KeyNotFound');
    await p.k.run('label', 'namespace', namespace, 'fairlead.dev/legacy-placeholders-');
    await p.store('global', { smtp: 's m"t$p', 'db.pass-word': 'ünï', later: 'x' });
    await p.waits(namespace, 'job', 'NotSupportedHere');
  });
});
