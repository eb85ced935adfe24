/**
 * A proxy in front of the real API server that can do what networks, load balancers and overloaded servers do.
 * Plain HTTP towards the client, which keeps its bytes open to meddling; towards the API server it is whoever the
 * kubeconfig says.
 */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';

export type Fault =
  /** Answers itself. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | object;
    }
  /** Never answers; the connection stays. */
  | { readonly kind: 'hold' }
  /** Closes the connection without an answer. */
  | { readonly kind: 'drop' }
  /** Passes the body on in writes of so many bytes. */
  | { readonly kind: 'chunks'; readonly bytes: number }
  /** Closes the connection after so many bytes of the body. */
  | { readonly kind: 'cutAfter'; readonly bytes: number }
  /** Passes the request on only once the promise is resolved. */
  | { readonly kind: 'delay'; readonly until: Promise<void> };

export interface Seen {
  readonly method: string;
  readonly url: string;
}

export interface FaultyProxy {
  /** A kubeconfig that leads here. */
  readonly kubeconfig: string;
  /** All requests so far. */
  readonly seen: readonly Seen[];
  /** Connections opened so far. */
  readonly connections: number;
  /** Applies the fault to requests that match, `times` of them (all by default). Returns how to end that. */
  fault(match: (request: Seen) => boolean, fault: Fault, times?: number): () => void;
  /** Closes all connections; new ones are welcome. */
  cut(): void;
  /** Half-open: the connections of now stay open and say nothing more, whatever is sent; new ones work. */
  freeze(): void;
  /** Writes text into the answers under way that match: an event that the server did not send. */
  inject(match: (request: Seen) => boolean, text: string): number;
  /** Refuses connections, and closes those that exist, until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

interface Exchange {
  readonly seen: Seen;
  readonly answer: ServerResponse;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

export async function faultyProxy(kubeconfig: string): Promise<FaultyProxy> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
  const [{ cluster }, { user }] = [clusters[0]!, users[0]!];
  const pem = (data: string | undefined) => Buffer.from(data ?? '', 'base64');
  const upstream = new URL(cluster['server'] ?? '');
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster['certificate-authority-data']),
    ...(user['client-certificate-data'] !== undefined && {
      cert: pem(user['client-certificate-data']),
      key: pem(user['client-key-data']),
    }),
  });

  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  const exchanges = new Set<Exchange>();
  const seen: Seen[] = [];
  const rules: { match: (request: Seen) => boolean; fault: Fault; left: number }[] = [];
  let connections = 0;

  const server = createServer((incoming, answer) => {
    // A frozen connection swallows what comes.
    if (frozen.has(incoming.socket)) return;
    const exchange = { seen: { method: incoming.method ?? '', url: incoming.url ?? '' }, answer };
    seen.push(exchange.seen);
    const rule = rules.find(({ match, left }) => left > 0 && match(exchange.seen));
    if (rule) rule.left -= 1;
    exchanges.add(exchange);
    answer.on('close', () => exchanges.delete(exchange));
    void handle(incoming, answer, rule?.fault);
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  // Watches are quiet, and the tests decide when a connection ends.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;

  async function handle(incoming: IncomingMessage, answer: ServerResponse, fault?: Fault): Promise<void> {
    switch (fault?.kind) {
      case 'hold':
        return;
      case 'drop':
        incoming.socket.destroy();
        return;
      case 'answer': {
        const { status, headers = {}, body = '' } = fault;
        incoming.resume();
        answer.writeHead(status, { 'content-type': 'application/json', ...headers });
        answer.end(typeof body === 'string' ? body : JSON.stringify(body));
        return;
      }
      case 'delay':
        await fault.until;
        break;
      case 'chunks':
      case 'cutAfter':
      case undefined:
        break;
    }
    const onward = request(
      {
        agent,
        hostname: upstream.hostname,
        port: upstream.port,
        path: incoming.url,
        method: incoming.method,
        headers: { ...incoming.headers, host: upstream.host },
      },
      (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        answer.flushHeaders();
        void pass(reply, answer, incoming.socket, fault);
      },
    );
    onward.on('error', () => incoming.socket.destroy());
    answer.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  async function pass(
    reply: IncomingMessage,
    answer: ServerResponse,
    socket: Socket,
    fault?: Fault,
  ): Promise<void> {
    let passed = 0;
    try {
      for await (const bytes of reply as AsyncIterable<Buffer>) {
        const size = fault?.kind === 'chunks' ? fault.bytes : bytes.length;
        for (let i = 0; i < bytes.length; i += size) {
          if (frozen.has(socket)) return;
          const piece = bytes.subarray(i, i + size);
          const left = fault?.kind === 'cutAfter' ? fault.bytes - passed : Infinity;
          answer.write(piece.subarray(0, left));
          passed += piece.length;
          // A turn of the loop for each piece, or the kernel would join them again.
          if (fault?.kind === 'chunks' || passed >= left) await turn();
          if (piece.length >= left) socket.destroy();
        }
      }
      if (!frozen.has(socket)) answer.end();
    } catch {
      if (!frozen.has(socket)) socket.destroy();
    }
  }

  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const through = join(dirname(kubeconfig), `proxy-${port}.kubeconfig`);
  await writeFile(through, plainKubeconfig(port, user['token']), { mode: 0o600 });

  return {
    kubeconfig: through,
    seen,
    get connections() {
      return connections;
    },
    fault: (match, fault, times = Infinity) => {
      const rule = { match, fault, left: times };
      rules.push(rule);
      return () => {
        rule.left = 0;
      };
    },
    cut,
    freeze: () => {
      for (const socket of sockets) frozen.add(socket);
    },
    inject: (match, text) => {
      const hit = [...exchanges].filter((exchange) => match(exchange.seen));
      for (const { answer } of hit) answer.write(text);
      return hit.length;
    },
    refuse: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
    accept: async () => listen(port),
    close: async () => {
      server.close();
      cut();
      agent.destroy();
    },
  };
}

/** With the token that was given, if there is one: the API server then knows who really asks. */
function plainKubeconfig(port: number, token: string | undefined): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'proxy', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'nobody', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  });
}

async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Matches for `fault` and `inject`. */
export const isWatch = ({ url }: Seen): boolean => url.includes('watch=true');
export const isList = ({ method, url }: Seen): boolean =>
  method === 'GET' && url.includes('limit=') && !isWatch({ method, url });
