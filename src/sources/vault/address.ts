import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Resolves a name to all its addresses, as dns.lookup does. */
export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The code of the error for a name behind which there is no address that may be connected to. */
export const ADDRESS_REFUSED = 'FAIRLEAD_ADDRESS_REFUSED';

/**
 * Where no Vault of somebody else is: the machine itself, its link, and the metadata services that hand out
 * the node's cloud identity. Private ranges are not here, Vault usually runs in one.
 */
const REFUSED_V4 = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.192', 32], // Oracle Cloud metadata
  ['168.63.129.16', 32], // Azure's wire server
  ['100.100.100.200', 32], // Alibaba Cloud metadata
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

const REFUSED_V6 = [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['fd00:ec2::', 32], // AWS metadata and Pod Identity
  ['fd20:ce::254', 128], // Google Cloud metadata
  ['64:ff9b:1::', 48], // NAT64 with a prefix of the site: where the IPv4 address stands is not known
] as const;

/** IPv6 addresses that end in an IPv4 address and lead to it: mapped, compatible, translated, NAT64. */
const EMBEDDING = ['::ffff:', '::', '::ffff:0:', '64:ff9b::'] as const;

const refused = buildList();

function buildList(): BlockList {
  const list = new BlockList();
  for (const [network, bits] of REFUSED_V6) list.addSubnet(network, bits, 'ipv6');
  for (const [network, bits] of REFUSED_V4) addV4(list, network, bits);
  return list;
}

function addV4(list: BlockList, network: string, bits: number): void {
  list.addSubnet(network, bits, 'ipv4');
  for (const prefix of EMBEDDING) list.addSubnet(`${prefix}${network}`, 96 + bits, 'ipv6');
  list.addSubnet(sixToFour(network), 16 + bits, 'ipv6');
}

/** 2002:AABB:CCDD:: leads to A.B.C.D. */
function sixToFour(network: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = network.split('.').map(Number);
  return `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`;
}

/** `https://Vault.Example.com:443/` is `https://vault.example.com`; undefined if it is not just an origin. */
export function normalizeOrigin(text: string): string | undefined {
  if (!URL.canParse(text) || /[?#@]/.test(text)) return undefined;
  const { protocol, origin, pathname } = new URL(text);
  return /^https?:$/.test(protocol) && pathname === '/' ? origin : undefined;
}

/** True if Fairlead does not connect to this address unless the operator lists the origin. */
export function isRefusedAddress(address: string): boolean {
  return isIn(refused, address);
}

/** True if one of these addresses is meant, in whatever form an IPv4 address among them is written. */
export function isOneOf(addresses: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const address of addresses) {
    const [bare = ''] = address.split('%');
    const v4 = /^::ffff:([0-9.]+)$/i.exec(bare)?.[1] ?? bare;
    if (isIP(v4) === 4) addV4(list, v4, 32);
    else if (isIP(bare) === 6) list.addAddress(bare, 'ipv6');
  }
  return (address) => isIn(list, address);
}

/** What is no address is in every list. */
function isIn(list: BlockList, address: string): boolean {
  const [bare = ''] = address.split('%');
  const family = isIP(bare);
  return family === 0 || list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** The IP address that stands as host in an origin, without brackets; undefined for a name. */
export function literalAddress(origin: string): string | undefined {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : host;
}

/**
 * A lookup for sockets that leaves out refused addresses. The socket connects to what this answers, so that a
 * name cannot point elsewhere between check and connection (DNS rebinding).
 */
export function checkedLookup(lookup: Lookup = dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => !isRefusedAddress(address));
      const [first] = allowed;
      if (!first) return callback(refusal(), '', 0);
      return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
}

/** Without the address: whoever writes integrations need not learn what a name resolves to in here. */
function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('address refused'), { code: ADDRESS_REFUSED });
}
