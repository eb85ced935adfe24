import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ClusterError } from './errors.ts';

export interface HttpOptions {
  readonly method?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** For a process of our own on this machine whose certificate is whatever a test wants it to be. */
  readonly anyCertificate?: boolean;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  json<T>(): T;
}

/**
 * One request on a connection of its own. Not fetch: client certificates, and a server that was just killed must
 * not leave a pooled connection behind that fails the next call.
 */
export function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method: options.method ?? 'GET',
        agent: false,
        timeout: options.timeoutMs ?? 5_000,
        ...(options.ca !== undefined && { ca: options.ca }),
        ...(options.cert !== undefined && { cert: options.cert }),
        ...(options.key !== undefined && { key: options.key }),
        ...(options.anyCertificate === true && { rejectUnauthorized: false }),
        ...(options.signal && { signal: options.signal }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...options.headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, text, json: <T>() => JSON.parse(text) as T });
        });
      },
    );
    request.on('timeout', () => request.destroy(new ClusterError('HTTP', `${url} does not answer`)));
    request.on('error', (error) => {
      reject(
        error instanceof ClusterError ? error : new ClusterError('HTTP', `${url}: ${error.message}`, error),
      );
    });
    request.end(body);
  });
}

/** As http(), but an answer other than 2xx is an error. The body stays out of it: it may hold a token. */
export async function httpOk(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const answer = await http(url, options);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new ClusterError('HTTP', `${options.method ?? 'GET'} ${url}: status ${answer.status}`);
}
