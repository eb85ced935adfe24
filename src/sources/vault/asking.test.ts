import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deadToken,
  login,
  ok,
  policyDenial,
  refused,
  sealedHealth,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import { childToken } from './scoped.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let asking: Asker;
let lengths: unknown[];

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
  lengths = [];
  let children = 0;
  fake.on('auth/token/create', ({ headers }) => {
    lengths.push(headers['content-length']);
    return login(`child-${(children += 1)}`, 60, false);
  });
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

const role = { roleId: 'role-1', secretId: 'planted' };
const scopedTokens = { policies: ['app-read'], ttl: '30s' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, scopedTokens, ...changes });
}

/** `<path> <token> <namespace>` of each request since the login. */
const seen = () =>
  fake.proxy.seen
    .filter(({ path }) => !path.includes('/login'))
    .map(({ path, headers }) => [
      path.replace('/v1/', ''),
      headers['x-vault-token'],
      headers['x-vault-namespace'],
    ]);

describe('a read with a scoped token', () => {
  it('makes a child token, reads with it, and is done: the one use is made', async () => {
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    expect(seen()).toEqual([
      ['auth/token/create', 'token-1', undefined],
      ['secret/data/app', 'child-1', undefined],
    ]);
    expect(asking.requests).toEqual(['login 200', 'create-token 200', 'read 200']);
    expect(lengths).toEqual([String(JSON.stringify(childToken(scopedTokens)).length)]);
  });

  it('makes another one each time', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    await asking.ask(at());
    expect(seen().map(([, token]) => token)).toEqual(['token-1', 'child-1', 'token-1', 'child-2']);
    expect(fake.count('/login')).toBe(1);
  });

  it('makes the child in the namespace of the login, and reads in that of the path', async () => {
    await asking.ask(at({ namespace: 'team-a', loginNamespace: 'shared' }));
    expect(seen()).toEqual([
      ['auth/token/create', 'token-1', 'shared'],
      ['secret/data/app', 'child-1', 'team-a'],
    ]);
  });

  it('makes a child for each request, since each is good for one', async () => {
    fake.on('/v1/secret/data/app', refused(404));
    fake.on('/v1/secret/data/app?version=2', refused(404));
    await asking.once(at({ place: { version: 2 } }));
    const reads = seen().filter(([path]) => String(path).startsWith('secret/data/'));
    expect(reads.map(([, token]) => token)).toEqual(['child-1', 'child-2']);
  });

  it('asks about the mount with the token of the login, which may', async () => {
    fake.on('/v1/secret/data/app', refused(404));
    await asking.once(at());
    expect(seen().at(-1)).toEqual(['sys/internal/ui/mounts/secret/data/app', 'token-1', undefined]);
  });

  const unused: Record<string, [reply: Parameters<FakeVault['on']>[1], reason: string]> = {
    'breaks off': [{ kind: 'cut' }, 'Unreachable'],
    'breaks off in the middle': [{ kind: 'answer', status: 200, body: '{', cutShort: true }, 'Unreachable'],
    'is over a quota': [refused(429, 'quota'), 'RateLimited'],
    'finds a Vault that cannot': [refused(503, 'x'), 'Sealed'],
    'finds a gateway without a Vault': [{ kind: 'answer', status: 503, body: '<html>' }, 'Unreachable'],
    'breaks inside Vault': [refused(500, 'x'), 'Unreachable'],
  };
  it.each(Object.entries(unused))('that %s uses the child up: perhaps it was not', async (_, given) => {
    const [reply, reason] = given;
    fake.on('/data/app', reply);
    expect(gist(await asking.once(at()))).toBe(reason);
    const rest = seen().filter(([path]) => path !== 'sys/health');
    expect(rest.slice(1)).toEqual([
      ['secret/data/app', 'child-1', undefined],
      ['auth/token/revoke-self', 'child-1', undefined],
    ]);
  });

  it.each([
    ['is denied', policyDenial],
    ['finds nothing', refused(404)],
  ])('that %s has used the child up', async (_, reply) => {
    fake.on('/data/app', reply);
    await asking.once(at());
    expect(fake.count('revoke-self')).toBe(0);
  });

  it('fails as it would if giving it back fails, too', async () => {
    fake.on('/data/app', { kind: 'cut' });
    fake.on('revoke-self', { kind: 'cut' });
    expect(gist(await asking.once(at()))).toBe('Unreachable');
  });

  it('that is denied is one fresh login, and then the denial stands', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('/data/app', policyDenial);
    expect(gist(await asking.once(at()))).toBe('PermissionDenied');
    expect(fake.count('/login')).toBe(2);
  });
});

describe('a login that may make no such child', () => {
  const rows: Record<string, [reply: Parameters<FakeVault['on']>[1], reason: string, says: string]> = {
    'because it may make none': [
      policyDenial,
      'PermissionDenied',
      'grant it `update` on auth/token/create in Vault, or remove spec.scopedTokens',
    ],
    'with these policies': [
      refused(400, 'child policies must be subset of parent: planted'),
      'PermissionDenied',
      'its policies must be among those of the login, whose token must be no batch token',
    ],
    'without a token in the answer': [ok({ auth: {} }), 'PermissionDenied', 'makes no child token'],
    'at a Vault that breaks inside': [refused(500, 'planted'), 'Unreachable', "see Vault's log"],
    'at a sealed Vault': [refused(503, 'x'), 'Sealed', 'unseal it'],
    'over a quota': [refused(429, 'x'), 'RateLimited', 'raise the quota'],
    'behind something else': [
      { kind: 'answer', status: 403, body: '<html>' },
      'Unreachable',
      'not from Vault',
    ],
  };
  it.each(Object.entries(rows))('%s', async (_, [reply, reason, says]) => {
    fake.on('auth/token/create', reply);
    const answer = await asking.once(at());
    expect(answer).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(answer).toHaveProperty('message', expect.stringContaining('(POST '));
    expect(answer).toHaveProperty('message', expect.stringContaining('/v1/auth/token/create answered'));
    expect(JSON.stringify(answer)).not.toContain('planted');
    expect(fake.count('/data/app')).toBe(0);
  });

  it('since its token is dead logs in again', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('auth/token/create', ({ headers }) =>
      headers['x-vault-token'] === 'token-2' ? login('child-9', 60, false) : deadToken,
    );
    fake.on('lookup-self', deadToken);
    expect(gist(await asking.once(at()))).toEqual({ password: 'hunter2' });
    expect(seen().at(-1)).toEqual(['secret/data/app', 'child-9', undefined]);
  });

  it.each([
    ['may make none', policyDenial],
    ['lacks their policies', refused(400, 'child policies must be subset of parent')],
  ])('since its token %s logs in afresh, once: its role may have got what it takes', async (_, reply) => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('auth/token/create', ({ headers }) =>
      headers['x-vault-token'] === 'token-2' ? login('child-9', 60, false) : reply,
    );
    expect(gist(await asking.once(at()))).toEqual({ password: 'hunter2' });
    fake.on('auth/token/create', reply);
    asking.clock.advance(5_000);
    expect(gist(await asking.once(at()))).toBe('PermissionDenied');
    expect(fake.count('/login')).toBe(2);
  });

  it('does not stop paths without scoped tokens on the same login', async () => {
    fake.on('auth/token/create', policyDenial);
    await asking.once(at());
    const plain = target({ host: fake.address, appRole: role, name: 'other', path: 'secret/data/other' });
    expect(gist(await asking.once(plain))).toEqual({ password: 'hunter2' });
    expect(fake.count('/login')).toBe(1);
  });
});

describe('a read without scoped tokens', () => {
  it('makes no child', async () => {
    await asking.ask(target({ host: fake.address, appRole: role }));
    expect(fake.count('auth/token/create')).toBe(0);
  });

  it('whose fault others share does not name its path to them', async () => {
    const plain = (changes: Partial<TargetOptions>) =>
      target({ host: fake.address, appRole: role, ...changes });
    fake.on('/data/app', { kind: 'cut' });
    fake.on('sys/health', sealedHealth);
    await asking.once(plain({ name: 'one' }));
    const answer = await asking.once(plain({ name: 'other', path: 'secret/data/other' }));
    expect(answer).toMatchObject({ reason: 'Unreachable' });
    expect(JSON.stringify(answer)).not.toContain('data/app');
  });
});
