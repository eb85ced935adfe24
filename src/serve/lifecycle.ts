import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

type AnyServer = HttpServer | HttpsServer;

/** Where to listen; port 0 takes a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Listening {
  /** The port that is listened on. */
  readonly port: number;
  readonly stopping: () => boolean;
  /**
   * Stops accepting, lets requests in flight finish for at most so many milliseconds, then cuts the connections.
   * Resolves when all are gone; never rejects. Called again with less patience, the shorter one counts.
   */
  readonly stop: (graceMs: number) => Promise<void>;
}

/**
 * Listens, or rejects with the system's error, for example EADDRINUSE. Errors of the server after that are told to
 * onError; they end nothing.
 */
export async function listen(
  server: AnyServer,
  { host, port }: Address,
  onError: (error: Error) => void = () => {},
): Promise<Listening> {
  // Node's closeAllConnections does not know connections that are still in their TLS handshake.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject).on('error', onError);
      resolve();
    });
  });
  let closed: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    stopping: () => closed !== undefined,
    stop: async (graceMs) => {
      closed ??= close(server);
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function close(server: AnyServer): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  return closed;
}
