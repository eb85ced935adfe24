import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, until, type KubeJson } from '../support/cluster.ts';
import { platform, type Platform } from '../support/platform.ts';
import { installPlugin, type Plugin } from '../support/plugin.ts';
import { startProxy, type VaultProxy } from '../support/vault-proxy.ts';
import { cluster } from '../support/cluster.ts';

const VALUE = 'pl41n-v2-v4lue';
const OFF = '--secrets-v2=false';
/** Below the integration's path, so that its own checks ask for something else. */
const BELOW = 'for-the-reference';

let p: Platform;
let proxy: VaultProxy;
let plugin: Plugin;
let dir: string;
let legacy: string;

beforeAll(async () => {
  const { bao } = await cluster();
  if (!bao) throw new Error('the cluster came without OpenBao');
  proxy = await startProxy(bao.address);
  p = await platform('secrets-v2', { flags: [OFF], vaultHost: proxy.address });
  dir = await scratch('secrets-v2-bin');
  plugin = await installPlugin(p.cluster, dir);
  legacy = await p.namespace('marketing', { 'fairlead.dev/legacy-placeholders': 'enabled' });
  await p.store('global', { smtp: VALUE });
  await p.store('marketing', { db_password: VALUE });
  await p.integration('secrets-v2', { own: VALUE }, { path: 'secret/data/secrets-v2' });
  await p.vault.put(`secret/data/secrets-v2/${BELOW}`, { s3: VALUE });
  await p.vault.policy(
    'secrets-v2',
    'path "secret/data/secrets-v2" { capabilities = ["read"] }\npath "secret/data/secrets-v2/*" { capabilities = ["read"] }',
  );
  await p.k.apply({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'SecretReference',
    metadata: { name: 'warehouse', namespace: legacy },
    spec: {
      env: [
        {
          name: 'S3',
          secret: { key: 's3', path: BELOW, source: { type: 'VAULT', id: 'secrets-v2' } },
        },
        { name: 'DB', secret: { key: 'db_password', source: { type: 'KUBERNETES', id: 'marketing' } } },
      ],
    },
  });
});
afterAll(async () => {
  await p?.stop();
  await proxy?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const placeholder = (image: string) => ({
  spec: {
    containers: [
      {
        name: 'main',
        image,
        command: ['sleep', '3600'],
        env: [{ name: 'SMTP', value: 'smtp://${secrets.smtp}@host' }],
      },
    ],
  },
});
const readyOf = async (reason: string): Promise<KubeJson> =>
  until(`the reference to be ${reason}`, async () => {
    const { status } = await p.k.get('secretreference', legacy, 'warehouse');
    const ready = status?.conditions?.find(({ type }: KubeJson) => type === 'Ready');
    return ready?.reason === reason && { ...ready, entries: status.entries };
  });

describe('with --secrets-v2=false', () => {
  it('a reference says that it is switched off, and by which flag', async () => {
    const ready = await readyOf('FeatureDisabled');
    expect(ready.status).toBe('False');
    expect(ready.message).toContain(OFF);
    expect(ready.entries.map(({ state }: KubeJson) => state)).toEqual(['FeatureDisabled', 'FeatureDisabled']);
    expect(await p.k.run('get', 'sref', 'warehouse', '-n', legacy)).toMatch(
      /warehouse +False +FeatureDisabled/,
    );
  });

  it('a pod that names one stays gated, with condition and event', async () => {
    const made = await p.pod(legacy, 'annotated');
    expect(made.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    const { message } = await p.waits(legacy, 'annotated', 'FeatureDisabled');
    expect(message).toContain(OFF);
    const event = await until('the event', async () => {
      const events = await p.k.list('events.events.k8s.io', legacy);
      return events.find(({ reason, regarding }) => reason === 'FeatureDisabled' && regarding.kind === 'Pod');
    });
    expect(event).toMatchObject({ type: 'Warning', regarding: { name: 'annotated' } });
    expect(event.note).toContain(OFF);
  });

  it('a pod with a placeholder and no annotation gets its value', async () => {
    await p.pod(legacy, 'old', '', placeholder(p.cluster.image));
    await p.released(legacy, 'old');
    expect(await p.delivered(legacy, 'old')).toEqual({ FAIRLEAD_SECRET_smtp: VALUE });
  });

  it('a pod with both gets nothing at all', async () => {
    await p.pod(legacy, 'both', 'warehouse', placeholder(p.cluster.image));
    await p.waits(legacy, 'both', 'FeatureDisabled');
    const pod = await p.getPod(legacy, 'both');
    expect(pod.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    const delivery = pod.metadata.labels['fairlead.dev/delivery'];
    expect(await p.k.get('secret', legacy, delivery)).toBeUndefined();
  });

  it('the plugin tells the same, and what to do', async () => {
    for (const [kind, name] of [
      ['pod', 'annotated'],
      ['secretreference', 'warehouse'],
    ] as const) {
      const { code, out } = await plugin(['explain', kind, name, '-n', legacy]);
      expect(code).toBe(1);
      expect(out).toContain('FeatureDisabled');
      expect(out).toContain('--secrets-v2=true');
      expect(out).not.toMatch(/Resolved|Problems/);
    }
  });

  it('no source is asked for a reference', () => {
    expect(proxy.count(BELOW)).toBe(0);
    // The integration keeps its status: that is not part of it.
    expect(proxy.count('secret/data/secrets-v2')).toBeGreaterThan(0);
  });
});

describe('switched on again', () => {
  it('everybody who waited goes on', async () => {
    await p.fairlead.process('controller').stop();
    await p.fairlead.startRole('controller', { flags: ['--secrets-v2=true'] });
    await p.released(legacy, 'annotated', 30_000);
    await p.released(legacy, 'both', 30_000);
    const wanted = { S3: VALUE, DB: VALUE };
    expect(await p.delivered(legacy, 'annotated')).toEqual(wanted);
    expect(await p.delivered(legacy, 'both')).toEqual({ ...wanted, FAIRLEAD_SECRET_smtp: VALUE });
    expect((await readyOf('Resolved')).status).toBe('True');
    expect(proxy.count(BELOW)).toBeGreaterThan(0);
  });

  it('no value is in an event or a log', async () => {
    expect(await p.k.run('get', 'events.events.k8s.io', '-A', '-o', 'json')).not.toContain(VALUE);
    expect(await p.logs()).not.toContain(VALUE);
  });
});
