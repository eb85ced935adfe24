import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { key, lookUp, mountKv, tokensSent, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';

/** HashiCorp namespaces as OpenBao has them: one for the login, one for the data, which may be the same. */

let lab: VaultLab;
let asking: Asker;
let role: { roleId: string; secretId: string };
const PARENT = 'org';

beforeAll(async () => {
  lab = await startLab();
  for (const [namespace, within] of [
    [PARENT, undefined],
    ['dev', PARENT],
    ['prod', PARENT],
  ] as const) {
    await lab.admin('POST', `sys/namespaces/${namespace}`, {}, within);
    const full = within === undefined ? namespace : `${within}/${namespace}`;
    await mountKv(lab, 'secret', full);
    await lab.admin('POST', 'secret/data/app', { data: { in: full } }, full);
  }
  const paths = ['secret', 'dev/secret', 'prod/secret'];
  const policy = paths.map((path) => `path "${path}/data/*" { capabilities = ["read"] }`).join('\n');
  await lab.admin('PUT', 'sys/policies/acl/reader', { policy }, PARENT);
  await lab.admin('POST', 'sys/auth/approle', { type: 'approle' }, PARENT);
  await lab.admin('POST', 'auth/approle/role/app', { token_policies: ['reader'] }, PARENT);
  const roleId = await lab.admin('GET', 'auth/approle/role/app/role-id', undefined, PARENT);
  const secretId = await lab.admin('POST', 'auth/approle/role/app/secret-id', {}, PARENT);
  role = {
    roleId: String(roleId.body.data?.['role_id']),
    secretId: String(secretId.body.data?.['secret_id']),
  };
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  lab.proxy.forgetSeen();
});

const at = (login: string | undefined, namespace: string | undefined, changes: Partial<Wanted> = {}) =>
  wanted({
    host: lab.proxy.address,
    ...(namespace !== undefined && { namespace }),
    auth: {
      ...(login !== undefined && { namespace: login }),
      appRole: { roleId: role.roleId, secretIdRef: key('secretId') },
    },
    secrets: { login: { secretId: role.secretId } },
    ...changes,
  });
const namespacesOf = (part: string) =>
  lab.proxy.seen.filter(({ path }) => path.includes(part)).map(({ headers }) => headers['x-vault-namespace']);

describe('a HashiCorp namespace', () => {
  it('of the path is that of the login, too, if nothing else is said', async () => {
    expect(gist(await asking.ask(at(undefined, PARENT)))).toEqual({ in: PARENT });
    expect([namespacesOf('/login'), namespacesOf('/data/')]).toEqual([[PARENT], [PARENT]]);
  });

  it.each([
    ['org', 'org/dev'],
    ['org/', 'org/dev/'],
  ])('of the login may be another one than that of the data: %s, %s', async (login, data) => {
    const answer = await asking.ask(at(login, data));
    expect(gist(answer)).toEqual({ in: 'org/dev' });
    expect(answer.kind === 'fields' && answer.location).toBe(
      `${lab.proxy.address}/v1/secret/data/app in namespace org/dev`,
    );
    expect([namespacesOf('/login'), namespacesOf('/data/')]).toEqual([['org'], ['org/dev']]);
    const seen = await asking.source.inspect(at(login, data), false, new AbortController().signal);
    expect(seen).toMatchObject({ mount: 'secret', secretPath: 'app' });
  });

  it('of the data does not make another login: two integrations share one', async () => {
    const targets = ['dev', 'prod'].map((name) => at('org', `org/${name}`, { name }));
    const answers = await Promise.all(targets.map((target) => asking.ask(target)));
    expect(answers.map(gist)).toEqual([{ in: 'org/dev' }, { in: 'org/prod' }]);
    expect(lab.proxy.count('/login')).toBe(1);
    expect(tokensSent(lab)).toHaveLength(1);
    expect(new Set(targets.map(({ connectionId }) => connectionId)).size).toBe(1);
  });

  it('is where tokens are renewed and given back: that of the login', async () => {
    await asking.ask(at('org', 'org/dev'));
    const [token = ''] = tokensSent(lab);
    expect(await lookUp(lab, { token }, 'org')).toBe(200);
    await asking.close();
    expect(await lookUp(lab, { token }, 'org')).not.toBe(200);
    expect(namespacesOf('revoke-self')).toEqual(['org']);
  });

  it('is where child tokens are made: that of the login', async () => {
    const policy = 'path "auth/token/create" { capabilities = ["update"] }';
    await lab.admin('PUT', 'sys/policies/acl/maker', { policy }, PARENT);
    await lab.admin('POST', 'auth/approle/role/app', { token_policies: ['reader', 'maker'] }, PARENT);
    const of = at('org', 'org/dev', { scopedTokens: { policies: ['reader'] } });
    expect(gist(await asking.ask(of))).toEqual({ in: 'org/dev' });
    expect([namespacesOf('token/create'), namespacesOf('/data/')]).toEqual([['org'], ['org/dev']]);
  });

  const unknown: Record<string, [login: string | undefined, data: string | undefined]> = {
    'of both': [undefined, 'nowhere'],
    'of the login': ['nowhere', 'org/dev'],
    'of the data': ['org', 'org/nowhere'],
  };
  it.each(Object.entries(unknown))(
    'that does not exist is NamespaceNotFound: %s',
    async (_, [login, data]) => {
      const answer = await asking.ask(at(login, data));
      expect(answer).toMatchObject({
        reason: 'NamespaceNotFound',
        message: expect.stringMatching(/correct spec.namespace or spec.auth.namespace.*answered HTTP 404/),
        retryAfterMs: expect.any(Number),
      });
    },
  );

  it('is found by a token of it as well', async () => {
    const { body } = await lab.admin('POST', 'auth/token/create', { policies: ['reader'] }, PARENT);
    const token = body.auth?.client_token ?? '';
    const auth = { namespace: 'org', token: { secretRef: key('token') } };
    const of = at(undefined, 'org/prod', { auth, secrets: { login: { token } } });
    expect(gist(await asking.ask(of))).toEqual({ in: 'org/prod' });
  });

  it.each(['..', 'a//b', 'a b', 'a?b', '/a', 'a/../b', 'ä'])('cannot be %s', (namespace) => {
    expect(() => at(undefined, namespace)).toThrow('must be a HashiCorp namespace path');
    expect(() => at(namespace, 'org')).toThrow('must be a HashiCorp namespace path');
  });
});
