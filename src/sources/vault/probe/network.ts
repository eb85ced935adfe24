import type { LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { SourceClock } from '../../clock.ts';
import { ADDRESS_REFUSED, literalAddress } from '../address.ts';
import { codeOf, networkFault } from '../errors.ts';
import { secureContext } from '../tls.ts';
import type { VaultTarget } from '../target.ts';
import { certificateWords, namesOf } from './certificate.ts';
import { addressesOf, portOf, type Guard, type GuardOptions } from './guard.ts';
import { failed, passed, skipped, StepEnd, type StepResult } from './steps.ts';

type Server = Pick<VaultTarget, 'origin' | 'listed' | 'tls'>;

const TCP_MS = 3_000;
const TLS_MS = 4_000;

export const FORBIDDEN_ADDRESS =
  'the host leads to an address that Fairlead does not connect to (loopback, link-local, multicast, metadata, this machine itself, or the API server of the cluster): correct spec.host, or, if it is not the API server, have the operator list it in --vault-hosts';

/** Step "resolve name": the addresses that may be connected to. */
export async function resolveName(
  { origin, listed }: Server,
  guard: Guard,
  options: GuardOptions,
): Promise<{ readonly result: StepResult; readonly addresses: readonly LookupAddress[] }> {
  const forbidden = options.forbiddenOrigins.some((one) => samePlace(one, origin));
  const found = forbidden ? ADDRESS_REFUSED : await addressesOf(origin, options);
  if (typeof found === 'string') return { result: networkFailure(found), addresses: [] };
  const addresses = found.filter(({ address }) => guard(address, portOf(origin), listed));
  if (addresses.length === 0) {
    return { result: failed('NotSupportedHere', FORBIDDEN_ADDRESS), addresses };
  }
  if (literalAddress(origin) !== undefined) {
    return { result: passed('spec.host is an address, there is no name to resolve'), addresses };
  }
  const list = addresses.map(({ address }) => address).toSorted();
  const leftOut = found.length > list.length ? '; others behind the name may not be connected to' : '';
  const detail = `${new URL(origin).hostname} is ${list.join(', ')}${leftOut}`;
  return { result: passed('the name resolves', detail), addresses };
}

/** Whatever DNS says just now. */
function samePlace(a: string, b: string): boolean {
  return new URL(a).hostname === new URL(b).hostname && portOf(a) === portOf(b);
}

/** Step "TCP": the first of the addresses that takes a connection. Throws StepEnd. */
export async function reach(
  origin: string,
  addresses: readonly LookupAddress[],
  clock: SourceClock,
  signal: AbortSignal,
): Promise<{ readonly result: StepResult; readonly at: LookupAddress }> {
  const port = portOf(origin);
  let code = 'ECONNREFUSED';
  for (const at of addresses) {
    const socket = connectTcp({ host: at.address, port });
    const outcome = await opened(socket, 'connect', TCP_MS, clock, signal);
    socket.destroy();
    if (outcome === undefined) {
      const detail = `connected to ${at.family === 6 ? `[${at.address}]` : at.address}:${port}`;
      return { result: passed('the server takes connections', detail), at };
    }
    code = outcome;
  }
  const where = addresses.map(({ address }) => address).join(', ');
  const { outcome, ...failure } = networkFailure(code);
  throw new StepEnd({
    ...failure,
    outcome,
    detail: `${failure.message} (tried ${where}, port ${port})`,
  } as StepResult);
}

/** Step "TLS": is the certificate one that is trusted, and for this name? */
export async function greet(
  server: Server,
  at: LookupAddress,
  clock: SourceClock,
  signal: AbortSignal,
): Promise<StepResult> {
  const { origin } = server;
  if (origin.startsWith('http:')) {
    return skipped(
      'spec.host is without TLS (allowed by --allow-http-vault): whoever is on the way can read along',
    );
  }
  const socket = connectTls({ ...tlsOptions(server, at), rejectUnauthorized: true });
  // The chain passed, the name did not: the certificate says which names it is for.
  let names: string | undefined;
  socket.on('error', (error: unknown) => (names = namesOf(error)));
  const code = await opened(socket, 'secureConnect', TLS_MS, clock, signal);
  const words = code === undefined ? certificateWords(socket.getPeerCertificate()) : undefined;
  socket.destroy();
  if (code === undefined) return passed('the certificate is trusted and is for this host', words);
  const failure = networkFailure(code);
  const isUntrusted = 'reason' in failure && failure.reason === 'TLSVerificationFailed';
  const seen = names ?? (isUntrusted ? await look(origin, at, clock, signal) : undefined);
  return { ...failure, ...(seen !== undefined && { detail: `${failure.message} (${seen})` }) };
}

/**
 * What certificate a server shows that is not trusted. Nothing is sent over this connection, no request and no
 * certificate of ours, and it is closed at once: only who issued what is there can tell people which CA is missing.
 */
async function look(
  origin: string,
  at: LookupAddress,
  clock: SourceClock,
  signal: AbortSignal,
): Promise<string | undefined> {
  const socket = connectTls({ ...tlsOptions({ origin, tls: {} }, at), rejectUnauthorized: false });
  const code = await opened(socket, 'secureConnect', TLS_MS, clock, signal);
  const words = code === undefined ? certificateWords(socket.getPeerCertificate()) : undefined;
  socket.destroy();
  return words;
}

function tlsOptions({ origin, tls }: Pick<Server, 'origin' | 'tls'>, { address }: LookupAddress) {
  const name = literalAddress(origin) ?? new URL(origin).hostname;
  return {
    host: address,
    port: portOf(origin),
    secureContext: secureContext(tls),
    // Without a name the address itself is what the certificate must be for.
    ...(isIP(name) === 0 && { servername: name }),
  };
}

/** Undefined once it is open, else the code of what went wrong. Throws the signal's reason. */
async function opened(
  socket: Socket | TLSSocket,
  event: 'connect' | 'secureConnect',
  ms: number,
  clock: SourceClock,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const abort = () => reject(signal.reason);
  const cancel = clock.setTimeout(() => resolve('ETIMEDOUT'), ms);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  socket.once(event, () => resolve(undefined));
  socket.on('error', (error) => resolve(codeOf(error)));
  socket.once('close', () => resolve('ECONNRESET'));
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

function networkFailure(code: string): StepResult {
  if (code === ADDRESS_REFUSED) return failed('NotSupportedHere', FORBIDDEN_ADDRESS);
  const { reason, what } = networkFault(code, '', true);
  return failed(reason, what);
}
