import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { readJson, type Body, type ByteBudget } from './body.ts';

/** A request that none of the routes is for; its body is not read yet. */
export interface OpenRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  /** By lower-case name, each with all its values. security: Node joins repeated headers elsewhere. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  /** The client's certificate, if `clientCa` vouches for it; what it may be used for is for others to say. */
  readonly peer: X509Certificate | undefined;
  /** False: there is nothing to read. */
  readonly hasBody: boolean;
  /** To be called once; never rejects. */
  readonly readJson: () => Promise<Body>;
  /** Ends with the deadline, or when the client is gone. */
  readonly signal: AbortSignal;
}

export interface OpenAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export type OpenHandler = (request: OpenRequest) => Promise<OpenAnswer>;

export function openRequest(
  request: IncomingMessage,
  limits: { readonly bodyBytes: number; readonly bodyMs: number },
  budget: ByteBudget,
  signal: AbortSignal,
): OpenRequest {
  const socket = request.socket as TLSSocket;
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headersDistinct,
    peer: socket.authorized ? socket.getPeerX509Certificate() : undefined,
    hasBody: encoding !== undefined || Number(length) > 0,
    readJson: async () => {
      // Answers may take their time; a body that trickles in holds a place that others wait for.
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.bodyMs)]);
      return readJson(request, limits.bodyBytes, budget, inTime);
    },
    signal,
  };
}
