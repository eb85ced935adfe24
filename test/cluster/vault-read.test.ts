import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { http } from '../../hack/cluster/http.ts';
import { LIMITS } from '../../src/api/names.ts';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';

/** What reading a path says for everything that can be at the path, asked of a real OpenBao. */

let lab: VaultLab;
let asking: Asker;
let role: { roleId: string; secretId: string };

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*', 'old/*', 'none/*', 'sys/internal/ui/mounts/*');
  role = await lab.appRole('reader', { token_policies: ['reader'] });
  await lab.admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(() => asking.close());

const at = (path: string, changes: Partial<TargetOptions> = {}) =>
  target({ host: lab.proxy.address, appRole: role, path, ...changes });

interface Row {
  readonly prepare?: () => Promise<unknown>;
  readonly path: string;
  readonly changes?: () => Partial<TargetOptions>;
  readonly reason: string;
  readonly says: RegExp;
}

describe('a path', () => {
  const rows: Record<string, Row> = {
    'with a deleted version is SourceDeleted': {
      prepare: async () => {
        await lab.put('secret/data/deleted', { a: 'planted' });
        await lab.admin('DELETE', 'secret/data/deleted');
      },
      path: 'secret/data/deleted',
      reason: 'SourceDeleted',
      says: /is deleted: undelete it.*\/v1\/secret\/data\/deleted answered HTTP 404/,
    },
    'with a destroyed version is SourceDestroyed': {
      prepare: async () => {
        await lab.put('secret/data/destroyed', { a: 'planted' });
        await lab.admin('POST', 'secret/destroy/destroyed', { versions: [1] });
      },
      path: 'secret/data/destroyed',
      reason: 'SourceDestroyed',
      says: /is destroyed: write a new version.*HTTP 404/,
    },
    'without a secret is PathNotFound': {
      path: 'secret/data/missing',
      reason: 'PathNotFound',
      says: /there is no secret at this path.*HTTP 404/,
    },
    'whose metadata were deleted is PathNotFound': {
      prepare: async () => {
        await lab.put('secret/data/gone', { a: 'planted' });
        await lab.admin('DELETE', 'secret/metadata/gone');
      },
      path: 'secret/data/gone',
      reason: 'PathNotFound',
      says: /there is no secret/,
    },
    'that is a folder is PathNotFound': {
      prepare: () => lab.put('secret/data/folder/leaf', { a: 'planted' }),
      path: 'secret/data/folder',
      reason: 'PathNotFound',
      says: /there is no secret/,
    },
    'in KV version 1 is NotKVv2': {
      prepare: () => lab.admin('POST', 'old/data/app', { a: 'planted' }),
      path: 'old/data/app',
      reason: 'NotKVv2',
      says: /"old" is a KV version 1 engine.*enable-versioning old\).*HTTP 200/,
    },
    'in KV version 1 that looks like version 2 is NotKVv2': {
      prepare: () => lab.admin('POST', 'old/data/tricky', { data: { a: 'planted' } }),
      path: 'old/data/tricky',
      reason: 'NotKVv2',
      says: /"old" is a KV version 1 engine.*HTTP 200/,
    },
    'missing in KV version 1 is NotKVv2 too': {
      path: 'old/data/missing',
      reason: 'NotKVv2',
      says: /"old" is a KV version 1 engine.*HTTP 404/,
    },
    'with data before the end of the mount is PathNotFound': {
      prepare: () => lab.admin('POST', 'sys/mounts/deep/kv', { type: 'kv', options: { version: '2' } }),
      path: 'deep/data/kv/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'PathNotFound',
      says: /no secrets engine is mounted at "deep"/,
    },
    'with data behind the beginning of the secret is NotKVv2': {
      path: 'secret/team/data/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'NotKVv2',
      says: /"secret" is a KV version 2 engine, but what follows it is not data\/<path>.*HTTP 404/,
    },
    'without a mount is PathNotFound for whoever may know': {
      path: 'none/data/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'PathNotFound',
      says: /no secrets engine is mounted at "none".*HTTP 404/,
    },
    'without a mount is PermissionDenied for whoever may not': {
      path: 'elsewhere/data/app',
      reason: 'PermissionDenied',
      says: /grant it `read`.*HTTP 403/,
    },
    'that no policy allows is PermissionDenied': {
      prepare: () => lab.admin('POST', 'sys/mounts/closed', { type: 'kv', options: { version: '2' } }),
      path: 'closed/data/app',
      reason: 'PermissionDenied',
      says: /grant it `read`.*\/v1\/closed\/data\/app answered HTTP 403/,
    },
    'in a namespace that does not exist is NamespaceNotFound for an AppRole': {
      path: 'secret/data/app',
      changes: () => ({ namespace: 'nowhere' }),
      reason: 'NamespaceNotFound',
      says: /correct spec.namespace.*in namespace nowhere answered HTTP 404/,
    },
    'in a namespace that does not exist is NamespaceNotFound for a token': {
      path: 'secret/data/app',
      changes: () => ({ namespace: 'nowhere', token: lab.bao.rootToken }),
      reason: 'NamespaceNotFound',
      says: /correct spec.namespace/,
    },
  };
  it.each(Object.entries(rows))('%s', async (_, { prepare, path, changes, reason, says }) => {
    await prepare?.();
    const given = changes?.() ?? {};
    const answer = await asking.ask(
      given.token === undefined ? at(path, given) : target({ host: lab.proxy.address, path, ...given }),
    );
    expect(answer).toMatchObject({ kind: 'failed', reason, retryAfterMs: expect.any(Number) });
    const message = answer.kind === 'failed' ? answer.message : '';
    expect(message).toMatch(says);
    expect(message).toContain(lab.proxy.address);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
    const everything = inspect([answer, asking.logged, asking.requests], {
      depth: Infinity,
      showHidden: true,
    });
    for (const planted of ['planted', role.secretId, lab.bao.rootToken])
      expect(everything).not.toContain(planted);
  });

  it('is the same message every time', async () => {
    const messages = new Set<unknown>();
    for (let round = 0; round < 3; round += 1) {
      const answer = await asking.ask(at('secret/data/missing'));
      messages.add(answer.kind === 'failed' && answer.message);
      asking.clock.advance(60_000);
    }
    expect(messages.size).toBe(1);
  });
});

describe('a path that is repaired', () => {
  it('is read again after the policy was restored, after one fresh login in vain', async () => {
    await lab.put('secret/data/policy', { a: 'b' });
    await lab.policy('reader2', 'secret/data/policy');
    const reader = await lab.appRole('reader2', { token_policies: ['reader2'] });
    const of = at('secret/data/policy', { appRole: reader });
    expect(gist(await asking.ask(of))).toEqual({ a: 'b' });
    await lab.policy('reader2', 'secret/data/other');
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of))).toBe('PermissionDenied');
    await lab.policy('reader2', 'secret/data/policy');
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of))).toEqual({ a: 'b' });
    const denied = ['read 403', 'lookup-self 200', 'login 200', 'read 403'];
    expect(asking.requests).toEqual(['login 200', 'read 200', ...denied, 'read 200']);
    expect(asking.recovered).toEqual(['vault-prod']);
  });

  it('is read again after it was undeleted', async () => {
    await lab.put('secret/data/undeleted', { a: 'b' });
    await lab.admin('DELETE', 'secret/data/undeleted');
    expect(gist(await asking.ask(at('secret/data/undeleted')))).toBe('SourceDeleted');
    await lab.admin('POST', 'secret/undelete/undeleted', { versions: [1] });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at('secret/data/undeleted')))).toEqual({ a: 'b' });
  });

  it('is read again after it was written', async () => {
    expect(gist(await asking.ask(at('secret/data/late')))).toBe('PathNotFound');
    await lab.put('secret/data/late', { a: 'b' });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at('secret/data/late')))).toEqual({ a: 'b' });
    expect(asking.recovered).toEqual(['vault-prod']);
  });
});

describe('a HashiCorp namespace', () => {
  it.each(['team-a', 'team-a/'])('is where login and read happen: %s', async (namespace) => {
    const exists = await http(`${lab.bao.address}/v1/sys/namespaces/team-a`, {
      headers: { 'x-vault-token': lab.bao.rootToken },
    });
    if (exists.status === 404) {
      await lab.admin('POST', 'sys/namespaces/team-a', {});
      await lab.admin('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } }, 'team-a');
      await lab.admin(
        'PUT',
        'sys/policies/acl/reader',
        { policy: 'path "secret/data/*" { capabilities = ["read"] }' },
        'team-a',
      );
      await expect
        .poll(async () => {
          const url = `${lab.bao.address}/v1/secret/data/app`;
          const headers = { 'x-vault-token': lab.bao.rootToken, 'x-vault-namespace': 'team-a' };
          return (await http(url, { method: 'POST', headers, body: { data: { team: 'a' } } })).status;
        })
        .toBe(200);
    }
    const token = await lab.admin('POST', 'auth/token/create', { policies: ['reader'] }, 'team-a');
    const of = target({
      host: lab.proxy.address,
      namespace,
      token: token.body.auth?.client_token ?? '',
      path: 'secret/data/app',
    });
    const answer = await asking.ask(of);
    expect(gist(answer)).toEqual({ team: 'a' });
    expect(answer.kind === 'fields' && answer.location).toBe(
      `${lab.proxy.address}/v1/secret/data/app in namespace team-a`,
    );
  });
});
