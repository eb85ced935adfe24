import nodeVault from 'node-vault';
import type { Answer } from './faults.ts';
import type { Hidden } from './hidden.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** Requests with one token, or none. Every answer of the server is a value, whatever its status. */
export interface VaultClient {
  readonly read: (path: string, signal: AbortSignal) => Promise<Answer>;
  readonly write: (path: string, body: object, signal: AbortSignal) => Promise<Answer>;
}

export interface ClientOptions {
  readonly transport: Transport;
  readonly origin: string;
  readonly namespace?: string | undefined;
  readonly token?: Hidden;
}

/**
 * node-vault's command surface over our transport, which takes the place of its axios: node-vault then does
 * the headers, the transport everything that matters. One client for one token, since node-vault's own commands
 * can exchange the token of a client behind its back; `read` and `write` do not.
 */
export function createClient({ transport, origin, namespace, token }: ClientOptions): VaultClient {
  const client = nodeVault({
    endpoint: origin,
    'request-promise': { defaults: () => (request: TransportRequest) => respond(transport, request) },
    debug: () => {},
  }) as unknown as NodeVault;
  // Whatever is empty in the options above it would take from VAULT_* of the environment.
  Object.assign(client, { token: token?.reveal() ?? '', namespace: namespace ?? '', pathPrefix: '' });
  return {
    read: (path, signal) => settle(client.read(path, { signal })),
    write: (path, body, signal) => settle(client.write(path, body, { signal })),
  };
}

interface NodeVault {
  read(path: string, options: { signal: AbortSignal }): Promise<Answer>;
  write(path: string, body: object, options: { signal: AbortSignal }): Promise<Answer>;
}

/** An empty request path: node-vault takes any error for a success if the path has `sys/health` in it. */
async function respond(transport: Transport, request: TransportRequest) {
  const answer = await transport.send(request);
  return { statusCode: answer.status, body: answer, request: { path: '' } };
}

/** node-vault throws what is not 200 or 204; the answer is in its error. */
async function settle(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    const { response } = error as { response?: { body?: Answer } };
    if (response?.body) return response.body;
    throw error;
  }
}
