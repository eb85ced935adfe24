import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

/** Paths may be read with this token alone; with others their policy denies, or they are dead. */
function onlyWith(token: string, otherwise = policyDenial): void {
  fake.on('/v1/secret/data/', ({ headers }) =>
    headers['x-vault-token'] === token ? secret({ a: 'b' }) : otherwise,
  );
}

describe('a token that lives but may not read', () => {
  it('is replaced by one fresh login, since its role may have got policies', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    onlyWith('token-2');
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
    expect(asking.requests.slice(2)).toEqual(['read 403', 'lookup-self 200', 'login 200', 'read 200']);
  });

  it('is not replaced again and again if that does not help', async () => {
    await asking.ask(at());
    fake.on('/v1/secret/data/', policyDenial);
    for (let second = 0; second < 600; second += 1) {
      asking.clock.advance(1_000);
      expect(gist(await asking.once(at()))).toBe('PermissionDenied');
    }
    // One at first, then after two, four and eight minutes.
    expect(fake.count('/login')).toBeLessThanOrEqual(4);
    expect(fake.count('/login')).toBeGreaterThanOrEqual(3);
  });

  it('is replaced once for all paths that are denied', async () => {
    const paths = ['a', 'b', 'c', 'd'].map((name) => at({ name, path: `secret/data/${name}` }));
    await Promise.all(paths.map((path) => asking.ask(path)));
    asking.clock.advance(5_000);
    onlyWith('token-2');
    const answers = await Promise.all(paths.map((path) => asking.ask(path)));
    expect(answers.map(gist)).toEqual([1, 2, 3, 4].map(() => ({ a: 'b' })));
    expect(fake.count('/login')).toBe(2);
  });

  it('stays in use if no fresh one can be had', async () => {
    await asking.ask(at());
    asking.clock.advance(5_000);
    fake.on('/data/app', policyDenial);
    fake.on('/login', refused(500, 'x'));
    expect(gist(await asking.ask(at()))).toBe('PermissionDenied');
    expect(gist(await asking.ask(at({ path: 'secret/data/other' })))).toEqual({ password: 'hunter2' });
  });

  it('is said to lack the right, not to be dead', async () => {
    fake.on('/data/app', policyDenial);
    expect(await asking.ask(at())).toMatchObject({
      reason: 'PermissionDenied',
      message: expect.stringContaining('grant it `read` on this path'),
    });
  });
});

describe('a token that ends', () => {
  it('by its use limit is replaced, each time', async () => {
    const uses = new Map<unknown, number>();
    fake.on('/v1/secret/data/', ({ headers }) => {
      const token = headers['x-vault-token'];
      uses.set(token, (uses.get(token) ?? 0) + 1);
      return (uses.get(token) ?? 0) > 2 ? deadToken : secret({ a: 'b' });
    });
    fake.on('lookup-self', deadToken);
    for (let read = 0; read < 6; read += 1) {
      asking.clock.advance(5_000);
      expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
    }
    expect(fake.count('/login')).toBe(3);
  });

  it('as batch tokens do is not renewed but replaced, without a failure', async () => {
    fake.on('/login', login('b.token-1', 60, false));
    await asking.ask(at());
    fake.on('/login', login('b.token-2', 60, false));
    asking.clock.advance(59_000);
    onlyWith('b.token-2', deadToken);
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
    expect(asking.requests).toEqual(['login 200', 'read 200', 'login 200', 'read 200']);
  });

  it('by its longest life is replaced', async () => {
    fake.on('/login', login('token-1', 300));
    fake.on('renew-self', ok({ auth: { client_token: 'token-1', lease_duration: 2, renewable: true } }));
    await asking.ask(at());
    asking.clock.advance(185_000);
    await fake.arrived('renew-self');
    asking.clock.advance(60_000);
    fake.on('/login', login('token-2', 300));
    expect(gist(await asking.ask(at()))).toEqual({ password: 'hunter2' });
    expect(fake.proxy.seen.at(-1)?.headers['x-vault-token']).toBe('token-2');
  });

  it('because somebody revoked it is replaced, once for all paths', async () => {
    const paths = ['a', 'b', 'c'].map((name) => at({ name, path: `secret/data/${name}` }));
    await Promise.all(paths.map((path) => asking.ask(path)));
    asking.clock.advance(5_000);
    onlyWith('token-2', deadToken);
    fake.on('lookup-self', deadToken);
    const answers = await Promise.all(paths.map((path) => asking.ask(path)));
    expect(answers.map(gist)).toEqual([1, 2, 3].map(() => ({ a: 'b' })));
    expect(fake.count('/login')).toBe(2);
    expect(fake.count('lookup-self')).toBe(1);
  });
});

describe('integrations share a token', () => {
  const headersOf = (part: string) =>
    fake.proxy.seen
      .filter(({ path }) => path.includes(part))
      .map(({ headers }) => [headers['x-vault-token'], headers['x-vault-namespace']]);

  it('if they log in alike', async () => {
    await asking.ask(at({ name: 'one', path: 'secret/data/one' }));
    await asking.ask(at({ name: 'two', path: 'secret/data/two' }));
    expect(fake.count('/login')).toBe(1);
    expect(headersOf('/data/')).toEqual([
      ['token-1', undefined],
      ['token-1', undefined],
    ]);
  });

  it('also for paths in different namespaces, if they log in to the same', async () => {
    for (const name of ['team-a', 'team-b']) {
      await asking.ask(at({ name, namespace: name, loginNamespace: 'shared' }));
    }
    expect(headersOf('/login')).toEqual([[undefined, 'shared']]);
    expect(headersOf('/data/')).toEqual([
      ['token-1', 'team-a'],
      ['token-1', 'team-b'],
    ]);
  });

  it('but not if the namespace of the login is that of the path', async () => {
    for (const name of ['team-a', 'team-b']) await asking.ask(at({ name, namespace: name }));
    expect(headersOf('/login')).toEqual([
      [undefined, 'team-a'],
      [undefined, 'team-b'],
    ]);
  });

  it('and its life is that of the login, in the namespace of the login', async () => {
    fake.on('/login', login('token-1', 300));
    const both = ['team-a', 'team-b'].map((name) => at({ name, namespace: name, loginNamespace: 'shared' }));
    for (const one of both) await asking.ask(one);
    asking.source.forget('team-a');
    await new Promise(setImmediate);
    expect(fake.count('revoke-self')).toBe(0);
    asking.source.forget('team-b');
    await fake.arrived('revoke-self');
    expect(headersOf('revoke-self')).toEqual([['token-1', 'shared']]);
  });
});
