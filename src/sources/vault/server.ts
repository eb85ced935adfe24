import { at, isMap } from '../../json/json.ts';
import type { SourceClock } from '../clock.ts';
import type { Lookup } from './address.ts';
import { Circuit } from './circuit.ts';
import { createClient, type VaultClient } from './client.ts';
import { VaultError } from './errors.ts';
import type { Hidden } from './hidden.ts';
import { counted, type OnRequest } from './requests.ts';
import type { VaultTarget } from './target.ts';
import { createTransport, type LookupOf, type Transport } from './transport.ts';

export interface ServerDependencies {
  readonly clock: SourceClock;
  /** At least 0 and less than 1. */
  readonly random: () => number;
  /** For one request. */
  readonly fetchTimeoutMs: number;
  readonly onRequest: OnRequest;
  /** For tests. */
  readonly lookup?: Lookup | undefined;
  readonly lookupOf?: LookupOf | undefined;
}

/** What of a target makes a server: where it is, whom we trust and who we are. */
export type ServerTarget = Pick<VaultTarget, 'origin' | 'redirects' | 'tls' | 'listed'>;

/** What a server says of itself. */
export interface Health {
  /** Up, unsealed, and active or a standby that answers for the active one. */
  readonly ready: boolean;
  readonly version?: string;
}

/** Active, standby, performance standby. */
const READY = [200, 429, 473];
const HEALTH = 'sys/health';

/** One server as one client sees it, shared by all logins to it: its connections, and whether it can be asked. */
export class Server {
  readonly circuit: Circuit;
  readonly #origin: string;
  readonly #deps: ServerDependencies;
  readonly #transport: Transport;
  /** Apart from the others, so that a look at a server that hangs waits for none of them. */
  readonly #probing: Transport;

  /** `onReady`: the server was down and says that it is ready again. */
  constructor(target: ServerTarget, deps: ServerDependencies, onReady: () => void) {
    const { origin, redirects, tls, listed } = target;
    const { clock, fetchTimeoutMs: timeoutMs, lookup, lookupOf, random } = deps;
    const options = { clock, origin, redirects, tls, listed, timeoutMs, lookup, lookupOf };
    this.#origin = origin;
    this.#deps = deps;
    this.#transport = createTransport(options);
    this.#probing = createTransport(options);
    this.circuit = new Circuit({
      clock,
      random,
      probe: async (signal) => (await this.health(signal))?.ready === true,
      onReady: () => {
        // What was opened before the failure may lead nowhere.
        this.#transport.renew();
        onReady();
      },
    });
  }

  /** Requests in this HashiCorp namespace, with this token or with none. */
  client(namespace: string | undefined, token?: Hidden): VaultClient {
    return createClient({
      transport: this.#transport,
      origin: this.#origin,
      namespace,
      ...(token && { token }),
    });
  }

  /**
   * What `sys/health` says, which needs no token; undefined without an answer. Something in front of Vault may keep
   * that path from us: then any answer that is no error of a server must do, or it would stay down for ever.
   */
  async health(signal: AbortSignal): Promise<Health | undefined> {
    const client = createClient({ transport: this.#probing, origin: this.#origin });
    try {
      const { status, body } = await counted('health', { requests: 0 }, this.#deps, async () =>
        client.read(HEALTH, signal),
      );
      if (!isMap(body) || typeof at(body, 'sealed') !== 'boolean') return { ready: status < 500 };
      const version = at(body, 'version');
      return { ready: READY.includes(status), ...(isVersion(version) && { version }) };
    } catch (error) {
      if (error instanceof VaultError || signal.aborted) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.circuit.stop();
    await Promise.all([this.#transport.destroy(), this.#probing.destroy()]);
  }
}

/** It goes into a status; whatever else a server may say does not. */
function isVersion(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9][0-9A-Za-z.+_-]{0,63}$/.test(text);
}
