import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Service, Services } from './services.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Answers on the addresses of Services, and passes each connection on to a ready endpoint: TCP only. */
export class ServiceProxy {
  readonly #services: Services;
  readonly #apiServer: Place;
  readonly #log: (line: string) => void;
  readonly #listeners = new Map<string, Server>();

  constructor(services: Services, apiServer: Place, log: (line: string) => void) {
    this.#services = services;
    this.#apiServer = apiServer;
    this.#log = log;
  }

  /** Listens for exactly these Services from now on. */
  sync(services: readonly Service[]): void {
    const wanted = new Map(services.flatMap((service) => this.#wanted(service)));
    for (const [key, server] of this.#listeners) {
      if (wanted.has(key)) continue;
      this.#listeners.delete(key);
      server.close();
    }
    for (const [key, listen] of wanted) if (!this.#listeners.has(key)) this.#listeners.set(key, listen(key));
  }

  #wanted(service: Service): [string, (key: string) => Server][] {
    const { clusterIP = '', ports = [] } = service.spec;
    if (clusterIP === '' || clusterIP === 'None') return [];
    const { namespace, name } = service.metadata;
    return ports
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map(({ port, name: portName = '' }) => [
        `${namespace}/${name} ${portName} ${clusterIP}:${port}`,
        (key) => this.#listen(key, { host: clusterIP, port }, () => this.#target(namespace, name, portName)),
      ]);
  }

  #listen(key: string, at: Place, target: () => Promise<Place | undefined>): Server {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      client.on('error', () => client.destroy());
      target().then(
        (place) => {
          if (place === undefined) client.resetAndDestroy();
          else forward(client, place);
        },
        () => client.resetAndDestroy(),
      );
    });
    server.on('error', (error) => {
      this.#log(`${key}: ${error.message}`);
    });
    return server.listen({ ...at, exclusive: true });
  }

  async #target(namespace: string, name: string, portName: string): Promise<Place | undefined> {
    // The API server's own Service: it serves on the loopback interface and lists no endpoint.
    if (namespace === 'default' && name === 'kubernetes') return this.#apiServer;
    const places = (await this.#services.endpoints(namespace, name)).flatMap(({ address, ports }) =>
      ports.filter((port) => port.name === portName).map(({ port }) => ({ host: address, port })),
    );
    return places[Math.floor(Math.random() * places.length)];
  }
}

function forward(client: Socket, place: Place): void {
  const upstream = connect({ ...place, allowHalfOpen: true });
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.setNoDelay(true);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroySoon());
    from.pipe(to);
  }
}
