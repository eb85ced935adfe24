import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  deadToken,
  login,
  ok,
  policyDenial,
  refused,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let asking: Asker;

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

const role = { roleId: 'role-1', secretId: 'planted' };
/** The timer that looks for what nobody uses. */
const SWEEPING = 1;
const mount = (options: object, path = 'secret/') => ok({ data: { type: 'kv', path, options } });

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

describe('a read', () => {
  it.each(['1.5', '1e400', '9007199254740993'])(
    'has no version if the server says %s: it would not fit a status',
    async (version) => {
      fake.on('/data/app', {
        kind: 'answer',
        status: 200,
        body: `{"data":{"data":{"a":"b"},"metadata":{"version":${version}}}}`,
      });
      const answer = await asking.ask(at());
      expect(answer).toMatchObject({ kind: 'fields' });
      expect(answer).not.toHaveProperty('version');
    },
  );

  it('gives the fields, their version, the place and the login method', async () => {
    fake.on('/data/app', secret({ password: 'hunter2' }, 7));
    expect(await asking.ask(at())).toEqual({
      kind: 'fields',
      location: `${fake.address}/v1/secret/data/app`,
      fields: new Map([['password', 'hunter2']]),
      version: 7,
      authMethod: 'appRole',
      passed: [],
    });
  });

  it('gives fields that objects have by birth', async () => {
    fake.on('/data/app', {
      kind: 'answer',
      status: 200,
      body: '{"data":{"data":{"__proto__":"a","constructor":"b"},"metadata":{"version":1}}}',
    });
    const answer = await asking.ask(at());
    expect(answer.kind === 'fields' && [...answer.fields]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('tells of each request', async () => {
    await asking.ask(at());
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('logs in again and reads again when its token died', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('/data/app', ({ headers }) =>
      headers['x-vault-token'] === 'token-2' ? secret({ a: 'b' }) : deadToken,
    );
    fake.on('lookup-self', deadToken);
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
    expect(asking.requests.slice(2)).toEqual(['read 403', 'lookup-self 403', 'login 200', 'read 200']);
  });

  it('logs in again only once', async () => {
    fake.on('/data/app', deadToken);
    fake.on('lookup-self', deadToken);
    await asking.ask(at({ path: 'secret/data/other' }));
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at()))).toBe('PermissionDenied');
    expect(fake.count('/login')).toBe(2);
  });

  it('says NotKVv2 for a missing secret in a mount that is none', async () => {
    fake.on('/data/app', refused(404));
    fake.on('sys/internal/ui/mounts/secret', mount({ version: '1' }));
    expect(gist(await asking.ask(at()))).toBe('NotKVv2');
  });

  it.each([
    ['is of version 2', mount({ version: '2' })],
    ['may not be asked for', policyDenial],
    ['is not known to this server', refused(404)],
  ])('says PathNotFound for a missing secret if the mount %s', async (_, reply) => {
    fake.on('/data/app', refused(404));
    fake.on('sys/internal/ui/mounts/secret', reply);
    expect(gist(await asking.ask(at()))).toBe('PathNotFound');
  });

  it('says TooLarge for an answer that is', async () => {
    fake.on('/data/app', { kind: 'answer', status: 200, body: `"${'x'.repeat(4 * 1024 * 1024)}"` });
    expect(gist(await asking.ask(at()))).toBe('TooLarge');
    expect(gist(await asking.ask(at({ path: 'secret/data/other' })))).toEqual({ password: 'hunter2' });
  });
});

describe('what nobody uses any more', () => {
  it('is given back when the integration is forgotten', async () => {
    await asking.ask(at());
    asking.source.forget('vault-prod');
    await fake.arrived('revoke-self');
    await vi.waitFor(() => expect(asking.clock.pending).toBe(SWEEPING), { timeout: 10_000 });
  });

  it('is given back when the integration has other credentials', async () => {
    await asking.ask(at());
    await asking.ask(at({ appRole: { ...role, secretId: 'other' } }));
    await fake.arrived('revoke-self');
    expect(fake.proxy.seen.find(({ path }) => path.includes('revoke'))?.headers['x-vault-token']).toBe(
      'token-1',
    );
  });

  it('stays while another integration uses it', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two' }));
    asking.source.forget('one');
    asking.clock.advance(5_000);
    await asking.ask(at({ name: 'two' }));
    expect(fake.count('/login')).toBe(1);
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('is given back after half an hour, counted from the last use', async () => {
    fake.on('/login', login('token-1', 7_200, false));
    await asking.ask(at());
    asking.clock.advance(29 * 60_000);
    await asking.ask(at());
    asking.clock.advance(29 * 60_000);
    expect(fake.count('revoke-self')).toBe(0);
    asking.clock.advance(60_000);
    await fake.arrived('revoke-self');
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(2);
  });

  it('is closed only after the reads on their way', async () => {
    const release = fake.hold('/data/app');
    const reading = asking.once(at());
    await fake.arrived('/data/app');
    asking.source.forget('vault-prod');
    expect(fake.count('revoke-self')).toBe(0);
    release();
    expect(gist(await reading)).toEqual({ password: 'hunter2' });
    await fake.arrived('revoke-self');
    // Nobody will ask for the value any more: it is not kept.
    await vi.waitFor(() => expect(asking.clock.pending).toBe(SWEEPING), { timeout: 10_000 });
  });

  it('may be forgotten without having been known', () => {
    expect(() => asking.source.forget('nobody')).not.toThrow();
  });
});

describe('stopping', () => {
  it('gives all tokens back and leaves no timer', async () => {
    await asking.ask(at({ name: 'one' }));
    await asking.ask(at({ name: 'two', appRole: { ...role, roleId: 'role-2' } }));
    await asking.source.stop(AbortSignal.timeout(5_000));
    expect(fake.count('revoke-self')).toBe(2);
    expect(asking.clock.pending).toBe(0);
  });

  it('sends everybody away from then on', async () => {
    await asking.source.stop(AbortSignal.timeout(5_000));
    expect(gist(await asking.once(at()))).toBe('later');
    expect(fake.count()).toBe(0);
  });

  it('gives the tokens back within two seconds, though a read hangs', async () => {
    const release = fake.hold('/data/app');
    const reading = asking.once(at());
    await fake.arrived('/data/app');
    const controller = new AbortController();
    asking.clock.setTimeout(() => controller.abort(), 2_000);
    const stopped = asking.source.stop(controller.signal);
    asking.clock.advance(999);
    expect(fake.count('revoke-self')).toBe(0);
    asking.clock.advance(1);
    await fake.arrived('revoke-self');
    await stopped;
    expect(controller.signal.aborted).toBe(false);
    expect(asking.requests).toContain('revoke-self 204');
    expect(gist(await reading)).toBe('Unreachable');
    release();
  });

  it('ends when its signal comes, though a read hangs', async () => {
    const release = fake.hold('/data/app');
    const reading = asking.once(at());
    await fake.arrived('/data/app');
    const controller = new AbortController();
    const stopped = asking.source.stop(controller.signal);
    controller.abort();
    await stopped;
    expect(gist(await reading)).toBe('Unreachable');
    release();
  });
});

describe('the log', () => {
  it('tells of logins and refusals, and of no credential or value', async () => {
    await asking.ask(at());
    fake.on('/login', refused(400, 'planted'));
    await asking.ask(at({ appRole: { ...role, secretId: 'planted-too' } }));
    expect(asking.logged).toHaveLength(2);
    expect(asking.logged[0]).toContain('logged in to Vault');
    expect(asking.logged[1]).toContain('Vault refused the login');
    expect(asking.logged.join()).not.toMatch(/planted|hunter2|token-1/);
  });
});
