import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What listens on this machine alone, at an address that pods reach, too. */
export async function relay(target: string): Promise<{ origin: string; close(): void }> {
  const { protocol, hostname, port } = new URL(target);
  const addresses = Object.values(networkInterfaces()).flat();
  const host = addresses.find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  if (host === undefined) throw new Error('this machine has no address that its pods reach');
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname);
    incoming.pipe(outgoing).pipe(incoming);
    for (const socket of [incoming, outgoing])
      sockets.add(socket.on('error', () => [incoming, outgoing].forEach((one) => one.destroy())));
  });
  await once(server.listen(0, host), 'listening');
  return {
    origin: `${protocol}//${host}:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
