import { createServer, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readJson, type ByteBudget } from './body.ts';
import { listen, type Address, type Listening } from './lifecycle.ts';
import { openRequest, type OpenHandler } from './open.ts';

/** What a handler is given: the parsed body, and a signal that ends with the deadline or with the client. */
export interface JsonRequest {
  readonly body: unknown;
  readonly signal: AbortSignal;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

export type JsonHandler = (request: JsonRequest) => JsonAnswer | Promise<JsonAnswer>;
export type Routes = Readonly<Record<`POST /${string}`, JsonHandler>>;

/** PEM; the certificate may be a chain. */
export interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

/** What went wrong, in words that are safe to log: no message of an error, no part of a request. */
export interface ServeProblem {
  readonly code: 'HandlerFailed' | 'DeadlineExceeded' | 'TooBusy' | 'TlsClientError' | 'ServerError';
  /** One of the keys of the routes, or OPEN. */
  readonly route?: string;
  /** The error's code, or the name of its class. */
  readonly error?: string;
}

export interface HttpsOptions extends Address {
  readonly certificate: ServingPair;
  readonly routes: Routes;
  /** Answers what no route is for. */
  readonly open?: OpenHandler;
  /** PEM. Clients are asked for a certificate of these authorities; whoever has none is let in all the same. */
  readonly clientCa?: string;
  readonly onError: (problem: ServeProblem) => void;
  readonly limits?: Partial<typeof LIMITS>;
}

export interface HttpsListening extends Listening {
  /**
   * From now on each answer asks its client to close the connection, and everything is still answered. To be followed by
   * `stop` when those who call know of another address: a connection that is closed under them may cost a request.
   */
  readonly retire: () => void;
  /** New connections get this certificate, open ones go on. Throws if key and certificate do not belong together. */
  readonly setCertificate: (pair: ServingPair) => void;
  /** Clients of new connections are asked for a certificate of these authorities. Throws if they are no PEM. */
  readonly setClientCa: (clientCa: string) => void;
}

/** How problems name what no route is for: its path could be anything. */
export const OPEN = 'open';

export const LIMITS = {
  /** etcd takes objects of 1.5 MB; a review may hold two of them, as JSON. */
  bodyBytes: 8 * 1024 * 1024,
  bufferedBytes: 64 * 1024 * 1024,
  /** For the body of a request that none of the routes is for; the others' is within their deadline. */
  bodyMs: 10_000,
  /** The API server waits for 5 s: an answer of ours is worth more than its time-out. */
  deadlineMs: 4_000,
  headersMs: 5_000,
  headerBytes: 16 * 1024,
  handshakeMs: 5_000,
  /** Longer than the 90 s for which the API server keeps an idle connection, so that it is the one to close it. */
  idleMs: 120_000,
};

/**
 * Serves JSON over TLS 1.2 or later. What a client does wrong is answered with a short fixed text; a handler that
 * fails is answered with 500 and told to onError. Rejects if the address is taken or the certificate is broken.
 */
export async function startHttps(options: HttpsOptions): Promise<HttpsListening> {
  const limits = { ...LIMITS, ...options.limits };
  const routes = new Map<string, JsonHandler>(Object.entries(options.routes));
  const budget: ByteBudget = { left: limits.bufferedBytes };
  let retired = false;
  let secure: Secure = { certificate: options.certificate, clientCa: options.clientCa };
  const server = createServer(
    {
      ...secureOptions(secure),
      // Whether a certificate is needed is decided for each request.
      requestCert: options.clientCa !== undefined,
      rejectUnauthorized: false,
      maxHeaderSize: limits.headerBytes,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headersMs,
      requestTimeout: Math.max(limits.headersMs, limits.deadlineMs) + 1_000,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    },
    (request, response) => {
      answer(request, response, { routes, open: options.open, limits, budget, onError: options.onError })
        .then((reply) => {
          if (!reply || response.destroyed) return;
          if (retired || listening.stopping()) response.shouldKeepAlive = false;
          send(response, reply);
        })
        .catch((error: unknown) => {
          // A handler's answer that cannot be written as JSON ends here.
          response.destroy();
          options.onError({ code: 'ServerError', error: errorCode(error) });
        });
    },
  );
  server.on('tlsClientError', (error) =>
    options.onError({ code: 'TlsClientError', error: errorCode(error) }),
  );
  const listening = await listen(server, options, (error) =>
    options.onError({ code: 'ServerError', error: errorCode(error) }),
  );
  const change = (to: Partial<Secure>) => {
    const changed = { ...secure, ...to };
    server.setSecureContext(secureOptions(changed));
    secure = changed;
  };
  return {
    ...listening,
    retire: () => {
      retired = true;
    },
    setCertificate: (certificate) => change({ certificate }),
    setClientCa: (clientCa) => change({ clientCa }),
  };
}

interface Secure {
  readonly certificate: ServingPair;
  readonly clientCa: string | undefined;
}

function secureOptions({ certificate: { cert, key }, clientCa }: Secure): ServerOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa !== undefined && { ca: clientCa }) };
}

interface Context {
  readonly routes: ReadonlyMap<string, JsonHandler>;
  readonly open: OpenHandler | undefined;
  readonly limits: typeof LIMITS;
  readonly budget: ByteBudget;
  readonly onError: HttpsOptions['onError'];
}

/** Why a signal ended: nobody waits for the answer any more. */
const GONE = 'the client went away';

interface Reply extends JsonAnswer {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** What to reply; undefined if nobody is there to read it. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, open, limits, budget, onError }: Context,
): Promise<Reply | undefined> {
  const path = request.url?.split('?', 1)[0] ?? '';
  const route = `${request.method} ${path}`;
  const handler = routes.get(route);
  if (!handler && !open)
    return routes.has(`POST ${path}`)
      ? { status: 405, body: { message: 'only POST is served here' }, headers: { Allow: 'POST' } }
      : { status: 404, body: { message: 'not found' } };

  const aborter = new AbortController();
  const { signal } = aborter;
  const deadline = setTimeout(() => aborter.abort(), limits.deadlineMs);
  response.once('close', () => aborter.abort(GONE));
  try {
    if (!handler && open) {
      const work = async () => open(openRequest(request, limits, budget, signal));
      return await run(work, signal, OPEN, onError);
    }
    const body = await readJson(request, limits.bodyBytes, budget, signal);
    if (body.kind === 'json' && handler)
      return await run(async () => handler({ body: body.value, signal }), signal, route, onError);
    if (body.kind !== 'refused') return undefined;
    if (body.status === 503) onError({ code: 'TooBusy', route });
    // A body that trickles in would hold the connection.
    const headers = body.status === 408 ? { headers: { Connection: 'close' } } : {};
    return { status: body.status, body: { message: body.message }, ...headers };
  } finally {
    clearTimeout(deadline);
  }
}

/** The handler's answer, or 500 or 504 in its place; a handler that does not stop in time is left behind. */
async function run(
  handler: () => Promise<Reply>,
  signal: AbortSignal,
  route: string,
  onError: HttpsOptions['onError'],
): Promise<Reply> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const onAbort = () => resolve('late');
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const result = await Promise.race([Promise.resolve().then(handler), late]);
    if (result !== 'late') return result;
    if (signal.reason !== GONE) onError({ code: 'DeadlineExceeded', route });
    return { status: 504, body: { message: 'no answer in time' } };
  } catch (error) {
    onError({ code: 'HandlerFailed', route, error: errorCode(error) });
    return { status: 500, body: { message: 'internal error' } };
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(bytes);
}

/** Names only: an error's message may quote what was being worked on. */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return /^\w{1,64}$/.test(code) ? code : 'Error';
}
