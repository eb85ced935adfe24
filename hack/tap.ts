import { once } from 'node:events';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A proxy in front of Vault that counts, so that the number does not depend on Fairlead's word, and that can fail in
 * the ways a network and a gateway fail. For the bench and the tests.
 */
export interface Tap {
  readonly address: string;
  /** Times (performance.now()) of all requests since the last call. */
  take(): number[];
  /** How to treat requests from now on; undefined passes them on. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

export type Fault =
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    };

export async function tap(upstream: string): Promise<Tap> {
  let times: number[] = [];
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(upstream);
  const server = createServer((incoming, outgoing) => {
    times.push(performance.now());
    if (self.fault) return fail(self.fault, outgoing);
    const { method, url: path, headers } = incoming;
    const onward = request({ agent, hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: Tap = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: undefined,
    take: () => {
      const taken = times;
      times = [];
      return taken;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
  return self;
}

function fail(fault: Fault, outgoing: ServerResponse): void {
  if (fault.kind === 'cut') outgoing.destroy();
  if (fault.kind === 'answer') outgoing.writeHead(fault.status, fault.headers).end(fault.body ?? '');
}
