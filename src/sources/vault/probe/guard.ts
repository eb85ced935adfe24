import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { SourceClock } from '../../clock.ts';
import {
  ADDRESS_REFUSED,
  isOneOf,
  isRefusedAddress,
  literalAddress,
  normalizeOrigin,
  type Lookup,
} from '../address.ts';
import type { TrustedOrigin } from '../transport.ts';

/*
 * security: a test connects where its author points it, so what it connects to is what was checked here. The API
 * server is never Vault, and this machine and its surroundings are not unless the operator listed the origin.
 */

export interface GuardOptions {
  readonly clock: SourceClock;
  /** Never connected to, not even if they are listed: the API server. */
  readonly forbiddenOrigins: readonly string[];
  /** For tests. */
  readonly ownAddresses?: (() => readonly string[]) | undefined;
  /** For tests. */
  readonly lookup?: Lookup | undefined;
}

export type Guard = (address: string, port: number, listed: boolean) => boolean;

const RESOLVE_MS = 3_000;
const MAX_ADDRESSES = 8;

/** Says of an address whether it may be connected to. */
export async function guard(options: GuardOptions): Promise<Guard> {
  const { forbiddenOrigins, ownAddresses = interfaceAddresses } = options;
  const forbidden = await Promise.all(
    forbiddenOrigins.map(async (given) => {
      const origin = normalizeOrigin(given);
      // Without its addresses nothing could be checked, and that is no reason to connect.
      if (origin === undefined) throw new RangeError('a forbidden origin is none');
      const found = await addressesOf(origin, options);
      const addresses = typeof found === 'string' ? [] : found.map(({ address }) => address);
      return { port: portOf(origin), isIn: isOneOf(addresses) };
    }),
  );
  const isOwn = isOneOf(ownAddresses());
  return (address, port, listed) => {
    if (forbidden.some((one) => one.port === port && one.isIn(address))) return false;
    return listed || !(isRefusedAddress(address) || isOwn(address));
  };
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

/** The addresses behind an origin, few of them; a code if there are none. Takes a few seconds at most. */
export async function addressesOf(
  origin: string,
  { clock, lookup = dnsLookup }: Pick<GuardOptions, 'clock' | 'lookup'>,
): Promise<readonly LookupAddress[] | string> {
  const literal = literalAddress(origin);
  if (literal !== undefined) return [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  const { promise, resolve } = Promise.withResolvers<readonly LookupAddress[] | string>();
  const cancel = clock.setTimeout(() => resolve('EAI_AGAIN'), RESOLVE_MS);
  lookup(new URL(origin).hostname, { all: true }, (error, addresses) => {
    if (error) resolve(error.code ?? 'ENOTFOUND');
    else resolve(addresses.length > 0 ? addresses.slice(0, MAX_ADDRESSES) : 'ENOTFOUND');
  });
  return promise.finally(cancel);
}

export function portOf(origin: string): number {
  const { port, protocol } = new URL(origin);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Leads where the test has connected before; names that a redirect leads to are looked up and checked. */
export function guardedLookup(
  main: { readonly origin: string; readonly at: LookupAddress },
  guard: Guard,
  lookup: Lookup = dnsLookup,
): (to: TrustedOrigin) => LookupFunction {
  return ({ origin, listed }) =>
    (hostname, { all, ...options }, callback) => {
      const answer = (addresses: LookupAddress[]) => {
        const [first] = addresses;
        if (!first) callback(Object.assign(new Error('address refused'), { code: ADDRESS_REFUSED }), '', 0);
        else if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      };
      if (origin === main.origin) return answer([main.at]);
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        answer(addresses.filter(({ address }) => guard(address, portOf(origin), listed)));
      });
    };
}
