import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import {
  ADDRESS_REFUSED,
  checkedLookup,
  isRefusedAddress,
  literalAddress,
  normalizeOrigin,
  type Lookup,
} from './address.ts';

describe('an address is refused if it is', () => {
  const rows: Record<string, readonly string[]> = {
    loopback: ['127.0.0.1', '127.1.2.3', '::1'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::'],
    'link-local': ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
    'reserved or broadcast': ['240.0.0.1', '255.255.255.255'],
    'the metadata service of a cloud': [
      '169.254.169.254',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
    ],
    'an IPv4 address mapped into IPv6': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254'],
    'an IPv4 address in NAT64': ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe'],
    'an IPv4 address in a NAT64 prefix of the site': ['64:ff9b:1::1', '64:ff9b:1:2:3:4:808:808'],
    'an IPv4-compatible address': ['::127.0.0.1', '::a9fe:a9fe'],
    'a translated IPv4 address': ['::ffff:0:127.0.0.1'],
    'an IPv4 address in 6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1'],
    'no address at all': ['', 'localhost', '127.0.0.1.nip.io', '1.2.3', '0x7f.1'],
  };
  const table = Object.entries(rows).flatMap(([what, list]) => list.map((address) => [what, address]));
  it.each(table)('%s: %s', (_, address) => {
    expect(isRefusedAddress(address ?? '')).toBe(true);
  });
});

describe('an address is allowed if it is', () => {
  const rows: Record<string, readonly string[]> = {
    private: ['10.0.0.1', '172.16.0.1', '192.168.1.1', 'fd12:3456::1'],
    public: ['8.8.8.8', '2606:4700::1111', '126.255.255.255', '128.0.0.1', '223.255.255.255'],
    'in a carrier network': ['100.64.0.1'],
    'private and mapped or in NAT64': ['::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::'],
  };
  const table = Object.entries(rows).flatMap(([what, list]) => list.map((address) => [what, address]));
  it.each(table)('%s: %s', (_, address) => {
    expect(isRefusedAddress(address ?? '')).toBe(false);
  });
});

describe('the host of an origin', () => {
  const rows: Record<string, string | undefined> = {
    'https://10.0.0.1:8200': '10.0.0.1',
    'https://[::1]:8200': '::1',
    'https://0x7f.1': '127.0.0.1',
    'https://2130706433': '127.0.0.1',
    'https://017700000001': '127.0.0.1',
    'https://[::ffff:127.0.0.1]': '::ffff:7f00:1',
    'https://vault.example.com': undefined,
    'https://10.0.0.1.example.com': undefined,
  };
  it.each(Object.entries(rows))('of %s is the address %s', (origin, address) => {
    expect(literalAddress(origin)).toBe(address);
  });
});

describe('an origin', () => {
  const same: Record<string, string> = {
    'https://vault.example.com': 'https://vault.example.com',
    'https://vault.example.com/': 'https://vault.example.com',
    'https://vault.example.com:443': 'https://vault.example.com',
    'http://vault.example.com:80/': 'http://vault.example.com',
    'HTTPS://Vault.Example.COM:8200/': 'https://vault.example.com:8200',
    'https://[2001:DB8::0:1]:8200': 'https://[2001:db8::1]:8200',
    'https://bücher.example': 'https://xn--bcher-kva.example',
  };
  it.each(Object.entries(same))('%s is %s', (text, origin) => {
    expect(normalizeOrigin(text)).toBe(origin);
  });

  it.each([
    '',
    'vault.example.com',
    'vault.example.com:8200',
    'ftp://vault.example.com',
    'https://vault.example.com/v1',
    'https://vault.example.com/?a',
    'https://vault.example.com?',
    'https://vault.example.com#',
    'https://user@vault.example.com',
    'https://user:pw@vault.example.com',
    'https://',
    'file:///etc',
  ])('is not %j', (text) => {
    expect(normalizeOrigin(text)).toBeUndefined();
  });
});

describe('a name is looked up', () => {
  const resolvesTo =
    (...addresses: string[]): Lookup =>
    (_name, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const lookUp = (lookup: Lookup, all: boolean) =>
    new Promise<{ code: string | undefined; address: string | LookupAddress[] }>((resolve) => {
      checkedLookup(lookup)('vault.example.com', { all }, (error, address) =>
        resolve({ code: error?.code, address }),
      );
    });

  it('and gives all its addresses', async () => {
    expect(await lookUp(resolvesTo('10.0.0.1', 'fd00::1'), true)).toMatchObject({
      address: [
        { address: '10.0.0.1', family: 4 },
        { address: 'fd00::1', family: 6 },
      ],
    });
  });

  it('and leaves out those that are refused', async () => {
    expect(await lookUp(resolvesTo('127.0.0.1', '10.0.0.1', '::1'), true)).toMatchObject({
      address: [{ address: '10.0.0.1' }],
    });
  });

  it('and gives the first that is allowed to whoever wants one', async () => {
    expect(await lookUp(resolvesTo('169.254.169.254', '10.0.0.7'), false)).toMatchObject({
      address: '10.0.0.7',
    });
  });

  it.each([true, false])('and fails if all are refused (all: %s)', async (all) => {
    expect(await lookUp(resolvesTo('127.0.0.1', '::ffff:169.254.169.254'), all)).toMatchObject({
      code: ADDRESS_REFUSED,
    });
  });

  it('and fails as DNS does', async () => {
    const lookup: Lookup = (_name, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), []);
    expect(await lookUp(lookup, true)).toMatchObject({ code: 'ENOTFOUND' });
  });
});
