import type { AdminCall } from '../api.ts';
import { ClusterError } from '../errors.ts';

/** What is read of a Service. */
export interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly clusterIP?: string;
    readonly type?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
}

interface EndpointSlice {
  readonly addressType: string;
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly hostname?: string;
    readonly conditions?: { readonly ready?: boolean };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[];
}

/** A place where a Service is served. */
export interface Endpoint {
  readonly address: string;
  readonly hostname: string | undefined;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** Asks the API server each time: a client that starts right after a Service was made must not get an older answer. */
export interface Services {
  get(namespace: string, name: string): Promise<Service | undefined>;
  /** The ready ones. */
  endpoints(namespace: string, name: string): Promise<Endpoint[]>;
}

export function servicesOf(admin: AdminCall): Services {
  return {
    get: async (namespace, name) => {
      const answer = await admin(`/api/v1/namespaces/${namespace}/services/${name}`);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new ClusterError('HTTP', `status ${answer.status} for a Service`);
      return answer.json<Service>();
    },
    endpoints: async (namespace, name) => {
      const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
      const url = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
      const answer = await admin(url);
      if (answer.status !== 200) throw new ClusterError('HTTP', `status ${answer.status} for EndpointSlices`);
      return (answer.json<{ items: readonly EndpointSlice[] | null }>().items ?? []).flatMap(endpointsOf);
    },
  };
}

function endpointsOf({ addressType, endpoints = [], ports = [] }: EndpointSlice): Endpoint[] {
  if (addressType !== 'IPv4') return [];
  const tcp = ports.flatMap(({ name = '', port, protocol = 'TCP' }) =>
    port === undefined || protocol !== 'TCP' ? [] : [{ name, port }],
  );
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) => addresses.map((address) => ({ address, hostname, ports: tcp })));
}
