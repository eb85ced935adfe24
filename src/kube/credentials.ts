import type { RequestOptions } from 'node:https';
import { createRequire } from 'node:module';
import type * as ClientNode from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { KubeError } from './errors.ts';
import { inCluster, type Login } from './in-cluster.ts';

/** Loaded when there is a kubeconfig, which no pod has: at once, since who connects wants to hear what is wrong with it. */
const clientNode = () => createRequire(import.meta.url)('@kubernetes/client-node') as typeof ClientNode;

export interface CredentialOptions {
  /** Path of a kubeconfig; absent: the pod's ServiceAccount. */
  readonly kubeconfig?: string | undefined;
  /** Its current context if absent. */
  readonly context?: string | undefined;
  /** Takes the place of the kubeconfig's user: the connection carries this token and no client certificate. */
  readonly bearerToken?: string | undefined;
  readonly impersonate?: { readonly user: string; readonly groups?: readonly string[] } | undefined;
  /** Milliseconds after which certificates and tokens are read again, as they are rotated on disk; 10 s. */
  readonly refreshMs?: number | undefined;
  /** Where `/var/run/secrets/kubernetes.io/serviceaccount` hangs; for tests. */
  readonly root?: string | undefined;
  /** Connections for requests; watches have their own beside them. */
  readonly maxConnections?: number | undefined;
}

/** What a request needs: an origin, the headers that say who asks, and pooled connections. */
export interface Session {
  readonly origin: string;
  /** The server's path before `/api`, for servers behind a prefix. */
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
}

const REFRESH_MS = 10_000;
const CONNECT_MS = 10_000;
/** Shorter than the idle time-outs of load balancers. */
const IDLE_MS = 30_000;
const MAX_CONNECTIONS = 64;

/**
 * Authentication and TLS by client-node's KubeConfig or the pod's files, asked once in ten seconds and not for every request. The
 * connections are kept until the bytes of the CA or the client certificate change.
 */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #config: Login;
  #session: Session | undefined;
  #tlsKey = '';
  #freshUntil = 0;
  #refreshing: Promise<Session> | undefined;
  #closed = false;

  /** Throws KubeError BadConfig; nothing of the file is quoted. */
  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#config = load(options);
  }

  /** The session if it is fresh: the way of nearly all requests, without a promise. */
  get current(): Session | undefined {
    return performance.now() < this.#freshUntil ? this.#session : undefined;
  }

  /** The server, without its path. */
  get origin(): string {
    return serverOf(this.#config).origin;
  }

  /** Reads tokens and certificates again. Calls at the same time share one reading. */
  async refresh(): Promise<Session> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Ends all connections and the requests on them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#freshUntil = 0;
    await Promise.all([this.#session?.requests.destroy(), this.#session?.streams.destroy()]);
  }

  async #read(): Promise<Session> {
    if (this.#closed) throw new KubeError({ code: 'Aborted', message: 'the client is closed' });
    const options: RequestOptions = { headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch {
      // Files are replaced while we look; what was good a moment ago most likely still is.
      if (this.#session) return this.#keep(this.#session);
      throw badConfig('the credentials cannot be read');
    }
    const tls = tlsOf(options, this.#options.bearerToken !== undefined);
    const tlsKey = JSON.stringify(tls, (_, value: unknown) =>
      value instanceof Buffer ? value.toString('base64') : value,
    );
    const { origin, prefix } = serverOf(this.#config);
    const old = this.#session;
    const same = old !== undefined && tlsKey === this.#tlsKey;
    const session = {
      origin,
      prefix,
      headers: headersOf(options, this.#options),
      requests: same ? old.requests : this.#agent(tls, this.#options.maxConnections ?? MAX_CONNECTIONS),
      streams: same ? old.streams : this.#agent(tls, null),
    };
    // Requests and watches that are under way end on the connections they have.
    if (old && !same) void Promise.allSettled([old.requests.close(), old.streams.close()]);
    this.#tlsKey = tlsKey;
    return this.#keep(session);
  }

  #keep(session: Session): Session {
    this.#session = session;
    this.#freshUntil = performance.now() + (this.#options.refreshMs ?? REFRESH_MS);
    return session;
  }

  /**
   * HTTP/1.1 on purpose: one connection for each request under way means that a dead connection takes one
   * request with it and is thrown away by its time-out, where HTTP/2 would put every request onto it.
   */
  #agent(tls: object, connections: number | null): Dispatcher {
    const common = {
      connections,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // The client has time-outs of its own for whole requests, and watches are meant to be quiet.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const cluster = this.#config.getCurrentCluster();
    const connect = { timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: IDLE_MS };
    if (cluster?.proxyUrl === undefined) return new Agent({ ...common, connect: { ...connect, ...tls } });
    if (!cluster.proxyUrl.startsWith('http')) throw badConfig('only http(s) proxies are supported');
    return new ProxyAgent({ ...common, uri: cluster.proxyUrl, requestTls: tls, connect });
  }
}

function load({ kubeconfig, context, root }: CredentialOptions): Login {
  const login = kubeconfig === undefined ? ofPod(root) : ofFile(kubeconfig, context);
  serverOf(login);
  return login;
}

function ofPod(root: string | undefined): Login {
  if (!process.env['KUBERNETES_SERVICE_HOST']) throw badConfig('no kubeconfig was given and this is no pod');
  return inCluster(process.env, root);
}

function ofFile(kubeconfig: string, context: string | undefined): Login {
  try {
    const config = new (clientNode().KubeConfig)();
    config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  } catch {
    // The YAML parser quotes the line it stumbles over, which can be a token.
    throw badConfig(`the kubeconfig cannot be read`);
  }
}

function serverOf(login: Login): { readonly origin: string; readonly prefix: string } {
  const cluster = login.getCurrentCluster();
  const url = cluster && URL.parse(cluster.server);
  if (!url) throw badConfig('the kubeconfig names no server');
  if (url.protocol === 'http:' && !cluster.skipTLSVerify)
    throw badConfig('a server without TLS needs insecure-skip-tls-verify');
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

/** Certificates are checked unless the kubeconfig says otherwise, whatever the environment says. */
function tlsOf(options: RequestOptions, tokenOnly: boolean): Record<string, unknown> {
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized = true } = options;
  const client = tokenOnly ? {} : { cert, key, pfx, passphrase };
  const all = { ca, servername, rejectUnauthorized, ...client };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function headersOf(
  { headers = {}, auth }: RequestOptions,
  { bearerToken, impersonate }: CredentialOptions,
): Session['headers'] {
  const who: Record<string, string | string[]> = {};
  if (bearerToken !== undefined) {
    who['authorization'] = `Bearer ${bearerToken}`;
  } else {
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value === 'string') who[name.toLowerCase()] = value.trim();
    }
    if (typeof auth === 'string') who['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  }
  if (impersonate) {
    who['impersonate-user'] = impersonate.user;
    if (impersonate.groups?.length) who['impersonate-group'] = [...impersonate.groups];
  }
  return who;
}

function badConfig(message: string): KubeError {
  return new KubeError({ code: 'BadConfig', message });
}
