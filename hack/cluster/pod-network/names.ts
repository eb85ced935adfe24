import { isClusterError } from '../errors.ts';
import type { Services } from './services.ts';

const DOMAIN = '.svc.cluster.local';

export type Resolved =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'no such name' }
  | { readonly kind: 'failed' };

/** The service, and for `web-0.web.ns.svc.cluster.local` the pod's hostname, that a name means. */
export function parseName(name: string): { host?: string; service: string; namespace: string } | undefined {
  if (!name.endsWith(DOMAIN)) return undefined;
  const labels = name.slice(0, -DOMAIN.length).split('.');
  // Whatever else is in a name would become part of a URL.
  if (!labels.every((label) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label))) return undefined;
  const [namespace, service, host, ...more] = labels.reverse();
  if (namespace === undefined || service === undefined || more.length > 0) return undefined;
  return { namespace, service, ...(host !== undefined && { host }) };
}

/** As a cluster's DNS answers: a headless Service is its pods, any other its own address. */
export async function resolve(name: string, services: Services): Promise<Resolved> {
  const parsed = parseName(name);
  if (parsed === undefined) return { kind: 'no such name' };
  const { host, service: serviceName, namespace } = parsed;
  try {
    const clusterIP = (await services.get(namespace, serviceName))?.spec.clusterIP ?? '';
    if (clusterIP === '') return { kind: 'no such name' };
    if (clusterIP !== 'None')
      return host === undefined ? { kind: 'addresses', addresses: [clusterIP] } : { kind: 'no such name' };
    const endpoints = await services.endpoints(namespace, serviceName);
    const meant = endpoints.filter(({ hostname }) => host === undefined || hostname === host);
    return meant.length === 0
      ? { kind: 'no such name' }
      : { kind: 'addresses', addresses: meant.map(({ address }) => address) };
  } catch (error) {
    if (isClusterError(error, 'HTTP')) return { kind: 'failed' };
    throw error;
  }
}
