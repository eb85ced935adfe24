import { describe, expect, it } from 'vitest';
import { ClusterError } from '../errors.ts';
import { parseName, resolve } from './names.ts';
import type { Endpoint, Service, Services } from './services.ts';

const service = (clusterIP: string): Service => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP },
});
const endpoints: Endpoint[] = [
  { address: '10.1.0.5', hostname: 'web-0', ports: [] },
  { address: '10.1.0.6', hostname: 'web-1', ports: [] },
];
const services = (clusterIP: string | undefined, ready = endpoints): Services => ({
  get: async (namespace, name) =>
    namespace === 'shop' && name === 'web' && clusterIP !== undefined ? service(clusterIP) : undefined,
  endpoints: async () => ready,
});

describe('a name in the cluster', () => {
  it.each([
    ['web.shop.svc.cluster.local', { service: 'web', namespace: 'shop' }],
    ['web-0.web.shop.svc.cluster.local', { host: 'web-0', service: 'web', namespace: 'shop' }],
    ['a.web-0.web.shop.svc.cluster.local', undefined],
    ['shop.svc.cluster.local', undefined],
    ['example.com', undefined],
    ['web..svc.cluster.local', undefined],
    ['web/../x.shop.svc.cluster.local', undefined],
  ])('%s is read as it is meant, or not at all', (name, meaning) => {
    expect(parseName(name)).toEqual(meaning);
  });

  it.each([
    ['a Service is its own address', 'web', '10.2.0.9', ['10.2.0.9']],
    ['a headless Service is its pods', 'web', 'None', ['10.1.0.5', '10.1.0.6']],
    ['a pod of a headless Service is itself', 'web-1.web', 'None', ['10.1.0.6']],
  ])('%s', async (_, name, clusterIP, addresses) => {
    const resolved = await resolve(`${name}.shop.svc.cluster.local`, services(clusterIP));
    expect(resolved).toEqual({ kind: 'addresses', addresses });
  });

  it.each([
    ['there is no such Service', 'web', undefined],
    ['it names a pod that is not there', 'web-7.web', 'None'],
    ['it names a pod of a Service with an address', 'web-0.web', '10.2.0.9'],
    ['it is one of an ExternalName', 'web', ''],
  ])('does not exist when %s', async (_, name, clusterIP) => {
    const resolved = await resolve(`${name}.shop.svc.cluster.local`, services(clusterIP));
    expect(resolved).toEqual({ kind: 'no such name' });
  });

  it('does not exist while a headless Service has no pod', async () => {
    const resolved = await resolve('web.shop.svc.cluster.local', services('None', []));
    expect(resolved).toEqual({ kind: 'no such name' });
  });

  it('is not said to be missing only because the API server is away', async () => {
    const away: Services = {
      ...services('None'),
      get: async () => Promise.reject(new ClusterError('HTTP', 'refused')),
    };
    expect(await resolve('web.shop.svc.cluster.local', away)).toEqual({ kind: 'failed' });
  });
});
