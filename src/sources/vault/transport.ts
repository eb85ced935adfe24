import { X509Certificate } from 'node:crypto';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import type { SourceClock } from '../clock.ts';
import { checkedLookup, type Lookup } from './address.ts';
import { codeOf, networkFault, VaultError } from './errors.ts';
import type { Answer } from './faults.ts';
import { parseJson } from '../../json/json.ts';

export interface TransportOptions {
  readonly clock: SourceClock;
  readonly origin: string;
  /** PEM; replaces the system's CAs. */
  readonly caBundle?: string | undefined;
  /** The operator listed the origin: any address behind it will do. */
  readonly listed: boolean;
  /** For one request, from the first byte sent to the last received. */
  readonly timeoutMs: number;
  /** For tests. */
  readonly lookup?: Lookup;
}

/** What node-vault hands over to its transport, plus the signal that travels through its options. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly uri: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly signal: AbortSignal;
}

export interface Transport {
  /** Throws VaultError if there is no complete answer, or the reason of the signal. */
  readonly send: (request: TransportRequest) => Promise<Answer>;
  /** Ends requests in flight too. */
  readonly destroy: () => Promise<void>;
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const MAX_CONNECTIONS = 16;
const KEEP_ALIVE_MS = 15_000;
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** HTTP to one server and no other: a pool of kept-alive connections, no redirects, no proxies, no retries. */
export function createTransport(options: TransportOptions): Transport {
  const pool = new Pool(options.origin, {
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_RESPONSE_BYTES,
    // The one deadline below covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: connector(options),
  });
  return {
    send: (request) => send(pool, options, request),
    destroy: () => pool.destroy(),
  };
}

function connector({ caBundle, listed, lookup, timeoutMs }: TransportOptions): buildConnector.connector {
  const unreadable = caBundle !== undefined && !isCertificates(caBundle);
  const connect = buildConnector({
    allowH2: false,
    timeout: timeoutMs,
    rejectUnauthorized: true,
    ...(caBundle !== undefined && { ca: caBundle }),
    ...(!listed && { lookup: checkedLookup(lookup) }),
  });
  // OpenSSL skips what it cannot read, and the error would then be about the server's certificate.
  return (to, callback) =>
    unreadable ? callback(new VaultError(UNREADABLE_CA), null) : connect(to, callback);
}

const UNREADABLE_CA = {
  reason: 'TLSVerificationFailed',
  scope: 'connection',
  what: 'spec.tls.caBundle holds no certificate, or one that cannot be read: write PEM certificates into it',
} as const;

function isCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).subject !== undefined);
  } catch {
    return false;
  }
}

async function send(
  pool: Pool,
  { clock, origin, timeoutMs }: TransportOptions,
  request: TransportRequest,
): Promise<Answer> {
  const { method, uri, headers, json, signal } = request;
  const name = `${method} ${new URL(uri).pathname}`;
  const deadline = new AbortController();
  const cancel = clock.setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const response = await pool.request({
      method,
      path: uri.slice(origin.length),
      headers: {
        ...headers,
        accept: 'application/json',
        // Agents in front of Vault can insist on it, against requests forged with a browser's help.
        'x-vault-request': 'true',
        ...(json && { 'content-type': 'application/json' }),
      },
      body: json ? JSON.stringify(json) : null,
      signal: AbortSignal.any([signal, deadline.signal]),
    });
    return answer(response, await response.body.text());
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw new VaultError({ ...TIMED_OUT, request: name });
    throw converted(error, name);
  } finally {
    cancel();
  }
}

const TIMED_OUT = {
  reason: 'Unreachable',
  scope: 'connection',
  what: 'Vault did not answer in time: check Vault, spec.host and network policies',
} as const;

/** undici's errors can hold headers and bodies; only the code goes on. */
function converted(error: unknown, request: string): VaultError {
  if (error instanceof VaultError) return new VaultError({ ...error.fault, request });
  const code = codeOf(error);
  if (code !== 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new VaultError(networkFault(code, request), code);
  return new VaultError({
    reason: 'TooLarge',
    scope: 'read',
    request,
    what: 'the answer of Vault is over 4 MiB: store smaller values',
  });
}

function answer({ statusCode, headers }: Dispatcher.ResponseData, text: string): Answer {
  const retryAfterMs = retryAfter(headers['retry-after'], headers['date']);
  return {
    status: statusCode,
    body: text === '' ? undefined : parseJson(text),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Seconds, or a date, which is compared with the server's own clock. Five minutes are enough for any quota. */
function retryAfter(value: HeaderValue, date: HeaderValue): number | undefined {
  if (typeof value !== 'string') return undefined;
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(typeof date === 'string' ? date : '');
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

type HeaderValue = string | string[] | undefined;
