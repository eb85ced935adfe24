import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lookup } from '../../src/sources/vault/address.ts';
import { connectionLab, letters, type Settings } from '../support/connection-lab.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';

/** Whoever may create integrations is no reason to connect to whatever they name. */

let lab: VaultLab;
/** Something of this machine that must not be reached. */
let own: Server;
let ownPort: number;
let reached = 0;

beforeAll(async () => {
  lab = await startLab();
  await lab.put('secret/data/app', { user: 'planted-value' });
  own = createServer((socket) => {
    reached += 1;
    socket.destroy();
  }).listen(0);
  await once(own, 'listening');
  ownPort = (own.address() as AddressInfo).port;
});
afterAll(async () => {
  own.close();
  await lab.close();
});
beforeEach(() => {
  reached = 0;
  lab.proxy.intercept = undefined;
  lab.proxy.forgetSeen();
});

const inline = (host: string) => ({
  integration: { host, path: 'secret/data/app', auth: { token: { token: 's.planted-token' } } },
});
const nowhere = (vaultHosts: readonly string[] = [], more: Settings = {}) =>
  connectionLab({ allowed: { vaultHosts, allowHttp: true, tokenAudiences: [] }, ...more });
const to =
  (...addresses: string[]): Lookup =>
  (_, __, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

const LITERALS = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0.0.0.0',
  '169.254.169.254',
  '169.254.1.1',
  '100.100.100.200',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[fe80::1]',
  '[ff02::1]',
  '[fd00:ec2::254]',
  '[::ffff:127.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:7f00:1::]',
];

describe('an address that is not listed', () => {
  for (const literal of LITERALS) {
    it(`${literal} is refused and audited`, async () => {
      const asked = nowhere();
      const host = `http://${literal}:${ownPort}`;
      const refused = await asked.refused(inline(host));
      expect(refused).toMatchObject({
        code: 'Invalid',
        details: { causes: [{ field: 'spec.integration.host', reason: 'FieldValueInvalid' }] },
      });
      expect(reached).toBe(0);
      expect(asked.audit.sink.lines.at(-1)).toMatchObject({
        outcome: 'refused',
        source: { type: 'VAULT', id: '(inline)' },
        path: new URL(host).origin,
      });
      expect(asked.seen()).not.toContain('planted');
    });
  }

  it('is refused behind a name, too, whatever else is behind it', async () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '::1']) {
      const asked = nowhere([], { lookup: to(address) });
      const status = await asked.ask(inline(`http://vault.test:${ownPort}`));
      expect([letters(status), status.reason]).toEqual(['FSSSSSSSS', 'NotSupportedHere']);
      expect(status.message).not.toContain(address);
      expect(asked.audit.sink.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'NotSupportedHere' });
    }
    expect(reached).toBe(0);
  });

  it('is refused if it is one of this machine', async () => {
    const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    const outside = all.filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of outside) {
      for (const name of [address, `[::ffff:${address}]`, 'vault.test']) {
        const asked = nowhere([], { lookup: to(address) });
        const status = await asked.ask(inline(`http://${name}:${ownPort}`));
        expect(letters(status)).toBe('FSSSSSSSS');
      }
    }
    expect(reached).toBe(0);
  });

  it('is not reached with a port or a scheme of its own either', async () => {
    for (const host of [
      `http://127.0.0.1:${ownPort}@vault.test`,
      `http://vault.test:80@127.0.0.1:${ownPort}`,
      `http://127.0.0.1:${ownPort}/v1/secret`,
      `http://127.0.0.1:${ownPort}?x`,
      `http://127.0.0.1:${ownPort}#x`,
      `ftp://127.0.0.1:${ownPort}`,
      'file:///etc/passwd',
      'not an origin',
    ]) {
      expect(await nowhere([], { lookup: to('127.0.0.1') }).refused(inline(host))).toMatchObject({
        code: 'Invalid',
      });
    }
    expect(reached).toBe(0);
  });
});

describe('what the operator says', () => {
  it('other hosts than those that are listed are refused', async () => {
    const asked = nowhere(['https://vault.example.com']);
    expect(await asked.refused(inline('https://vault.example.org'))).toMatchObject({
      message: expect.stringContaining('--vault-hosts'),
    });
  });

  it('http is refused if it is not allowed', async () => {
    const asked = connectionLab({ allowed: { vaultHosts: [], allowHttp: false, tokenAudiences: [] } });
    expect(await asked.refused(inline('http://vault.example.org'))).toMatchObject({
      message: expect.stringContaining('--allow-http-vault'),
    });
  });
});

describe('the API server', () => {
  const listed = () => [`http://127.0.0.1:${ownPort}`, `http://api.test:${ownPort}`];

  it('is not connected to, not even if it is listed, under no name and in no form', async () => {
    const forbiddenOrigins = [`https://127.0.0.1:${ownPort}`];
    for (const [host, lookup] of [
      [listed()[0], to()],
      [listed()[1], to('127.0.0.1')],
      [listed()[1], to('::ffff:127.0.0.1')],
      [listed()[1], to('64:ff9b::7f00:1')],
    ] as const) {
      const asked = nowhere(listed(), { forbiddenOrigins, lookup });
      const status = await asked.ask(inline(host ?? ''));
      expect([letters(status), status.reason]).toEqual(['FSSSSSSSS', 'NotSupportedHere']);
    }
    expect(reached).toBe(0);
  });

  it('is known by its name as well', async () => {
    const forbiddenOrigins = [`https://kubernetes.test:${ownPort}`];
    const lookup: Lookup = (name, options, callback) =>
      name === 'kubernetes.test' || name === 'api.test'
        ? to('127.0.0.1')(name, options, callback)
        : callback(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), []);
    const status = await nowhere(listed(), { forbiddenOrigins, lookup }).ask(inline(listed()[1] ?? ''));
    expect(letters(status)).toBe('FSSSSSSSS');
    expect(reached).toBe(0);
  });

  it('is not where a redirect leads', async () => {
    const target = `http://127.0.0.1:${ownPort}`;
    for (const elsewhere of [target, `http://api.test:${ownPort}`]) {
      lab.proxy.intercept = ({ path }) => ({
        kind: 'answer',
        status: 307,
        headers: { location: `${elsewhere}${path}` },
      });
      const host = lab.proxy.address;
      const asked = nowhere([host, target, `http://api.test:${ownPort}`], {
        forbiddenOrigins: [target],
        lookup: to('127.0.0.1'),
        integrations: {
          'vault-prod': {
            spec: {
              host,
              redirectHosts: [elsewhere],
              auth: { token: { secretRef: { name: 'login', key: 'token' } } },
            },
            secrets: { login: { token: 's.planted-token' } },
          },
        },
      });
      const status = await asked.ask({ integrationRef: { name: 'vault-prod' } });
      expect(letters(status)).toBe('PPSFSSSSS');
      expect(asked.seen()).not.toContain('planted');
    }
    expect(reached).toBe(0);
  });
});

it('a name that changes between two looks does not matter: it is looked up once', async () => {
  let looks = 0;
  const lookup: Lookup = (name, options, callback) => {
    looks += 1;
    to(looks === 1 ? '127.0.0.1' : '127.0.0.77')(name, options, callback);
  };
  const host = lab.proxy.address.replace('127.0.0.1', 'vault.test');
  const token = await lab.token();
  const status = await nowhere([host], { lookup }).ask({
    integration: { host, path: 'secret/data/app', auth: { token: { token } } },
  });
  expect([status.ok, looks]).toEqual([true, 1]);
  expect(lab.proxy.seen[0]?.headers['host']).toContain('vault.test');
});

describe('an inline test', () => {
  it('asks for no token and reads nothing of the cluster', async () => {
    let tokens = 0;
    const tests = nowhere([lab.proxy.address], {
      requestToken: async () => {
        tokens += 1;
        return Promise.resolve({ refused: 'x' });
      },
    });
    const token = await lab.token();
    const auth = {
      token: { token, secretRef: { name: 'fairlead-webhook-cert', key: 'tls.key' } },
      kubernetes: { role: 'app', serviceAccountRef: { name: 'default' }, audiences: ['vault'] },
    };
    const integration = { host: lab.proxy.address, path: 'secret/data/app', auth };
    expect(await tests.ask({ integration })).toMatchObject({ ok: true, authMethod: 'token' });
    expect([tokens, tests.read]).toEqual([0, []]);
  });

  it('needs the right to create integrations', async () => {
    const asked = nowhere([lab.proxy.address], { rights: ['use vault-prod', 'update vault-prod'] });
    expect(await asked.refused(inline(lab.proxy.address))).toMatchObject({ code: 'Forbidden' });
    expect(asked.reviewed).toEqual(['create']);
    expect(lab.proxy.seen).toEqual([]);
  });
});
