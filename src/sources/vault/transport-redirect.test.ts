import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue } from '../../../hack/cluster/pki.ts';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import { ok, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { VaultError } from './errors.ts';
import { commonFault } from './faults.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';

let standby: FakeVault;
let active: FakeVault;
const open: Transport[] = [];
const clock = new ManualClock();
const PATH = '/v1/secret/data/app?version=2';

beforeAll(async () => {
  [standby, active] = await Promise.all([startFake(), startFake()]);
});
afterAll(async () => {
  await Promise.all([standby.close(), active.close()]);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.destroy()));
  for (const fake of [standby, active]) fake.proxy.forgetSeen();
});

function send(changes: Partial<TransportOptions> = {}, json?: object, path = PATH) {
  const { origin = standby.address } = changes;
  const made = createTransport({
    clock,
    origin,
    redirects: [{ origin: active.address, listed: true }],
    listed: true,
    timeoutMs: 10_000,
    ...changes,
  });
  open.push(made);
  return made.send({
    method: json ? 'POST' : 'GET',
    uri: `${origin}${path}`,
    headers: { 'X-Vault-Token': 'planted-token', 'X-Vault-Namespace': 'team-a' },
    ...(json && { json }),
    signal: new AbortController().signal,
  });
}

function redirect(location: string, status = 307): void {
  standby.on('/', { status, headers: { location } });
}

describe('a redirect to a host that is listed', () => {
  it.each([307, 308])('is followed with token, namespace and path: %d', async (status) => {
    redirect(`${active.address}${PATH}`, status);
    expect(await send()).toMatchObject({ status: 200 });
    expect(active.proxy.seen).toMatchObject([
      {
        method: 'GET',
        path: PATH,
        headers: {
          'x-vault-token': 'planted-token',
          'x-vault-namespace': 'team-a',
          'x-vault-request': 'true',
        },
      },
    ]);
  });

  it('is followed with its method and body', async () => {
    redirect(`${active.address}${PATH}`);
    active.on('/', ({ headers }) => ok({ length: headers['content-length'] }));
    const { body } = await send({}, { role_id: 'r' });
    expect(active.proxy.seen).toMatchObject([{ method: 'POST', path: PATH }]);
    expect(body).toEqual(new Map([['length', `${JSON.stringify({ role_id: 'r' }).length}`]]));
  });

  it.each([
    ['/v1/secret/data/db%3Amain', '/v1/secret/data/db:main'],
    ['/v1/secret/data/ann%40example.com', '/v1/secret/data/ann@example.com'],
    ['/v1/secret/data/db:main', '/v1/secret/data/db%3amain'],
    ['/v1/secret/data/m%C3%BCller?version=2', '/v1/secret/data/müller?version=2'],
  ])('is followed with our own path though it is written differently: %s', async (path, location) => {
    redirect(active.address + location);
    active.on('/', ok({}));
    expect(await send({}, undefined, path)).toMatchObject({ status: 200 });
    expect(active.proxy.seen).toMatchObject([{ method: 'GET', path }]);
  });

  it('is followed once: a second one is an answer', async () => {
    const third = await startFake();
    const redirects = [active, third].map(({ address }) => ({ origin: address, listed: true }));
    redirect(`${active.address}${PATH}`);
    active.on('/', { status: 307, headers: { location: `${third.address}${PATH}` } });
    expect(await send({ redirects })).toMatchObject({ status: 307, redirectTo: third.address });
    expect(third.count()).toBe(0);
    await third.close();
    active.on('/', refused(404));
  });

  it('gives the answer that is there, whatever it is', async () => {
    redirect(`${active.address}${PATH}`);
    active.on('/', refused(403, 'permission denied'));
    expect(await send()).toMatchObject({ status: 403 });
  });

  it('is the last word if nobody is there', async () => {
    redirect('http://127.0.0.1:1/v1/secret/data/app?version=2');
    const error = await send({ redirects: [{ origin: 'http://127.0.0.1:1', listed: true }] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(VaultError);
    expect((error as VaultError).fault).toMatchObject({ reason: 'Unreachable', scope: 'read' });
  });

  it('has one time-out with the request before it', async () => {
    redirect(`${active.address}${PATH}`);
    const release = active.hold('/');
    const request = send({ timeoutMs: 1_000 }).catch((thrown: unknown) => thrown);
    await active.arrived('/');
    clock.advance(1_000);
    expect(await request).toMatchObject({ message: expect.stringContaining('in time') });
    release();
    expect(clock.pending).toBe(0);
  });

  it('is checked as any other address unless the operator listed it', async () => {
    const origin = active.address.replace('127.0.0.1', 'vault.example.com');
    redirect(`${origin}${PATH}`);
    const error = await send({
      redirects: [{ origin, listed: false }],
      lookup: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining('--vault-hosts') });
    expect(active.count()).toBe(0);
  });
});

describe('a redirect is an answer, and nothing is sent elsewhere,', () => {
  const rows: Record<string, [location: () => string, status: number, redirectTo: boolean]> = {
    'if it would change the method: 301': [() => `${active.address}${PATH}`, 301, true],
    'if it would change the method: 302': [() => `${active.address}${PATH}`, 302, true],
    'if it would change the method: 303': [() => `${active.address}${PATH}`, 303, true],
    'if it leads to another path': [() => `${active.address}/v1/sys/mounts`, 307, false],
    'if it leads to the same path without its version': [
      () => `${active.address}/v1/secret/data/app`,
      307,
      false,
    ],
    'if it leads to the same path written differently': [
      () => `${active.address}/v1/secret/data/x/%2e%2e/%2e%2e/app?version=2`,
      307,
      false,
    ],
    'if it leads to a path with another number of segments': [
      () => `${active.address}/v1/secret%2Fdata/app?version=2`,
      307,
      false,
    ],
    'if its path cannot be decoded': [() => `${active.address}/v1/secret/data/%ff?version=2`, 307, false],
    'if it leads to the same host': [() => `${standby.address}${PATH}`, 307, false],
    'if it is relative': [() => '/v1/sys/mounts', 307, false],
    'if it has a user in it': [() => active.address.replace('://', '://a:b@') + PATH, 307, false],
    'if it is no URL': [() => 'http://', 307, false],
    'if it leads to another scheme': [() => 'file:///v1/secret/data/app?version=2', 307, false],
  };
  it.each(Object.entries(rows))('%s', async (_, [location, status, redirectTo]) => {
    redirect(location(), status);
    const answer = await send();
    expect(answer.status).toBe(status);
    expect('redirectTo' in answer).toBe(redirectTo);
    expect(active.count()).toBe(0);
    expect(standby.count()).toBe(1);
  });

  it('if its host is not listed: then it says where, and how to list it', async () => {
    redirect(`${active.address}${PATH}`);
    const answer = await send({ redirects: [] });
    expect(answer).toMatchObject({ status: 307, redirectTo: active.address });
    expect(commonFault(answer)?.what).toContain(`redirects to ${active.address}, which`);
    expect(active.count()).toBe(0);
  });

  it('if another port is listed', async () => {
    redirect(`${active.address}${PATH}`);
    const elsewhere = [{ origin: 'http://127.0.0.1:1', listed: true }];
    expect(await send({ redirects: elsewhere })).toMatchObject({ status: 307 });
    expect(active.count()).toBe(0);
  });

  it('if it has no location', async () => {
    standby.on('/', { status: 307 });
    expect(await send()).toEqual({ status: 307, body: undefined });
  });
});

describe('a redirect of a server with TLS', () => {
  let origin: string;
  let ca: string;
  let location: string;
  let server: Server;

  beforeAll(async () => {
    const authority = await createAuthority('vault-ca');
    ca = authority.cert;
    const issued = await issue(authority, { commonName: 'vault', usage: ['server'], ips: ['127.0.0.1'] });
    server = createServer(issued, (_request, response) => response.writeHead(307, { location }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it('is not followed to a server without, though it is listed', async () => {
    location = `${active.address}${PATH}`;
    expect(await send({ origin, tls: { ca } })).toMatchObject({ status: 307, redirectTo: active.address });
    expect(active.count()).toBe(0);
  });

  it('is followed to one with it, which must have a certificate that is trusted', async () => {
    redirect(`${origin}${PATH}`);
    location = '/nowhere';
    const redirects = [{ origin, listed: true }];
    expect(await send({ redirects, tls: { ca } })).toMatchObject({ status: 307 });
    const error = await send({ redirects }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'TLSVerificationFailed' });
  });
});
