import type { LookupFunction } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import { parseJson } from '../../json/json.ts';
import type { SourceClock } from '../clock.ts';
import { checkedLookup, type Lookup } from './address.ts';
import { CLOSED, codeOf, networkFault, VaultError } from './errors.ts';
import type { Answer } from './faults.ts';
import { Slots } from './slots.ts';
import { secureContext, type TlsMaterial } from './tls.ts';

export interface TransportOptions {
  readonly clock: SourceClock;
  readonly origin: string;
  /** Other origins that a redirect may lead to, and whether each is listed. */
  readonly redirects?: readonly TrustedOrigin[] | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** The operator listed the origin: any address behind it will do. */
  readonly listed: boolean;
  /** For one request, from the first byte sent to the last received. */
  readonly timeoutMs: number;
  /** For tests. */
  readonly lookup?: Lookup | undefined;
  /** Where each origin leads, for a caller who has looked himself; absent: its name, if not listed checked. */
  readonly lookupOf?: LookupOf | undefined;
}

export type LookupOf = (to: TrustedOrigin) => LookupFunction;

export interface TrustedOrigin {
  readonly origin: string;
  readonly listed: boolean;
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
  /** Requests from now on go over new connections: the old ones may lead to a server that is not there any more. */
  readonly renew: () => void;
  /** Ends requests in flight too. */
  readonly destroy: () => Promise<void>;
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
/** Requests to one server at the same time, whatever waits: it may have just come back. */
export const MAX_CONCURRENT_REQUESTS = 16;
/** For name, TCP and TLS together; less than for the whole request. */
const CONNECT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** HTTP to one server and those it may redirect to: pools of kept-alive connections, no proxies, no retries. */
export function createTransport(options: TransportOptions): Transport {
  const pools = new Map<string, Pool>();
  // Whoever waits for others has not sent anything yet: that is no time that the server takes.
  const slots = new Slots(MAX_CONCURRENT_REQUESTS);
  const retired = new Set<Promise<void>>();
  let isClosed = false;
  const poolOf = (to: TrustedOrigin): Pool => {
    const pool = pools.get(to.origin) ?? openPool(to, options);
    pools.set(to.origin, pool);
    return pool;
  };
  const retire = () => {
    for (const pool of pools.values()) {
      const closing: Promise<void> = pool.destroy().finally(() => retired.delete(closing));
      retired.add(closing);
    }
    pools.clear();
  };
  return {
    send: async (request) =>
      slots.run(async () => {
        if (isClosed) throw new VaultError(CLOSED);
        return send(poolOf, options, request);
      }, request.signal),
    renew: retire,
    destroy: async () => {
      isClosed = true;
      retire();
      await Promise.all(retired);
    },
  };
}

function openPool(to: TrustedOrigin, { tls = {}, lookup, lookupOf, timeoutMs }: TransportOptions): Pool {
  const { origin, listed } = to;
  const leads = lookupOf?.(to) ?? (listed ? undefined : checkedLookup(lookup));
  return new Pool(origin, {
    connections: MAX_CONCURRENT_REQUESTS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_RESPONSE_BYTES,
    // The one deadline of send() covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: buildConnector({
      allowH2: false,
      timeout: Math.min(CONNECT_MS, timeoutMs),
      rejectUnauthorized: true,
      ...(origin.startsWith('https:') && { secureContext: secureContext(tls) }),
      ...(leads && { lookup: leads }),
    }),
  });
}

async function send(
  poolOf: (to: TrustedOrigin) => Pool,
  options: TransportOptions,
  request: TransportRequest,
): Promise<Answer> {
  const { clock, origin, timeoutMs } = options;
  const { method, uri, headers, json, signal } = request;
  const path = uri.slice(origin.length);
  const name = `${method} ${new URL(uri).pathname}`;
  const deadline = new AbortController();
  const cancel = clock.setTimeout(() => deadline.abort(), timeoutMs);
  let hasAnswered = false;
  const ask = async (pool: Pool): Promise<Answer> => {
    const response = await pool.request({
      method,
      path,
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
    hasAnswered = true;
    return answer(response, await response.body.text(), uri);
  };
  try {
    const first = await ask(poolOf(options));
    const next = redirection(first, options);
    return next ? await ask(poolOf(next)) : first;
  } catch (error) {
    signal.throwIfAborted();
    const failed = deadline.signal.aborted
      ? new VaultError({ ...TIMED_OUT, request: name })
      : converted(error, name, origin.startsWith('https:'));
    // The server is there: that the body does not come through need not concern other requests.
    throw hasAnswered ? new VaultError({ ...failed.fault, scope: 'read' }, failed.cause as string) : failed;
  } finally {
    cancel();
  }
}

const TIMED_OUT = {
  reason: 'Unreachable',
  scope: 'server',
  what: 'Vault did not answer in time: check Vault, spec.host and network policies',
} as const;

/** undici's errors can hold headers and bodies; only the code goes on. */
function converted(error: unknown, request: string, isTls: boolean): VaultError {
  const code = codeOf(error);
  if (code !== 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new VaultError(networkFault(code, request, isTls), code);
  return new VaultError({
    reason: 'TooLarge',
    scope: 'read',
    request,
    what: 'the answer of Vault is over 4 MiB: store smaller values',
  });
}

/**
 * The one origin that the same request is to be sent to, if it is one that a redirect may lead to. Once: who
 * redirects again is not the active node. 307 and 308 alone keep method and body.
 */
function redirection(
  { status, redirectTo }: Answer,
  { origin, redirects = [] }: TransportOptions,
): TrustedOrigin | undefined {
  if (status !== 307 && status !== 308) return undefined;
  if (origin.startsWith('https:') && redirectTo?.startsWith('https:') !== true) return undefined;
  return redirects.find((one) => one.origin === redirectTo);
}

function answer({ statusCode, headers }: Dispatcher.ResponseData, text: string, uri: string): Answer {
  const retryAfterMs = retryAfter(headers['retry-after'], headers['date']);
  const redirectTo =
    statusCode >= 300 && statusCode < 400 ? samePathElsewhere(headers['location'], uri) : undefined;
  return {
    status: statusCode,
    body: text === '' ? undefined : parseJson(text),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(redirectTo !== undefined && { redirectTo }),
  };
}

/** The origin in a Location; undefined if it is the same one, or if the path is another one. */
function samePathElsewhere(location: HeaderValue, uri: string): string | undefined {
  if (typeof location !== 'string' || !URL.canParse(location, uri)) return undefined;
  const [from, to] = [new URL(uri), new URL(location, uri)];
  const same = isSamePath(from.pathname, to.pathname) && from.search === to.search;
  const isHost = /^https?:$/.test(to.protocol) && to.username === '';
  return same && isHost && to.origin !== from.origin ? to.origin : undefined;
}

/** Servers encode other characters than we do; what is sent on is our own path all the same. */
function isSamePath(a: string, b: string): boolean {
  try {
    const decode = (path: string) => path.split('/').map(decodeURIComponent);
    return isDeepStrictEqual(decode(a), decode(b));
  } catch {
    return false;
  }
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
