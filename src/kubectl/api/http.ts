import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { said } from '../../kube/answer.ts';
import { KubeError, transportError } from '../../kube/errors.ts';
import type { WholeAnswer } from '../../kube/send.ts';
import type { Identity } from './identity.ts';
import { tunnel } from './tunnel.ts';

export interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root, encoded: src/kube/objects.ts makes it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Names the request in errors. */
  readonly call: string;
}

export interface HttpOptions {
  readonly server: string;
  readonly proxy?: string | undefined;
  readonly identity: Identity;
  /** Milliseconds for one request; 0: as long as it takes. */
  readonly timeoutMs: number;
  /** A warning of the server, in its words. */
  readonly onWarning: (text: string) => void;
  readonly userAgent: string;
}

const MAX_ANSWER = 64 * 1024 * 1024;

/**
 * One request at a time on a connection that is kept; node:https, since undici and client-node need a newer Node
 * than people have beside their kubectl.
 */
export class Http {
  readonly #options: HttpOptions;
  readonly #base: URL;
  readonly #agent: HttpAgent | HttpsAgent;

  /** Throws KubeError BadConfig. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#base = baseOf(options.server);
    const { tls } = options.identity;
    if (this.#base.protocol === 'http:') this.#agent = new HttpAgent({ keepAlive: true });
    else this.#agent = new HttpsAgent({ keepAlive: true, ...tls });
    if (options.proxy) tunnel(this.#agent, options.proxy, tls);
  }

  /** Resolves to the parsed answer, undefined if it is empty. Rejects with KubeError and with nothing else. */
  async request<T>(asked: Asked): Promise<T> {
    const { warnings, ...answer } = await this.#send(asked);
    for (const text of warnings) this.#options.onWarning(text);
    return said(asked.call, answer) as T;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send({ method, path, query, body, call }: Asked): Promise<Answer> {
    const { identity, timeoutMs, userAgent } = this.#options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const prefix = this.#base.pathname.replace(/\/+$/, '');
    const options = {
      method,
      agent: this.#agent,
      path: prefix + path + queryString(query),
      headers: {
        ...identity.headers,
        accept: 'application/json',
        'user-agent': userAgent,
        ...(text !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
      },
      ...(timeoutMs > 0 && { signal: AbortSignal.timeout(timeoutMs) }),
    };
    const start = this.#base.protocol === 'http:' ? httpRequest : httpsRequest;
    try {
      const response = await new Promise<IncomingMessage>((done, fail) => {
        start(this.#base, options, done).on('error', fail).end(text);
      });
      return answer(response, await read(response));
    } catch (error) {
      throw reason(call, error);
    }
  }
}

interface Answer extends WholeAnswer {
  readonly warnings: readonly string[];
}

function answer({ statusCode = 0, headersDistinct, headers }: IncomingMessage, body: Buffer): Answer {
  const warnings = (headersDistinct['warning'] ?? []).flatMap(warningTexts);
  return { status: statusCode, warnings, retryAfter: headers['retry-after'], body };
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MAX_ANSWER) throw new KubeError({ code: 'BadResponse', message: 'the answer is too large' });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** `299 - "text"`, perhaps several in one header. */
export function warningTexts(header: string): string[] {
  const found = header.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g);
  return Array.from(found, ([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}

function reason(call: string, error: unknown): KubeError {
  const { name } = error as { name?: unknown };
  if (name === 'AbortError' || name === 'TimeoutError')
    return new KubeError({ code: 'Timeout', message: `${call}: no answer in time` });
  return transportError(call, error);
}

function baseOf(server: string): URL {
  try {
    const url = new URL(server);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {
    // Said below.
  }
  throw new KubeError({ code: 'BadConfig', message: 'the kubeconfig names no server' });
}

function queryString(query: Asked['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs as [string, string][]).toString()}`;
}
