import { createServer } from 'node:net';
import { ClusterError } from './errors.ts';

/** Below the range that systems give to outgoing connections: else one of those can sit on a port that a stopped component wants back. */
const [FIRST, COUNT] = [20_000, 9_000];

/** Different free ports of the loopback interface. */
export async function freePorts<const Name extends string>(
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const taken = new Set<number>();
  const ports: [Name, number][] = [];
  for (const name of names) {
    const port = await freePort(taken);
    taken.add(port);
    ports.push([name, port]);
  }
  return Object.fromEntries(ports) as Record<Name, number>;
}

async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!taken.has(port) && (await canListen(port))) return port;
  }
  throw new ClusterError('TIMEOUT', `found no free port between ${FIRST} and ${FIRST + COUNT}`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
