import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request instead of, or before, going to the server behind. */
export type ProxyFault =
  /** Goes on when the promise settles, with another fault if one is given. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown>; readonly next?: ProxyFault }
  /** The connection breaks before any answer. */
  | { readonly kind: 'cut' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
      /** The connection breaks after the body, which was announced to be longer. */
      readonly cutShort?: true;
    }
  /** The body as the test writes it. */
  | {
      readonly kind: 'stream';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly write: (response: ServerResponse) => void;
    };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface VaultProxy {
  readonly address: string;
  /** Every request that arrived, in order. */
  readonly seen: readonly SeenRequest[];
  /** Number of TCP connections so far. */
  readonly connections: () => number;
  /** The largest number of requests that were there at the same time since the last forgetSeen(). */
  readonly peak: () => number;
  /** Decides about each request that arrives; undefined lets it through. */
  intercept: ((request: SeenRequest) => ProxyFault | undefined) | undefined;
  /** How many arrived whose path contains this. */
  count(part?: string): number;
  forgetSeen(): void;
  close(): Promise<void>;
}

/** A small HTTP proxy in front of a Vault: counts what arrives and breaks what it is told to. */
export async function startProxy(upstream: string): Promise<VaultProxy> {
  const seen: SeenRequest[] = [];
  let connections = 0;
  let running = 0;
  let peak = 0;
  const server = createServer((incoming, outgoing) => {
    peak = Math.max(peak, (running += 1));
    // Before the answer is all on its way, this connection has no other request.
    const over = () => {
      outgoing.off('finish', over).off('close', over);
      running -= 1;
    };
    outgoing.on('finish', over).on('close', over);
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers };
    seen.push(request);
    void answer(upstream, incoming, outgoing, proxy.intercept?.(request));
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: VaultProxy = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    connections: () => connections,
    peak: () => peak,
    intercept: undefined,
    count: (part = '') => seen.filter(({ path }) => path.includes(part)).length,
    forgetSeen: () => {
      seen.length = 0;
      peak = running;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

async function answer(
  upstream: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  decided: ProxyFault | undefined,
): Promise<void> {
  if (decided?.kind === 'hold') await decided.until;
  const fault = decided?.kind === 'hold' ? decided.next : decided;
  if (fault?.kind === 'cut') return void incoming.socket.destroy();
  if (fault?.kind === 'answer') {
    const { status, headers, body = '', cutShort } = fault;
    outgoing.writeHead(status, {
      'content-type': 'application/json',
      ...headers,
      ...(cutShort && { 'content-length': String(body.length + 100) }),
    });
    if (!cutShort) return void outgoing.end(body);
    return void outgoing.write(body, () => outgoing.destroy());
  }
  if (fault?.kind === 'stream') {
    outgoing.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
    fault.write(outgoing);
    return;
  }
  const { method, url, headers } = incoming;
  const onward = httpRequest(upstream + url, { method, headers, agent: false }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
  });
  onward.on('error', () => incoming.socket.destroy());
  incoming.pipe(onward);
}
