import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKubeconfig } from '../../hack/install.ts';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import { scratch, until } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
/** Between the leader and the API server: it sees every request. */
let proxy: FaultyProxy;
beforeAll(async () => {
  // Not so short that a busy machine costs the other one its lease.
  p = await platform('paused', { flags: ['--lease-seconds', '8'] });
  namespace = await p.namespace('paused');
  await p.store('paused', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/paused/late' }));
  const own = join(await scratch('paused'), 'kubeconfig');
  proxy = await faultyProxy(await accountKubeconfig(p.cluster, 'fairlead-controller', own));
});
afterAll(async () => {
  await p?.stop();
  await proxy?.close();
});

const PODS = Array.from({ length: 20 }, (_, i) => `pod-${i}`);

describe('a leader that wakes up after its lease went to another one', () => {
  it('writes nothing any more, although all pods that it knew of wait, and ends with exit code 1', async () => {
    await p.fairlead.process('controller').stop();
    const flags = ['--kubeconfig', proxy.kubeconfig];
    const paused = await p.fairlead.startRole('controller', { name: 'paused', flags });
    const next = await p.fairlead.startRole('controller', { name: 'next' });
    for (const name of PODS) await p.pod(namespace, name);
    for (const name of PODS) await p.waits(namespace, name, 'KeyNotFound');

    paused.signal('SIGSTOP');
    // What they wait for comes while it sleeps; it will hear of that when it wakes.
    await p.store('paused', { a: 'one', late: 'two' });
    for (const name of PODS) await p.released(namespace, name);
    const more = await p.pod(namespace, 'held', 'nothing');
    expect(more.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);
    const before = proxy.seen.length;
    paused.signal('SIGCONT');

    expect(await paused.exited).toBe(1);
    expect(proxy.seen.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await paused.logs()).toContain('LeaseLost');
    const secrets = await p.k.list('secrets', namespace, '-l=fairlead.dev/delivery');
    const owners = secrets.map(({ metadata }) => metadata.ownerReferences[0].name as string);
    expect(owners.toSorted()).toEqual(PODS.toSorted());
    await p.waits(namespace, 'held', 'ReferenceNotFound');
    expect(await next.stop()).toBe(0);
  });

  it('had written through the same way before', async () => {
    await until('its writes', async () => proxy.seen.some(({ method }) => method === 'PATCH'));
  });
});
