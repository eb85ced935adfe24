import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue, type Authority, type Subject } from '../../../hack/cluster/pki.ts';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { VaultError } from './errors.ts';
import { Hidden } from './hidden.ts';
import type { TlsMaterial } from './tls.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

let fake: FakeVault;
const open: Transport[] = [];
const clock = new ManualClock();
const never = new AbortController().signal;

beforeAll(async () => {
  fake = await startFake();
});
afterAll(() => fake.close());
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.destroy()));
  fake.proxy.forgetSeen();
});

function transport(changes: Partial<TransportOptions> = {}): Transport {
  const made = createTransport({ clock, origin: fake.address, listed: true, timeoutMs: 10_000, ...changes });
  open.push(made);
  return made;
}

function get(path: string, changes: Partial<TransportOptions> = {}, signal = never) {
  const origin = changes.origin ?? fake.address;
  return transport(changes).send({
    method: 'GET',
    uri: `${origin}/v1/${path}`,
    headers: { 'X-Vault-Token': 'planted-token' },
    signal,
  });
}

/** The fault of a request that must fail. */
async function faultOf(request: Promise<unknown>) {
  const error = await request.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(VaultError);
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('planted');
  return (error as VaultError).fault;
}

describe('TLS', () => {
  let address: string;
  let elsewhere: string;
  let ca: string;
  let otherCa: string;
  let picky: string;
  let client: TlsMaterial['client'];
  let stranger: TlsMaterial['client'];
  const servers: Server[] = [];
  const seen: object[] = [];

  beforeAll(async () => {
    const authority = await createAuthority('vault-ca');
    ca = authority.cert;
    otherCa = (await createAuthority('other-ca')).cert;
    const serve = async (
      names: Pick<Subject, 'dns' | 'ips'>,
      options: ServerOptions = {},
    ): Promise<string> => {
      const issued = await issue(authority, { commonName: 'vault', usage: ['server'], ...names });
      const server = createServer({ ...issued, ...options }, (request, response) => {
        seen.push(request.headers);
        response.end('{"ok":true}');
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    address = await serve({ ips: ['127.0.0.1'] });
    elsewhere = await serve({ dns: ['vault.example.com'] });
    picky = await serve({ ips: ['127.0.0.1'] }, { ca, requestCert: true, rejectUnauthorized: true });
    const certified = async (by: Authority) => {
      const { cert, key } = await issue(by, { commonName: 'fairlead', usage: ['client'] });
      return { certificate: cert, key: new Hidden(key) };
    };
    client = await certified(authority);
    stranger = await certified(await createAuthority('stranger'));
  });
  afterAll(() => servers.forEach((server) => server.close()));

  it('trusts the CA of the integration', async () => {
    expect(await get('x', { origin: address, tls: { ca } })).toMatchObject({ status: 200 });
  });

  it('finds the CA among several', async () => {
    const several = `# ours\n${otherCa}\n# theirs\n${ca}`;
    expect(await get('x', { origin: address, tls: { ca: several } })).toMatchObject({ status: 200 });
  });

  const refused: Record<string, () => TlsMaterial> = {
    'without the CA': () => ({}),
    'with another CA': () => ({ ca: otherCa }),
  };
  it.each(Object.entries(refused))('is refused %s', async (_, tls) => {
    expect(await faultOf(get('x', { origin: address, tls: tls() }))).toMatchObject({
      reason: 'TLSVerificationFailed',
      scope: 'server',
      what: expect.stringContaining(
        'not signed by a CA that is trusted: put its CA into spec.tls (caBundle, caSecretRef or caConfigMapRef)',
      ),
    });
  });

  it('is refused whatever the environment says', async () => {
    const names = { VAULT_SKIP_VERIFY: 'true', NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    Object.assign(process.env, names);
    const fault = await faultOf(get('x', { origin: address }));
    for (const name of Object.keys(names)) delete process.env[name];
    expect(fault.reason).toBe('TLSVerificationFailed');
  });

  it('is refused for another name', async () => {
    const fault = await faultOf(get('x', { origin: elsewhere, tls: { ca } }));
    expect(fault).toMatchObject({
      reason: 'TLSVerificationFailed',
      what: expect.stringContaining('is not for this host'),
    });
  });

  it('spoken to a port without it is Unreachable', async () => {
    const origin = fake.address.replace('http:', 'https:');
    expect(await faultOf(get('x', { origin }))).toMatchObject({
      reason: 'Unreachable',
      what: expect.stringContaining('does not speak TLS'),
    });
  });

  it('shows a client certificate to a server that wants one', async () => {
    expect(await get('x', { origin: picky, tls: { ca, ...(client && { client }) } })).toMatchObject({
      status: 200,
    });
  });

  it.each([
    ['without one', () => ({ ca })],
    ['with that of a stranger', () => ({ ca, ...(stranger && { client: stranger }) })],
  ])('is ended by such a server %s, before it sees the token', async (_, tls) => {
    seen.length = 0;
    expect(await faultOf(get('x', { origin: picky, tls: tls() }))).toMatchObject({
      scope: 'server',
      what: expect.stringContaining('spec.tls.clientCertSecretRef'),
    });
    expect(seen).toEqual([]);
  });
});
