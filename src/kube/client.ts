import { Credentials, type CredentialOptions, type Session } from './credentials.ts';
import { said } from './answer.ts';
import { KubeError } from './errors.ts';
import { collectionPath, objectPath, type KubeObject, type ObjectRef, type Resource } from './objects.ts';
import { send, type Outgoing } from './send.ts';
import { openStream, type ByteStream } from './stream.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call; 10 s by default. */
  readonly timeoutMs?: number | undefined;
}

export interface RequestOptions extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  /** Names the request in errors and must hold no values; `GET /path` by default. */
  readonly call?: string | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string | undefined;
  /** Everything but the writing: validation, admission, quota. */
  readonly dryRun?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  readonly type: PatchType;
  /** For `apply`: take fields over from other managers. */
  readonly force?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Only if it is still this object: 409 Conflict if not. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined;
}

export type PatchType = 'strategic' | 'merge' | 'json' | 'apply';
const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** One answered or failed request, for metrics and traces. */
export interface RequestSample {
  readonly method: string;
  /** The HTTP status, or the code of the error if there was none. */
  readonly code: string;
  readonly ms: number;
  /** With names, so not for metrics: `POST secrets team-a/one`. */
  readonly call: string;
}

export interface ConnectOptions extends CredentialOptions {
  readonly userAgent: string;
  /** Sent with every write; needed for `apply`. */
  readonly fieldManager?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly onRequest?: ((sample: RequestSample) => void) | undefined;
}

const TIMEOUT_MS = 10_000;
const STREAM_HEADERS_MS = 30_000;

/**
 * A client for the API server of a kubeconfig, or of the pod it runs in. Opens no connection yet. Throws
 * KubeError BadConfig.
 */
export function connect(options: ConnectOptions): KubeClient {
  return new KubeClient(options, new Credentials(options), () => true);
}

/**
 * The API server over pooled connections: JSON in, JSON out, nothing in between. Every method rejects with a
 * KubeError and with nothing else.
 */
export class KubeClient {
  readonly #options: ConnectOptions;
  readonly #credentials: Credentials;
  readonly #mayWrite: () => boolean;

  constructor(options: ConnectOptions, credentials: Credentials, mayWrite: () => boolean) {
    this.#options = options;
    this.#credentials = credentials;
    this.#mayWrite = mayWrite;
  }

  /** Where the API server is, as `https://host:port`. */
  get origin(): string {
    return this.#credentials.origin;
  }

  /**
   * The same client, but a write is refused with LeaseLost unless `mayWrite()` is true at the moment of sending:
   * for a leader that may have been paused while another took over.
   */
  fenced(mayWrite: () => boolean): KubeClient {
    return new KubeClient(this.#options, this.#credentials, () => this.#mayWrite() && mayWrite());
  }

  /** Sends any request and resolves to the parsed answer; `undefined` if its body is empty. */
  async request<T = unknown>(request: RequestOptions): Promise<T> {
    const { method, body, signal, timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS } = request;
    const call = request.call ?? `${method} ${request.path}`;
    const started = performance.now();
    let code = 'Aborted';
    try {
      const session = this.#credentials.current ?? (await this.#credentials.refresh());
      const outgoing = this.#outgoing(session, request, body);
      const refusal = (): KubeError | undefined =>
        this.#mayWrite()
          ? undefined
          : new KubeError({ code: 'LeaseLost', message: `${call}: not sent, this replica does not lead` });
      const options = { call, timeoutMs, signal, refusal: method === 'GET' ? undefined : refusal };
      const answer = await send(session.requests, outgoing, options).catch(async (error: unknown) => {
        // The server had closed the idle connection: nobody's fault. Anything but a GET may have been done.
        if (method !== 'GET' || !wasClosed(error)) throw error;
        return send(session.requests, outgoing, options);
      });
      code = String(answer.status);
      return said(call, answer) as T;
    } catch (error) {
      if (error instanceof KubeError && error.status === undefined) code = error.code;
      throw error;
    } finally {
      this.#options.onRequest?.({ method, code, call, ms: performance.now() - started });
    }
  }

  /**
   * Opens an answer that goes on, such as a watch. Resolves at its headers (30 s by default); then it lasts until
   * the server ends it, `close()` is called or the signal is aborted.
   */
  async stream(request: Omit<RequestOptions, 'method' | 'body' | 'contentType'>): Promise<ByteStream> {
    const call = request.call ?? `GET ${request.path}`;
    const session = this.#credentials.current ?? (await this.#credentials.refresh());
    const outgoing = this.#outgoing(session, { ...request, method: 'GET' }, undefined);
    const { timeoutMs = STREAM_HEADERS_MS, signal } = request;
    return openStream(session.streams, outgoing, { call, timeoutMs, signal });
  }

  async get<T = KubeObject>(resource: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    return this.request<T>({
      ...options,
      method: 'GET',
      path: objectPath(resource, ref),
      call: describe('GET', resource, ref),
    });
  }

  /**
   * POSTs `body` into the namespace that its metadata names. With `of` it is POSTed to a subresource of another
   * object (`serviceaccounts/token`).
   */
  async create<T = KubeObject>(
    resource: Resource,
    body: object,
    { of, ...options }: WriteOptions & { readonly of?: ObjectRef } = {},
  ): Promise<T> {
    const { namespace, name = '' } = namesOf(body);
    const ref = of ?? { namespace, name };
    const path = of ? objectPath(resource, of) : collectionPath(resource, namespace);
    if (resource.namespaced && ref.namespace === undefined) objectPath(resource, ref);
    return this.#write<T>({ method: 'POST', path, body, call: describe('POST', resource, ref) }, options);
  }

  /** PUTs the object whole; with metadata.resourceVersion only over the version that was read (409 Conflict). */
  async replace<T = KubeObject>(
    resource: Resource,
    body: object,
    { subresource, ...options }: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { namespace, name = '' } = namesOf(body);
    const ref = { namespace, name, subresource };
    const call = describe('PUT', resource, ref);
    return this.#write<T>({ method: 'PUT', path: objectPath(resource, ref), body, call }, options);
  }

  /** `strategic` knows only built-in kinds; `json` wants a list of operations; the others part of an object. */
  async patch<T = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: unknown,
    { type, force, ...options }: PatchOptions,
  ): Promise<T> {
    const path = objectPath(resource, ref);
    const call = describe('PATCH', resource, ref);
    const query = { force: type === 'apply' ? force : undefined };
    return this.#write<T>(
      { method: 'PATCH', path, body: patch, call, query, contentType: PATCH_TYPES[type] },
      options,
    );
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, signal, timeoutMs } = options;
    const preconditions = { uid, resourceVersion };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      gracePeriodSeconds,
      propagationPolicy,
    };
    const call = describe('DELETE', resource, ref);
    await this.request({ method: 'DELETE', path: objectPath(resource, ref), body, call, signal, timeoutMs });
  }

  /** Closes every connection; what is under way is aborted. A fenced client shares its connections. */
  async close(): Promise<void> {
    await this.#credentials.close();
  }

  async #write<T>(
    request: RequestOptions,
    { fieldManager, dryRun, signal, timeoutMs }: WriteOptions,
  ): Promise<T> {
    const query = {
      ...request.query,
      fieldManager: fieldManager ?? this.#options.fieldManager,
      dryRun: dryRun ? 'All' : undefined,
    };
    return this.request<T>({ ...request, query, signal, timeoutMs });
  }

  #outgoing(session: Session, { method, path, query, contentType }: RequestOptions, body: unknown): Outgoing {
    const headers: Record<string, string | string[]> = {
      ...session.headers,
      accept: 'application/json',
      'user-agent': this.#options.userAgent,
    };
    if (body !== undefined) headers['content-type'] = contentType ?? 'application/json';
    return {
      origin: session.origin,
      path: session.prefix + path + queryString(query),
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    };
  }
}

function wasClosed(error: unknown): boolean {
  return (
    error instanceof KubeError && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.cause))
  );
}

function queryString(query: Query | undefined): string {
  if (query === undefined) return '';
  let text = '';
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    text += `${text === '' ? '?' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  }
  return text;
}

function namesOf(body: object): { readonly namespace?: string; readonly name?: string } {
  return (body as { metadata?: { namespace?: string; name?: string } }).metadata ?? {};
}

function describe(method: string, { plural }: Resource, { namespace, name, subresource }: ObjectRef): string {
  const what = subresource === undefined ? plural : `${plural}/${subresource}`;
  return `${method} ${what} ${namespace === undefined ? name : `${namespace}/${name}`}`.trimEnd();
}
