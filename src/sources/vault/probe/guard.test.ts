import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../test/support/vault-clock.ts';
import type { Lookup } from '../address.ts';
import { addressesOf, guard, portOf } from './guard.ts';

const OWN = ['10.0.0.5', 'fd00::5'];
const API = 'https://10.96.0.1:443';
const clock = new ManualClock();
const options = { clock, forbiddenOrigins: [API], ownAddresses: () => OWN };

describe('an address', () => {
  const cases: Record<string, [address: string, port: number, listed: boolean, allowed: boolean]> = {
    'of a private network': ['10.0.0.6', 8200, false, true],
    'of this machine': ['10.0.0.5', 8200, false, false],
    'of this machine, mapped': ['::ffff:10.0.0.5', 8200, false, false],
    'of this machine, through NAT64': ['64:ff9b::a00:5', 8200, false, false],
    'of this machine, IPv6': ['fd00::5', 8200, false, false],
    'of this machine, listed': ['10.0.0.5', 8200, true, true],
    loopback: ['127.0.0.1', 8200, false, false],
    'loopback, listed': ['127.0.0.1', 8200, true, true],
    'of the API server': ['10.96.0.1', 443, false, false],
    'of the API server, listed': ['10.96.0.1', 443, true, false],
    'of the API server, mapped and listed': ['::ffff:10.96.0.1', 443, true, false],
    'beside the API server': ['10.96.0.1', 8200, true, true],
    'that is none': ['vault', 8200, false, false],
  };
  for (const [what, [address, port, listed, allowed]] of Object.entries(cases)) {
    it(`${what} is ${allowed ? 'fine' : 'refused'}`, async () => {
      expect((await guard(options))(address, port, listed)).toBe(allowed);
    });
  }
});

describe('the addresses behind an origin', () => {
  const answer =
    (...addresses: string[]): Lookup =>
    (_, __, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
  const of = (lookup: Lookup) => addressesOf('https://vault.example.com', { clock, lookup });

  it('are few', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `10.0.0.${index}`);
    expect(await of(answer(...many))).toHaveLength(8);
  });

  it('are none: a code', async () => {
    expect(await of(answer())).toBe('ENOTFOUND');
    expect(
      await of((_, __, callback) => callback(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), [])),
    ).toBe('EAI_AGAIN');
  });

  it('do not come in time: a code', async () => {
    const found = of(() => {});
    clock.advance(3_000);
    expect(await found).toBe('EAI_AGAIN');
  });

  it('are the origin itself if it is one', async () => {
    expect(await addressesOf('https://[fd00::1]:8200', { clock })).toEqual([
      { address: 'fd00::1', family: 6 },
    ]);
  });
});

it('a port is that of the scheme if none is given', () => {
  expect(['https://a', 'http://a', 'http://a:8200'].map(portOf)).toEqual([443, 80, 8200]);
});
