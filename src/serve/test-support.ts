import { type Agent, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { startHttps, type HttpsListening, type HttpsOptions, type ServeProblem } from './https.ts';
import { issue, type CertificateBundle, type IssueOptions } from './certificates.ts';

/** A certificate for localhost, and clients that trust it, for the tests of this room. */
export function localhost(more: Partial<IssueOptions> = {}): Promise<CertificateBundle> {
  return issue({ dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], now: new Date(), ...more });
}

const servers: HttpsListening[] = [];

export async function stopServers(): Promise<void> {
  for (const server of servers.splice(0)) await server.stop(0);
}

/** A server on a free port that sends back what it is sent at /echo. */
export async function startEcho(routes: HttpsOptions['routes'] = {}, limits: HttpsOptions['limits'] = {}) {
  const problems: ServeProblem[] = [];
  const bundle = await localhost();
  const server = await startHttps({
    host: '127.0.0.1',
    port: 0,
    certificate: bundle,
    routes: { 'POST /echo': ({ body }) => ({ status: 200, body }), ...routes },
    onError: (problem) => problems.push(problem),
    limits,
  });
  servers.push(server);
  const [port, ca] = [server.port, bundle.caCert];
  const post = (more: Partial<CallOptions>) => call({ port, ca, ...more });
  return { server, port, ca, bundle, problems: problems as readonly ServeProblem[], post };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The serial number of the certificate that the server showed. */
  readonly serial: string;
}

export interface CallOptions {
  readonly port: number;
  readonly ca: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly agent?: Agent | false;
  /** Of the client. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the server's certificate must be for. */
  readonly servername?: string | undefined;
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
  /** Writes the body; undefined: no body. Not ending the request is up to the caller. */
  readonly body?: string | Buffer | ((write: (chunk: string | Buffer) => void, end: () => void) => void);
}

export function call({ path = '/echo', method = 'POST', headers, body, agent, ...options }: CallOptions) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: 'localhost',
        path,
        method,
        headers: { 'content-type': 'application/json', ...headers },
        agent: agent ?? false,
        ...options,
      },
      (response) => {
        const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
            serial,
          }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    if (typeof body === 'function')
      body(
        (chunk) => sent.write(chunk),
        () => sent.end(),
      );
    else sent.end(body);
  });
}

/** A TLS connection of its own; resolves when the handshake is done. */
export function handshake(port: number, ca: string, version?: 'TLSv1.1' | 'TLSv1.3'): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // At its usual security level OpenSSL would refuse an old version by itself, before the server could.
    const limits = version && { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    const socket = connect({ host: 'localhost', servername: 'localhost', port, ca, ...limits }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
  });
}

/** Resolves with everything that was received when the other side has closed. */
export function untilClosed(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}
