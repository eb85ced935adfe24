import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../test/support/vault-clock.ts';
import {
  health,
  ok,
  refused,
  sealedHealth,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { Hidden } from './hidden.ts';
import { Server, type ServerDependencies } from './server.ts';
import { MAX_CONCURRENT_REQUESTS } from './transport.ts';

let fake: FakeVault;
let server: Server;
let clock: ManualClock;
let events: string[];
let readies: number;
const { signal } = new AbortController();

function serve(changes: Partial<ServerDependencies> = {}): Server {
  const target = { origin: fake.address, redirects: [], tls: {}, listed: true };
  const deps: ServerDependencies = {
    clock,
    random: () => 0.5,
    fetchTimeoutMs: 10_000,
    onRequest: ({ operation, status, code }) => events.push(`${operation} ${status ?? code}`),
    ...changes,
  };
  return new Server(target, deps, () => (readies += 1));
}

beforeEach(async () => {
  fake = await startFake();
  clock = new ManualClock();
  events = [];
  readies = 0;
  server = serve();
});
afterEach(async () => {
  await server.close();
  await fake.close();
});

describe('the health of a server', () => {
  type Reply = Parameters<FakeVault['on']>[1];
  const rows: Record<string, [reply: Reply, health: object | undefined]> = {
    'is ready if it is active': [health(), { ready: true, version: '2.7.2' }],
    'is ready if it is a standby': [health(429, { standby: true }), { ready: true, version: '2.7.2' }],
    'is ready if it is a performance standby': [health(473), { ready: true, version: '2.7.2' }],
    'is not ready if it is a secondary for disasters': [health(472), { ready: false, version: '2.7.2' }],
    'is not ready if it is not initialized': [health(501), { ready: false, version: '2.7.2' }],
    'is not ready if it is sealed': [sealedHealth, { ready: false, version: '2.7.2' }],
    'has no version if it tells none': [health(200, { version: undefined }), { ready: true }],
    'has no version if it is no text': [health(200, { version: 2 }), { ready: true }],
    'has no version if it could be anything': [health(200, { version: 'a b\n<planted>' }), { ready: true }],
    'has no version if it does not start with a digit': [
      health(200, { version: 'hvs.abc' }),
      { ready: true },
    ],
    'has no version if it is very long': [health(200, { version: '1'.repeat(65) }), { ready: true }],
    'has a version with a name behind it': [
      health(200, { version: '1.20.1+ent.hsm' }),
      { ready: true, version: '1.20.1+ent.hsm' },
    ],
    'is worth a try if the path is kept from us': [refused(403, 'permission denied'), { ready: true }],
    'is worth a try if there is another page': [
      { kind: 'answer', status: 404, body: '<html>' },
      { ready: true },
    ],
    'is not ready if a gateway finds no Vault': [
      { kind: 'answer', status: 503, body: '<html>' },
      { ready: false },
    ],
    'is not ready if Vault breaks inside': [refused(500, 'x'), { ready: false }],
    'is not known without an answer': [{ kind: 'cut' }, undefined],
    'is not known if the answer breaks off': [
      { kind: 'answer', status: 200, body: '{', cutShort: true },
      undefined,
    ],
    'is not known if the answer is too large': [ok({ a: 'x'.repeat(5_000_000) }), undefined],
  };
  it.each(Object.entries(rows))('%s', async (_, [reply, expected]) => {
    fake.on('sys/health', reply);
    expect(await server.health(signal)).toEqual(expected);
  });

  it('is asked for without a token and counted', async () => {
    await server.health(signal);
    expect(fake.proxy.seen).toMatchObject([{ method: 'GET', path: '/v1/sys/health' }]);
    expect(fake.proxy.seen[0]?.headers).not.toHaveProperty('x-vault-token');
    expect(events).toEqual(['health 200']);
  });

  it('is not known if the answer takes too long', async () => {
    const release = fake.hold('sys/health');
    const asked = server.health(signal);
    await fake.arrived('sys/health');
    clock.advance(10_000);
    expect(await asked).toBeUndefined();
    release();
  });

  it('is not known if whoever asks gives up', async () => {
    const controller = new AbortController();
    const release = fake.hold('sys/health');
    const asked = server.health(controller.signal);
    await fake.arrived('sys/health');
    controller.abort(new Error('enough'));
    expect(await asked).toBeUndefined();
    release();
  });

  it('can be asked for though all connections are taken by requests that hang', async () => {
    const release = fake.hold('/data/');
    const client = server.client(undefined, new Hidden('t'));
    const reads = Array.from({ length: 2 * MAX_CONCURRENT_REQUESTS }, (_, index) =>
      client.read(`secret/data/${index}`, signal),
    );
    await fake.arrived('/data/', MAX_CONCURRENT_REQUESTS);
    expect(await server.health(signal)).toMatchObject({ ready: true });
    release();
    await Promise.all(reads);
  });
});

describe('a server', () => {
  it('takes requests with this token in this namespace', async () => {
    await server.client('team-a', new Hidden('t-1')).read('secret/data/app', signal);
    await server.client(undefined).read('secret/data/app', signal);
    expect(
      fake.proxy.seen.map(({ headers }) => [headers['x-vault-token'], headers['x-vault-namespace']]),
    ).toEqual([
      ['t-1', 'team-a'],
      [undefined, undefined],
    ]);
  });

  it('shares its connections among all clients', async () => {
    for (const token of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await server.client(undefined, new Hidden(token)).read('secret/data/app', signal);
    }
    expect(fake.proxy.connections()).toBeLessThanOrEqual(2);
  });

  const sealed = { reason: 'Sealed', scope: 'server', what: 'sealed' } as const;

  it('that is sealed tells when it is ready again', async () => {
    fake.on('sys/health', sealedHealth);
    expect(await server.circuit.fail(sealed)).toBe(true);
    fake.on('sys/health', health());
    clock.advance(1_500);
    await vi.waitFor(() => expect(readies).toBe(1), { timeout: 10_000 });
    expect(server.circuit.held()).toBeUndefined();
    expect(events).toEqual(['health 503', 'health 200']);
  });

  it.each([
    ['says that it is well', health()],
    ['is a standby', health(429, { standby: true })],
    ['keeps its health from us', refused(403, 'permission denied')],
  ])('that %s is not down, whatever a request has found', async (_, reply) => {
    fake.on('sys/health', reply);
    expect(await server.circuit.fail(sealed)).toBe(false);
    expect(server.circuit.held()).toBeUndefined();
  });

  it('whose health hangs is down after two seconds', async () => {
    const release = fake.hold('sys/health');
    const failed = server.circuit.fail(sealed);
    await fake.arrived('sys/health');
    clock.advance(2_000);
    expect(await failed).toBe(true);
    release();
  });

  it('leaves nothing behind when it is closed', async () => {
    fake.on('sys/health', sealedHealth);
    await server.circuit.fail(sealed);
    await server.close();
    clock.advance(60_000);
    expect(clock.pending).toBe(0);
    expect(fake.count()).toBe(1);
  });
});
