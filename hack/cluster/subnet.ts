import { readFileSync } from 'node:fs';
import { ClusterError } from './errors.ts';

export interface Subnet {
  readonly subnet: string;
  readonly address: string;
}

export interface SubnetOptions {
  readonly except?: Subnet;
  readonly routes?: string;
  readonly random?: () => number;
}

/** A /24 out of 10.144.0.0 - 10.207.255.0 that no interface or route of this machine has. */
export function chooseSubnet(options: SubnetOptions = {}): Subnet {
  const random = options.random ?? Math.random;
  const taken = parseRoutes(options.routes ?? readRoutes());
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const [second, third] = [144 + Math.floor(random() * 64), Math.floor(random() * 256)];
    const network = ((10 << 24) | (second << 16) | (third << 8)) >>> 0;
    if (taken.some((route) => (network & route.mask) >>> 0 === route.network)) continue;
    const prefix = `10.${second}.${third}`;
    if (options.except?.address === `${prefix}.1`) continue;
    return { subnet: `${prefix}.0/24`, address: `${prefix}.1` };
  }
  throw new ClusterError('NODE_IMPOSSIBLE', 'no free /24 between 10.144.0.0 and 10.207.255.0 for pods');
}

interface Route {
  readonly network: number;
  readonly mask: number;
}

/**
 * Lines of /proc/net/route, hexadecimal in host byte order. Routes wider than a /16 (default, a VPN's 10.0.0.0/8)
 * do not count: a narrower one goes before them.
 */
export function parseRoutes(text: string): Route[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .flatMap(([, destination, , , , , , mask]) =>
      destination === undefined || mask === undefined
        ? []
        : [{ network: littleEndian(destination), mask: littleEndian(mask) }],
    )
    .filter((route) => route.mask >>> 0 >= 0xffff0000);
}

function littleEndian(hex: string): number {
  return Buffer.from(hex.trim(), 'hex').readUInt32LE();
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch {
    return '';
  }
}
