import { beforeEach, describe, expect, it } from 'vitest';
import { wireWakeups } from './wakeups.ts';
import type { World } from './world.ts';

type Handler = (change: { type: string; key: string; object: unknown; old?: unknown }) => void;

/** A cache that answers by index as it is told, and lets the test send changes. */
function cache(index: Record<string, object[]> = {}) {
  const handlers = new Set<Handler>();
  return {
    byIndex: (name: string, value: string) => index[`${name}=${value}`] ?? [],
    onChange: (handler: Handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    send: (type: string, object: { metadata: { namespace?: string; name: string } }, old?: unknown) => {
      const { namespace, name } = object.metadata;
      for (const handler of handlers)
        handler({ type, key: namespace ? `${namespace}/${name}` : name, object, old });
    },
  };
}

const meta = (name: string, namespace?: string, rest = {}) => ({
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    generation: 1,
    ...(namespace && { namespace }),
    ...rest,
  },
});
const driver = meta('driver', 'team-a');
const legacy = meta('old-job', 'team-a');
const warehouse = meta('warehouse', 'team-a');
const lake = meta('lake', 'team-a');
const reader = meta('reader', 'team-a');
const integration = (ready: boolean, generation = 1) => ({
  ...meta('vault-prod', 'sys', { generation }),
  spec: { displayName: 'Vault' },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

let caches: ReturnType<typeof make>;
let added: string[];
let released: Set<string>;

function make() {
  return {
    pods: cache({
      'reference=team-a/warehouse': [driver],
      'storage=team-a/lake': [reader],
      'namespace=team-a': [driver, legacy],
      'placeholders=yes': [legacy],
    }),
    references: cache({
      'source=VAULT/vault-prod': [warehouse],
      'source=KUBERNETES/marketing': [warehouse],
      'namespace=team-a': [warehouse],
    }),
    storages: cache({
      'source=VAULT/vault-lake': [lake],
      'source=KUBERNETES/finance': [lake],
      'place=VAULT/vault-lake/keys': [lake],
      'namespace=team-b': [lake],
    }),
    integrations: cache({
      'secrets=vault-login': [integration(true)],
      'serviceAccounts=vault-finance': [integration(true)],
      'configMaps=vault-ca': [integration(true)],
      'displayName=Vault': [],
    }),
    namespaces: cache(),
    stores: cache(),
    credentials: cache(),
    certificates: cache(),
    serviceAccounts: cache(),
    configMaps: cache(),
  };
}

beforeEach(() => {
  caches = make();
  added = [];
  released = new Set();
  const queue = (name: string) => ({ add: (key: string) => void added.push(`${name} ${key}`) });
  const queues = {
    pods: queue('pod'),
    references: queue('reference'),
    storages: queue('storage'),
    integrations: queue('integration'),
  };
  wakeups = wireWakeups(
    caches as unknown as World,
    queues,
    (uid) => released.delete(uid),
    'iomete-secret-store',
  );
});
let wakeups: ReturnType<typeof wireWakeups>;

describe('a change wakes whoever waits for it', () => {
  const cases: [string, () => void, string[]][] = [
    ['a new pod: itself', () => caches.pods.send('added', driver), ['pod team-a/driver']],
    [
      'a reference: itself and its pods',
      () => caches.references.send('added', warehouse),
      ['reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'a storage: itself and its pods',
      () => caches.storages.send('added', lake),
      ['storage team-a/lake', 'pod team-a/reader'],
    ],
    ['a status of a storage: nobody', () => caches.storages.send('updated', lake, lake), []],
    [
      'the store that a storage names: the storage and its pods',
      () => caches.stores.send('updated', meta('iomete-secret-store-finance', 'sys')),
      ['storage team-a/lake', 'pod team-a/reader'],
    ],
    [
      'a place of Vault that a storage names: likewise',
      () => wakeups.wakePlace('VAULT/vault-lake/keys'),
      ['storage team-a/lake', 'pod team-a/reader'],
    ],
    [
      'the domain of a namespace: its storages',
      () => caches.namespaces.send('added', { ...meta('team-b') }),
      ['storage team-a/lake'],
    ],
    [
      'a deleted reference: its pods',
      () => caches.references.send('deleted', warehouse, warehouse),
      ['reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'a status patch of a reference: nobody',
      () => caches.references.send('updated', warehouse, warehouse),
      [],
    ],
    [
      "a domain's store: its references and their pods",
      () => caches.stores.send('updated', meta('iomete-secret-store-marketing', 'sys')),
      ['reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'the global store: also pods with placeholders',
      () => caches.stores.send('added', meta('iomete-secret-store', 'sys')),
      ['pod team-a/old-job'],
    ],
    ['a Secret that is no store: nobody', () => caches.stores.send('added', meta('other', 'sys')), []],
    [
      'an integration: itself, its references and their pods',
      () => caches.integrations.send('added', integration(false)),
      ['integration sys/vault-prod', 'reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'an integration that becomes ready: its references and their pods',
      () => caches.integrations.send('updated', integration(true), integration(false)),
      ['reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'an integration that stays ready: nobody',
      () => caches.integrations.send('updated', integration(true), integration(true)),
      [],
    ],
    [
      'credentials: the integrations that log in with them',
      () => caches.credentials.send('updated', meta('vault-login', 'sys')),
      ['integration sys/vault-prod', 'reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'certificates: the integrations that name them',
      () => caches.certificates.send('updated', meta('vault-login', 'sys')),
      ['integration sys/vault-prod', 'reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'a ServiceAccount: the integrations that log in with it',
      () => caches.serviceAccounts.send('deleted', meta('vault-finance', 'sys')),
      ['integration sys/vault-prod', 'reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'a ConfigMap: the integrations that trust what it holds',
      () => caches.configMaps.send('updated', meta('vault-ca', 'sys')),
      ['integration sys/vault-prod', 'reference team-a/warehouse', 'pod team-a/driver'],
    ],
    [
      'a ConfigMap that no integration names: nobody',
      () => caches.configMaps.send('updated', meta('other', 'sys')),
      [],
    ],
    [
      'the domain of a namespace: its pods and references',
      () => caches.namespaces.send('updated', { ...meta('team-a'), domain: 'b' } as never, { domain: 'a' }),
      ['pod team-a/driver', 'pod team-a/old-job', 'reference team-a/warehouse'],
    ],
    [
      'another label of a namespace: nobody',
      () =>
        caches.namespaces.send('updated', { ...meta('team-a'), domain: 'a', legacy: false } as never, {
          domain: 'a',
          legacy: false,
        }),
      [],
    ],
  ];
  it.each(cases)('%s', (_, change, expected) => {
    change();
    expect(added).toEqual(expected);
  });

  it('a source that answers again: everybody who waits for it', () => {
    wakeups.wakeSource('VAULT/vault-prod');
    expect(added).toEqual(['reference team-a/warehouse', 'pod team-a/driver']);
  });

  it('forgets that it let a pod go once the pod has left the cache', () => {
    released.add('uid-driver');
    caches.pods.send('deleted', driver);
    expect(released.size).toBe(0);
    expect(added).toEqual([]);
  });

  it('hears nothing after it was closed', () => {
    wakeups.close();
    caches.pods.send('added', driver);
    expect(added).toEqual([]);
  });
});
