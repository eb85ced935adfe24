import { describe, expect, it } from 'vitest';
import { chooseSubnet, parseRoutes } from './subnet.ts';

const HEAD = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT';
const line = (destination: string, mask: string): string =>
  `eth0\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0`;

describe('the subnet for pods', () => {
  it('reads the routes that could collide, not the default route or one as wide as 10.0.0.0/8', () => {
    const routes = [
      HEAD,
      line('00000000', '00000000'),
      line('0000000A', '000000FF'),
      line('0005900A', '00FFFFFF'),
      '',
    ];
    expect(parseRoutes(routes.join('\n'))).toEqual([{ network: 0x0a900500, mask: 0xffffff00 }]);
  });

  it('goes round a network that another cluster or interface has', () => {
    const values = [0, 5 / 256, 0, 6 / 256];
    const random = (): number => values.shift() ?? 0;
    const taken = [HEAD, line('0005900A', '00FFFFFF')].join('\n');
    expect(chooseSubnet({ routes: taken, random })).toEqual({
      subnet: '10.144.6.0/24',
      address: '10.144.6.1',
    });
  });

  it('goes round a wider network that covers it', () => {
    const values = [0, 5 / 256, 1 / 64, 0];
    const random = (): number => values.shift() ?? 0;
    expect(chooseSubnet({ routes: [HEAD, line('0000900A', '0000FFFF')].join('\n'), random }).subnet).toBe(
      '10.145.0.0/24',
    );
  });

  it('takes any where nothing is known', () => {
    expect(chooseSubnet({ routes: '', random: () => 0.999 }).subnet).toBe('10.207.255.0/24');
  });

  it('never answers the one that it is told to leave out', () => {
    const values = [0, 0, 0, 1 / 256];
    const random = (): number => values.shift() ?? 0;
    const except = { subnet: '10.144.0.0/24', address: '10.144.0.1' };
    expect(chooseSubnet({ routes: '', random, except }).subnet).toBe('10.144.1.0/24');
  });
});
