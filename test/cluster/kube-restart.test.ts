import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { down, up, type RunningCluster } from '../../hack/cluster/index.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/objects.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { scratch, until } from '../support/cluster.ts';

/** A control plane of its own, since the API server is stopped and killed here. */
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
const namespace = 'default';
let dir: string;
let own: RunningCluster;
let client: KubeClient;
const stop = new AbortController();

beforeAll(async () => {
  dir = await scratch('kube-restart');
  own = await up({ dir, node: false, controllers: false, openbao: false });
  client = connect({ userAgent: 'restart/1', kubeconfig: own.kubeconfig });
});

afterAll(async () => {
  stop.abort();
  await client.close();
  await down(dir);
  await rm(dir, { recursive: true, force: true });
});

const make = async (name: string) =>
  client.create(configMaps, { metadata: { namespace, name, labels: { test: 'yes' } } });
const remove = async (name: string) => client.delete(configMaps, { namespace, name });

describe('a restart of the API server', () => {
  it.each(['stop', 'kill'] as const)('after a %s: nothing is lost and nothing is told twice', async (how) => {
    const told: string[] = [];
    const errors: string[] = [];
    const ended = new AbortController();
    const reflector = new Reflector<KubeObject>({
      name: 'configmaps',
      client,
      clock: systemClock,
      resource: configMaps,
      namespace,
      labelSelector: 'test',
      project: (raw) => raw,
      retry: { baseMs: 50, capMs: 500 },
      hooks: { onError: ({ during, code }) => errors.push(`${during} ${code}`) },
    });
    reflector.onChange(({ type, key }) => told.push(`${type} ${key}`));
    const running = reflector.run(ended.signal);
    await reflector.synced;
    await make('before');
    await make('deleted');
    await until('both', async () => reflector.size === 2);

    await own[how]('kube-apiserver');
    await until('the connection to break', async () => errors.length > 0);
    await expect(make('meanwhile')).rejects.toMatchObject({ code: 'Unreachable' });
    await own.start('kube-apiserver');
    await until('the API server to take requests', async () => make('after').then(() => true));
    await remove('deleted');
    await until('the changes', async () => told.length >= 4, { timeoutMs: 30_000 });
    expect(told).toEqual([
      'added default/before',
      'added default/deleted',
      'added default/after',
      'deleted default/deleted',
    ]);
    expect(reflector.stalenessMs()).toBeLessThan(30_000);
    ended.abort();
    await running;
    await remove('before');
    await remove('after');
  });
});
