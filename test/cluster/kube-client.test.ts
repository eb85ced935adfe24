import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type KubeClient, type RequestSample } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/objects.ts';
import { cluster } from '../support/cluster.ts';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
const accounts: Resource = { group: '', version: 'v1', plural: 'serviceaccounts', namespaced: true };
const reviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  namespaced: false,
};
type ConfigMap = KubeObject & { data?: Record<string, string> };

const namespace = `kube-client-${process.pid}`;
let client: KubeClient;
let proxy: FaultyProxy;
let proxied: KubeClient;
const samples: RequestSample[] = [];

beforeAll(async () => {
  const { kubeconfig } = await cluster();
  client = connect({
    userAgent: 'fairlead-test/1',
    kubeconfig,
    fieldManager: 'kube-client-test',
    onRequest: (sample) => samples.push(sample),
  });
  proxy = await faultyProxy(kubeconfig);
  proxied = connect({ userAgent: 'fairlead-test/1', kubeconfig: proxy.kubeconfig });
  await client.create(namespaces, { metadata: { name: namespace } });
});

afterAll(async () => {
  await client.delete(namespaces, { name: namespace });
  await Promise.all([client.close(), proxied.close(), proxy.close()]);
});

let count = 0;
async function configMap(data: Record<string, string> = {}): Promise<ConfigMap> {
  count += 1;
  return client.create<ConfigMap>(configMaps, { metadata: { namespace, name: `map-${count}` }, data });
}
const refOf = ({ metadata: { name } }: KubeObject) => ({ namespace, name });

describe('an object', () => {
  it('is created, read, replaced, patched and deleted', async () => {
    const made = await configMap({ a: '1' });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await client.get(configMaps, refOf(made))).toEqual(made);
    const replaced = await client.replace<ConfigMap>(configMaps, { ...made, data: { b: '2' } });
    expect(replaced.data).toEqual({ b: '2' });
    await client.delete(configMaps, refOf(made), { uid: made.metadata.uid });
    await expect(client.get(configMaps, refOf(made))).rejects.toMatchObject({
      code: 'NotFound',
      status: 404,
      message: `GET configmaps ${namespace}/${made.metadata.name}: 404 NotFound`,
    });
  });

  it.each([
    ['strategic', { data: { b: '2' } }, { a: '1', b: '2' }],
    ['merge', { data: { a: null, b: '2' } }, { b: '2' }],
    ['json', [{ op: 'replace', path: '/data/a', value: '3' }], { a: '3' }],
  ] as const)('takes a %s patch', async (type, patch, data) => {
    const made = await configMap({ a: '1' });
    expect((await client.patch<ConfigMap>(configMaps, refOf(made), patch, { type })).data).toEqual(data);
  });

  it('takes an apply patch, with the fields of its manager only', async () => {
    const ref = { namespace, name: 'applied' };
    const head = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ref.name } };
    const apply = async (data: Record<string, string>, fieldManager: string, force = false) =>
      client.patch<ConfigMap>(configMaps, ref, { ...head, data }, { type: 'apply', fieldManager, force });
    await apply({ a: '1', b: '2' }, 'one');
    await apply({ c: '3' }, 'two');
    expect((await apply({ a: '1' }, 'one')).data).toEqual({ a: '1', c: '3' });
    await expect(apply({ a: '9' }, 'two')).rejects.toMatchObject({ code: 'Conflict' });
    expect((await apply({ a: '9' }, 'two', true)).data).toEqual({ a: '9' });
  });

  it('is written under the name of our field manager', async () => {
    const made = (await configMap({ a: '1' })) as { metadata: { managedFields?: { manager: string }[] } };
    expect(made.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['kube-client-test']);
  });

  it('is not there after a dry run', async () => {
    const body = { metadata: { namespace, name: 'dry' } };
    await client.create(configMaps, body, { dryRun: true });
    await expect(client.get(configMaps, { namespace, name: 'dry' })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });
});

describe('what the server refuses has a code', () => {
  it('a second object of the name: AlreadyExists', async () => {
    const made = await configMap();
    await expect(client.create(configMaps, { metadata: refOf(made) })).rejects.toMatchObject({
      code: 'AlreadyExists',
      message: `POST configmaps ${namespace}/${made.metadata.name}: 409 AlreadyExists`,
    });
  });

  it('a replacement of a version that is over: Conflict', async () => {
    const made = await configMap();
    await client.replace(configMaps, { ...made, data: { a: '1' } });
    await expect(client.replace(configMaps, { ...made, data: { a: '2' } })).rejects.toMatchObject({
      code: 'Conflict',
    });
  });

  it('a patch of another uid: Invalid, and a deletion: Conflict', async () => {
    const made = await configMap();
    const patch = { metadata: { uid: '00000000-0000-0000-0000-000000000000' } };
    await expect(client.patch(configMaps, refOf(made), patch, { type: 'merge' })).rejects.toMatchObject({
      code: 'Invalid',
    });
    await expect(client.delete(configMaps, refOf(made), patch.metadata)).rejects.toMatchObject({
      code: 'Conflict',
    });
  });

  it('a bad name: Invalid, and the words of the server stay aside', async () => {
    const error = await client
      .create(configMaps, { metadata: { namespace, name: 'Hunter_2' } })
      .catch((thrown: unknown) => thrown as Error & { serverMessage?: string });
    expect(error).toMatchObject({ code: 'Invalid', status: 422, reason: 'Invalid' });
    expect(error).toHaveProperty('serverMessage', expect.stringContaining('Hunter_2'));
    expect(JSON.stringify(error)).not.toContain('serverMessage');
  });

  it('nonsense for a body: BadRequest', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await expect(client.request({ method: 'POST', path, body: 'hunter2' })).rejects.toMatchObject({
      code: 'BadRequest',
      message: `POST ${path}: 400 BadRequest`,
    });
  });

  it('a list from a continue token of nowhere: BadRequest, without its query', async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const error = await client
      .request({ method: 'GET', path, query: { limit: 1, continue: 'hunter2' } })
      .catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'BadRequest' });
    expect(String(error)).not.toContain('hunter2');
  });
});

describe('who asks', () => {
  const whoAmI = async (of: KubeClient) =>
    (await of.create<{ status: { userInfo: { username: string; groups: string[] } } }>(reviews, {})).status
      .userInfo;

  it('is the user of the kubeconfig', async () => {
    expect(await whoAmI(client)).toMatchObject({ username: 'fairlead-admin' });
  });

  it('can be a ServiceAccount, by a token', async () => {
    const { kubeconfig } = await cluster();
    await client.create(accounts, { metadata: { namespace, name: 'robot' } });
    const { status } = await client.create<{ status: { token: string } }>(
      accounts,
      { spec: { expirationSeconds: 600 } },
      { of: { namespace, name: 'robot', subresource: 'token' } },
    );
    const robot = connect({ userAgent: 'robot/1', kubeconfig, bearerToken: status.token });
    expect(await whoAmI(robot)).toMatchObject({ username: `system:serviceaccount:${namespace}:robot` });
    await expect(robot.get(namespaces, { name: namespace })).rejects.toMatchObject({ code: 'Forbidden' });
    await robot.close();
  });

  it('can be somebody else, by impersonation', async () => {
    const { kubeconfig } = await cluster();
    const impersonate = { user: 'jane', groups: ['one', 'two'] };
    const jane = connect({ userAgent: 'jane/1', kubeconfig, impersonate });
    const { username, groups } = await whoAmI(jane);
    expect([username, groups.filter((group) => !group.startsWith('system:'))]).toEqual([
      'jane',
      ['one', 'two'],
    ]);
    await jane.close();
  });

  it('a token that is wrong is Unauthorized', async () => {
    const { kubeconfig } = await cluster();
    const liar = connect({ userAgent: 'liar/1', kubeconfig, bearerToken: 'hunter2' });
    const error = await liar.get(namespaces, { name: namespace }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'Unauthorized', status: 401 });
    expect(`${JSON.stringify(error)} ${(error as Error).message}`).not.toContain('hunter2');
    await liar.close();
  });
});

describe('connections', () => {
  it('300 requests one after the other need one', async () => {
    const before = proxy.connections;
    for (let i = 0; i < 300; i += 1) await proxied.get(namespaces, { name: namespace });
    expect(proxy.connections - before).toBeLessThanOrEqual(2);
  });

  it('300 requests at once need no more than the pool may have', async () => {
    const before = proxy.connections;
    await Promise.all(Array.from({ length: 300 }, async () => proxied.get(namespaces, { name: namespace })));
    expect(proxy.connections - before).toBeLessThanOrEqual(64);
  });

  it('that the server closed meanwhile are replaced', async () => {
    await proxied.get(namespaces, { name: namespace });
    await proxy.refuse();
    await proxy.accept();
    await expect(proxied.get(namespaces, { name: namespace })).resolves.toMatchObject({ kind: 'Namespace' });
  });
});

describe('a request', () => {
  it('is told with method, status and what it asked for by name, and nothing that it sent or was answered', async () => {
    samples.length = 0;
    await client.get(namespaces, { name: namespace });
    await client.get(namespaces, { name: 'nobody' }).catch(() => undefined);
    const ms = expect.any(Number) as number;
    expect(samples).toEqual([
      { method: 'GET', code: '200', call: `GET namespaces ${namespace}`, ms },
      { method: 'GET', code: '404', call: 'GET namespaces nobody', ms },
    ]);
  });
});
