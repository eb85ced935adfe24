/** The network between the parts, as far as drills meddle with it: a Service, and a wire that can go dead. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Endpoint {
  readonly name: string;
  readonly port: number;
  /** Base URL of /readyz. */
  readonly health: string;
}

/**
 * Like a Service: a new connection goes to one of the endpoints that are ready, and stays there whatever becomes of it.
 * As with kube-proxy nothing is tried twice: what cannot be connected is refused.
 */
export interface Balancer {
  add(endpoint: Endpoint): void;
  /** As for a pod that is gone: gets no new connection. */
  remove(name: string): void;
  close(): Promise<void>;
}

/** How often readiness is asked for. */
const PROBE_MS = 250;

export async function balancer(host: string, port: number): Promise<Balancer> {
  const endpoints = new Map<string, Endpoint & { ready: boolean }>();
  let turn = 0;
  const { server, sockets } = await accepting(host, port, (socket) => {
    const ready = [...endpoints.values()].filter((endpoint) => endpoint.ready);
    const chosen = ready[turn++ % Math.max(1, ready.length)];
    if (chosen) join(socket, connect(chosen.port, host));
    else socket.destroy();
  });
  const probing = setInterval(() => {
    for (const endpoint of endpoints.values())
      void isReady(endpoint.health).then((ready) => (endpoint.ready = ready));
  }, PROBE_MS);
  return {
    add: (endpoint) => void endpoints.set(endpoint.name, { ...endpoint, ready: true }),
    remove: (name) => void endpoints.delete(name),
    close: async () => {
      clearInterval(probing);
      await end(server, sockets);
    },
  };
}

async function isReady(health: string): Promise<boolean> {
  return fetch(`${health}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** A way to one server that can go dead without anybody being told, as a broken network does. */
export interface Wire {
  readonly port: number;
  /** From now on nothing comes through, on connections of now and on new ones. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export async function wire(host: string, target: number): Promise<Wire> {
  let frozen = false;
  const { server, sockets } = await accepting(host, 0, (socket) => {
    const onward = connect(target, host);
    sockets.add(onward);
    join(socket, onward);
    if (frozen) for (const one of [socket, onward]) one.pause();
  });
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    close: async () => end(server, sockets),
  };
}

async function accepting(
  host: string,
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<{ server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(port, host);
  await once(server, 'listening');
  return { server, sockets };
}

/** Each passes on what the other says, and how it ends. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroySoon());
    from.pipe(to);
  }
}

async function end(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  server.close();
  for (const socket of sockets) socket.destroy();
  await once(server, 'close');
}
