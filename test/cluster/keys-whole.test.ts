import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unregisterKeysApi } from '../../hack/install.ts';
import { KEYS_API_SERVICE } from '../../src/api/names.ts';
import { until, type Kube, type KubeJson } from '../support/cluster.ts';
import { asUser, auditLines, makeOwner, removePeople, secretKey } from '../support/keys-product.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

/** The API for keys and what it must never touch: deliveries, stores when a namespace goes, the cluster when it is down. */

const DOMAIN = 'keys-whole';
const STORE = `iomete-secret-store-${DOMAIN}`;
let p: Platform;
let namespace: string;
let lead: Kube;
beforeAll(async () => {
  p = await platform('keys-whole', { keysApi: true });
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { before: 'one' });
  await makeOwner(p, { kind: 'User', name: 'kw-lead' }, DOMAIN, namespace);
  lead = asUser(p, 'kw-lead');
  const dry = secretKey(namespace, nameOf('x'), 'x');
  await until('the rights to be known', async () =>
    lead.both(['create', '--dry-run=server', '-f', '-'], dry),
  );
});
afterAll(async () => {
  if (p) await removePeople(p);
  await p?.stop();
});

const nameOf = (key: string) => `kubernetes:${DOMAIN}:${key}`;
const create = async (key: string, value: string) =>
  lead.both(['create', '-f', '-'], secretKey(namespace, nameOf(key), value));
const isGone = async (name: string) => (await p.k.get('namespace', '', name)) === undefined;

describe('a key that is written', () => {
  it('is delivered to the next pod, and so is its next value', async () => {
    await create('fresh', 'first');
    await p.k.apply(reference('warehouse', namespace, { A: `KUBERNETES/${DOMAIN}/fresh` }));
    await p.pod(namespace, 'first');
    await p.released(namespace, 'first');
    expect(await p.delivered(namespace, 'first')).toEqual({ A: 'first' });
    await lead.both(['replace', '-f', '-'], secretKey(namespace, nameOf('fresh'), 'second'));
    await p.pod(namespace, 'second');
    await p.released(namespace, 'second');
    expect(await p.delivered(namespace, 'second')).toEqual({ A: 'second' });
    expect(await p.delivered(namespace, 'first')).toEqual({ A: 'first' });
  });

  it('lets a pod go that waits for it', async () => {
    await p.k.apply(reference('late', namespace, { A: `KUBERNETES/${DOMAIN}/late` }));
    await p.pod(namespace, 'waiting', 'late');
    await p.waits(namespace, 'waiting', 'KeyNotFound');
    await create('late', 'here');
    await p.released(namespace, 'waiting');
    expect(await p.delivered(namespace, 'waiting')).toEqual({ A: 'here' });
  });

  it('and deleted makes the next pod wait', async () => {
    const { stderr } = await lead.both(['delete', 'sk', nameOf('fresh'), '-n', namespace]);
    expect(stderr).toContain(`still names key fresh of KUBERNETES/${DOMAIN}: ${namespace}/warehouse`);
    await p.pod(namespace, 'third');
    await p.waits(namespace, 'third', 'KeyNotFound');
  });
});

describe('a namespace that is deleted', () => {
  it('goes, and leaves every byte of the store as it was (security 26)', async () => {
    const doomed = await p.namespace(DOMAIN);
    await p.k.apply(reference('warehouse', doomed, { A: `KUBERNETES/${DOMAIN}/before` }));
    await p.pod(doomed, 'job');
    await p.released(doomed, 'job');
    const before = await p.k.get('secret', SYSTEM, STORE);
    expect(Object.keys(before.data)).toContain('before');
    await p.k.run('delete', 'pod', 'job', '-n', doomed, '--grace-period=0', '--force');
    await p.k.run('delete', 'namespace', doomed, '--timeout=50s');
    expect(await isGone(doomed)).toBe(true);
    expect(await p.k.get('secret', SYSTEM, STORE)).toEqual(before);
    const deletions = (await auditLines(p)).filter((line) => line.action === 'delete-key');
    expect(deletions.filter((line) => line.namespace === doomed)).toEqual([]);
  });
});

/** Stops the role, and resolves to a namespace that cannot be deleted any more. */
async function hangingNamespace(): Promise<string> {
  expect(await p.fairlead.process('keys').stop()).toBe(0);
  // kube-apiserver asks now and then, and what it knew until then still holds.
  const wait = ['wait', '--for=condition=Available=False', '--timeout=60s', 'apiservice', KEYS_API_SERVICE];
  await p.k.run(...wait);
  return until(
    'a namespace to hang',
    async () => {
      const name = await p.namespace(DOMAIN);
      await p.k.run('delete', 'namespace', name, '--wait=false');
      return until(`${name} to go or to hang`, async () => {
        const found = await p.k.get('namespace', '', name);
        if (!found) return { hangs: false, name };
        const conditions: KubeJson[] = found.status.conditions ?? [];
        const failed = conditions.find(({ type }) => type === 'NamespaceDeletionDiscoveryFailure');
        return failed?.status === 'True' && { hangs: true, name };
      }).then(({ hangs }) => hangs && name);
    },
    { timeoutMs: 90_000 },
  );
}

// The namespace controller tries again with growing pauses.
describe('while the API is registered and down (security 27)', { timeout: 200_000 }, () => {
  it('namespaces hang, all else works, and the namespaces go once it is back', async () => {
    const hung = await hangingNamespace();

    expect(await lead.refused(['get', 'sk', '-n', namespace])).toMatch(
      /unable to handle the request|ServiceUnavailable|the server doesn't have/,
    );
    await p.store('keys-whole-spare', { a: 'one' });
    // The webhook that warns fails open.
    await p.k.run('delete', 'secret', 'iomete-secret-store-keys-whole-spare', '-n', SYSTEM);
    const fresh = await p.namespace(DOMAIN);
    await p.integration('kw-vault', { b: 'two' }, { domains: [DOMAIN] });
    await p.k.apply(reference('both', fresh, { A: `KUBERNETES/${DOMAIN}/before`, B: 'VAULT/kw-vault/b' }));
    await p.pod(fresh, 'job', 'both');
    await p.released(fresh, 'job');
    expect(await p.delivered(fresh, 'job')).toEqual({ A: 'one', B: 'two' });
    expect(await isGone(hung)).toBe(false);

    await p.fairlead.startRole('keys');
    await p.fairlead.keysApiAvailable();
    await until('the namespace to go', async () => isGone(hung), { timeoutMs: 90_000 });
    expect((await lead.both(['get', 'sk', '-n', namespace])).stdout).toContain('before');
  });

  it('they go as well once the APIService is taken away', async () => {
    const hung = await hangingNamespace();
    await unregisterKeysApi(p.cluster);
    await until('the namespace to go', async () => isGone(hung), { timeoutMs: 90_000 });
    const { data } = await p.k.get('secret', SYSTEM, STORE);
    expect(Object.keys(data)).toEqual(['before', 'late']);
  });
});
