import type { Asked } from './http.ts';
import { Http } from './http.ts';
import { identify } from './identity.ts';
import { findTarget } from './kubeconfig.ts';
import { collectionPath, objectPath, type ObjectRef, type Resource } from '../../kube/objects.ts';
import { duration } from './duration.ts';
import { printable, type Io } from '../cli/io.ts';
import { version } from '../version.ts';
import { usageError } from '../cli/exit.ts';

/** The flags of CONNECTION. */
export interface ConnectionFlags {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string | undefined;
  readonly user: string | undefined;
  readonly namespace: string | undefined;
  readonly as: string | undefined;
  readonly 'as-group': readonly string[];
  readonly 'request-timeout': string | undefined;
}

const TIMEOUT_MS = 60_000;

/** The API server with the rights of whoever runs the plugin. Every method rejects with KubeError. */
export class Api {
  readonly #http: Pick<Http, 'request' | 'close'>;
  /** `-n`, else that of the context, else `default`. */
  readonly namespace: string;

  constructor(http: Pick<Http, 'request' | 'close'>, namespace: string) {
    this.#http = http;
    this.namespace = namespace;
  }

  async get<T>(resource: Resource, ref: ObjectRef): Promise<T> {
    return this.request<T>({
      method: 'GET',
      path: objectPath(resource, ref),
      call: `get ${resource.plural}`,
    });
  }

  async list<T>(resource: Resource, namespace: string | undefined, query: Asked['query'] = {}): Promise<T> {
    const path = collectionPath(resource, namespace);
    return this.request<T>({ method: 'GET', path, query, call: `list ${resource.plural}` });
  }

  async create<T>(
    resource: Resource,
    namespace: string | undefined,
    body: object,
    query: Asked['query'] = {},
  ): Promise<T> {
    const path = collectionPath(resource, namespace);
    return this.request<T>({ method: 'POST', path, body, query, call: `create ${resource.plural}` });
  }

  async request<T>(asked: Asked): Promise<T> {
    return this.#http.request<T>(asked);
  }

  close(): void {
    this.#http.close();
  }
}

/** Opens no connection yet. Warnings of the server go to standard error, each once, as kubectl shows them. */
export async function connectApi(flags: ConnectionFlags, io: Io): Promise<Api> {
  const timeoutMs = duration(flags['request-timeout'] ?? `${TIMEOUT_MS}ms`);
  if (timeoutMs === undefined) throw usageError('--request-timeout must be a time such as 30s, or 0');
  const target = findTarget(flags, io.env);
  const impersonation = { user: flags.as, groups: flags['as-group'] };
  const identity = await identify(target, impersonation, io.stdin.isTTY);
  const shown = new Set<string>();
  const http = new Http({
    server: target.cluster.server,
    proxy: target.cluster['proxy-url'],
    identity,
    timeoutMs,
    userAgent: `kubectl-fairlead/${version}`,
    onWarning: (text) => {
      if (shown.has(text)) return;
      shown.add(text);
      io.err.write(`Warning: ${printable(text)}\n`);
    },
  });
  return new Api(http, target.namespace);
}

/** Does something with the API and lets go of its connections. */
export async function withApi<T>(flags: ConnectionFlags, io: Io, work: (api: Api) => Promise<T>): Promise<T> {
  const api = await connectApi(flags, io);
  try {
    return await work(api);
  } finally {
    api.close();
  }
}
