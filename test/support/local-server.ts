/** A tiny HTTP server of the test's own, for what a real API server cannot be made to do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface LocalServer {
  readonly origin: string;
  /** How the next requests are answered. */
  answer: Answer;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Resolves when all connections of now are closed. */
  connectionsEnd(): Promise<void>;
  close(): Promise<void>;
}

export async function localServer(): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => void local.answer(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const local: LocalServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (_, response) => void response.end(),
    sockets,
    connectionsEnd: async () => {
      // Not by once(): it rejects on an error, and a client that breaks off resets its connection.
      const gone = async (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));
      await Promise.all([...sockets].map(gone));
    },
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return local;
}

/** The error of a promise that must fail. */
export async function failure(of: Promise<unknown>): Promise<Error & { code: string }> {
  try {
    await of;
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it did not fail');
}
