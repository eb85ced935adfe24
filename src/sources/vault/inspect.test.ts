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

/** As the controllers do: it is read first. */
async function readAndLook(of: VaultTarget, maybeFolder = false) {
  await asking.once(of);
  return look(of, maybeFolder);
}

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
    expect(await readAndLook(at({ path: 'secret/data/team/data/app' }))).toMatchObject({
      mount: 'secret/data/team',
      secretPath: 'app',
    });
  });

  it('asks for the mount in the namespace of the path', async () => {
    await readAndLook(at({ namespace: 'team-a', loginNamespace: 'shared' }));
    const [asked] = fake.proxy.seen.filter(({ path }) => path.includes('ui/mounts'));
    expect(asked?.headers['x-vault-namespace']).toBe('team-a');
  });

  it('counts the entries of what may be a folder', async () => {
    expect(await readAndLook(at(), true)).toMatchObject({ entries: 3 });
    expect(fake.count('/v1/secret/metadata/app/?list=true')).toBe(1);
  });

  it('does not list what is no folder', async () => {
    expect(await readAndLook(at())).not.toHaveProperty('entries');
    expect(fake.count('/metadata/')).toBe(0);
  });

  it('lists a folder in the mount that Vault tells', async () => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    await readAndLook(at({ path: 'secret/data/team/data/app' }), true);
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
    expect(await readAndLook(at(), part === '/metadata/')).toEqual(seen);
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
    const first = await readAndLook(at(), true);
    const before = fake.count();
    asking.clock.advance(5_000);
    expect(await look(at(), true)).toEqual(first);
    expect(await look(at(), false)).toEqual(first);
    expect(fake.count()).toBe(before);
  });

  it('that is remembered is completed by what it lacks', async () => {
    await readAndLook(at());
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
    await readAndLook(at());
    fake.on('sys/health', health(200, { version: '2.8.0' }));
    asking.clock.advance(29_999);
    expect(await look(at())).toMatchObject({ vaultVersion: '2.7.2' });
    asking.clock.advance(1);
    expect(await look(at())).toMatchObject({ vaultVersion: '2.8.0' });
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    await asking.once(at());
    const release = fake.hold('ui/mounts');
    const seen = asking.source.inspect(at(), false, controller.signal);
    await fake.arrived('ui/mounts');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(seen).rejects.toBe(reason);
    release();
  });

  it('tells nothing of what nobody reads, and logs nobody in for it', async () => {
    expect(await look(at())).toEqual({});
    expect(fake.count()).toBe(0);
  });

  it('tells nothing of an integration that was forgotten meanwhile, and logs nobody in for it', async () => {
    await asking.once(at());
    asking.source.forget('vault-prod');
    await fake.arrived('revoke-self');
    fake.proxy.forgetSeen();
    expect(await look(at(), true)).toEqual({});
    expect(fake.count()).toBe(0);
    expect(asking.requests.filter((one) => one.startsWith('login'))).toHaveLength(1);
  });

  it('tells nothing after the end', async () => {
    await asking.once(at());
    await asking.source.stop(AbortSignal.timeout(1_000));
    fake.proxy.forgetSeen();
    expect(await look(at())).toEqual({});
    expect(fake.count()).toBe(0);
  });
});

describe('an inspection that fails', () => {
  const team = () => at({ path: 'secret/data/team/data/app' });
  const first = {
    vaultVersion: '2.7.2',
    authMethod: 'appRole',
    mount: 'secret/data/team',
    secretPath: 'app',
  };

  const failures: Record<string, [part: string, reply: Reply]> = {
    'since health is cut': ['sys/health', { kind: 'cut' }],
    'since health is kept from us': ['sys/health', { kind: 'answer', status: 502, body: '<html>' }],
    'since the mount is cut': ['ui/mounts', { kind: 'cut' }],
    'since a quota is used up': ['ui/mounts', refused(429, 'quota')],
    'since Vault breaks inside': ['ui/mounts', refused(500, 'x')],
    'since something else answers': ['ui/mounts', { kind: 'answer', status: 403, body: '<html>' }],
    'since the folder cannot be listed': ['/metadata/', refused(500, 'x')],
  };
  it.each(Object.entries(failures))('%s leaves what the one before saw', async (_, [part, reply]) => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    const before = { ...first, entries: 3 };
    expect(await readAndLook(team(), true)).toEqual(before);
    fake.on(part, reply);
    asking.clock.advance(30_000);
    expect(await look(team(), true)).toEqual(before);
    asking.clock.advance(30_000);
    expect(await look(team(), true)).toEqual(before);
  });

  it('leaves no folder where there is none any more', async () => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    await readAndLook(team(), true);
    fake.on('ui/mounts', { kind: 'cut' });
    asking.clock.advance(30_000);
    expect(await look(team())).toEqual(first);
  });

  it('just after the path works again leaves what the one before saw', async () => {
    fake.on('sys/internal/ui/mounts', mount('secret/data/team/'));
    fake.on('/v1/secret/data/team/data/app', refused(404));
    await readAndLook(team());
    fake.on('/v1/secret/data/team/data/app', secret({ a: 'b' }));
    fake.on('ui/mounts', { kind: 'cut' });
    asking.clock.advance(10_000);
    expect(gist(await asking.once(team()))).toEqual({ a: 'b' });
    expect(await look(team())).toEqual(first);
  });

  it('is made again at once, and not only after half a minute', async () => {
    fake.on('ui/mounts', { kind: 'cut' });
    expect(await readAndLook(at())).not.toHaveProperty('mount');
    fake.on('ui/mounts', mount('secret/'));
    expect(await look(at())).toMatchObject({ mount: 'secret' });
  });
});
