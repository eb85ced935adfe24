import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  health,
  ok,
  policyDenial,
  refused,
  sealedHealth,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';

type Reply = Parameters<FakeVault['on']>[1];

let fake: FakeVault;
let asking: Asker;
const { signal } = new AbortController();
const role = { roleId: 'role-1', secretId: 'planted' };
const mount = (path: string, version = '2') => ok({ data: { type: 'kv', path, options: { version } } });

beforeEach(async () => {
  fake = await startFake();
  fake.on('sys/internal/ui/mounts', mount('secret/'));
  fake.on('/metadata/', ok({ data: { keys: ['app/', 'db', 'ui'] } }));
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

const look = (of: VaultTarget, maybeFolder = false) => asking.source.inspect(of, maybeFolder, signal);

describe('an inspection', () => {
  const known = { vaultVersion: '2.7.2', authMethod: 'appRole' };

  it('tells version, login method, mount and path, with the login that reads use', async () => {
    await asking.ask(at());
    expect(await look(at())).toEqual({ ...known, mount: 'secret', secretPath: 'app' });
    expect(fake.count('/login')).toBe(1);
    expect(asking.requests.slice(2).toSorted()).toEqual(['health 200', 'mount 200']);
  });

  it('tells the mount and the path as Vault understands them', async () => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    expect(await look(at({ path: 'secret/data/team/data/app' }))).toMatchObject({
      mount: 'secret/data/team',
      secretPath: 'app',
    });
  });

  it('asks for the mount in the namespace of the path', async () => {
    await look(at({ namespace: 'team-a', loginNamespace: 'shared' }));
    const [asked] = fake.proxy.seen.filter(({ path }) => path.includes('ui/mounts'));
    expect(asked?.headers['x-vault-namespace']).toBe('team-a');
  });

  it('counts the entries of what may be a folder', async () => {
    expect(await look(at(), true)).toMatchObject({ entries: 3 });
    expect(fake.count('/v1/secret/metadata/app/?list=true')).toBe(1);
  });

  it('does not list what is no folder', async () => {
    expect(await look(at())).not.toHaveProperty('entries');
    expect(fake.count('/metadata/')).toBe(0);
  });

  it('lists a folder in the mount that Vault tells', async () => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    await look(at({ path: 'secret/data/team/data/app' }), true);
    expect(fake.count('/v1/secret/data/team/metadata/app/?list=true')).toBe(1);
  });

  const lacks: Record<string, [part: string, reply: Reply, seen: object]> = {
    'no mount if Vault does not tell': ['ui/mounts', policyDenial, known],
    'no version if health tells none': [
      'sys/health',
      refused(403, 'x'),
      { authMethod: 'appRole', mount: 'secret', secretPath: 'app' },
    ],
    'no more than the version if the login fails': ['/login', refused(403, 'x'), { vaultVersion: '2.7.2' }],
    'no more than the version if the connection breaks': [
      'ui/mounts',
      { kind: 'cut' },
      { vaultVersion: '2.7.2' },
    ],
    'no entries if it may not list': [
      '/metadata/',
      policyDenial,
      { ...known, mount: 'secret', secretPath: 'app' },
    ],
  };
  it.each(Object.entries(lacks))('tells %s', async (_, [part, reply, seen]) => {
    fake.on(part, reply);
    expect(await look(at(), part === '/metadata/')).toEqual(seen);
  });

  it('tells nothing of a server that is down, and asks nothing', async () => {
    fake.on('/', refused(503, 'Vault is sealed'));
    fake.on('sys/health', sealedHealth);
    expect(gist(await asking.once(at()))).toBe('Sealed');
    const before = fake.count();
    expect(await look(at())).toEqual({});
    expect(fake.count()).toBe(before);
  });

  it('does not log in while logins fail', async () => {
    fake.on('/login', refused(403, 'permission denied'));
    expect(gist(await asking.once(at()))).toBe('LoginFailed');
    expect(await look(at())).toEqual({ vaultVersion: '2.7.2' });
    expect(fake.count('/login')).toBe(1);
  });

  it('tells of a path that is denied all the same', async () => {
    fake.on('/v1/secret/data/app', policyDenial);
    expect(gist(await asking.once(at()))).toBe('PermissionDenied');
    expect(await look(at(), true)).toEqual({ ...known, mount: 'secret', secretPath: 'app', entries: 3 });
  });

  it('is remembered for a while: statuses are checked again and again', async () => {
    const first = await look(at(), true);
    const before = fake.count();
    asking.clock.advance(5_000);
    expect(await look(at(), true)).toEqual(first);
    expect(await look(at(), false)).toEqual(first);
    expect(fake.count()).toBe(before);
  });

  it('that is remembered is completed by what it lacks', async () => {
    await look(at());
    fake.proxy.forgetSeen();
    expect(await look(at(), true)).toMatchObject({ vaultVersion: '2.7.2', mount: 'secret', entries: 3 });
    expect(fake.proxy.seen.map(({ path }) => path)).toEqual(['/v1/secret/metadata/app/?list=true']);
  });

  it('is made anew once the path can be read again', async () => {
    fake.on('/v1/secret/data/app', refused(404));
    await asking.once(at());
    expect(await look(at(), true)).toMatchObject({ entries: 3 });
    fake.on('/v1/secret/data/app', secret({ a: 'b' }));
    asking.clock.advance(10_000);
    expect(gist(await asking.once(at()))).toEqual({ a: 'b' });
    expect(await look(at())).toEqual({ ...known, mount: 'secret', secretPath: 'app' });
  });

  it('is made anew after half a minute', async () => {
    await look(at());
    fake.on('sys/health', health(200, { version: '2.8.0' }));
    asking.clock.advance(29_999);
    expect(await look(at())).toMatchObject({ vaultVersion: '2.7.2' });
    asking.clock.advance(1);
    expect(await look(at())).toMatchObject({ vaultVersion: '2.8.0' });
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const release = fake.hold('ui/mounts');
    const seen = asking.source.inspect(at(), false, controller.signal);
    await fake.arrived('ui/mounts');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(seen).rejects.toBe(reason);
    release();
  });

  it('tells nothing after the end', async () => {
    await asking.source.stop(AbortSignal.timeout(1_000));
    expect(await look(at())).toEqual({});
    expect(fake.count()).toBe(0);
  });
});
