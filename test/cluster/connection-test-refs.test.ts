import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectionLab, letters, stepOf, type Settings } from '../support/connection-lab.ts';
import { lookUp } from '../support/vault-auth.ts';
import { startLab, type VaultLab } from '../support/vault-lab.ts';
import { startProxy } from '../support/vault-proxy.ts';

/** ConnectionTests of integrations that are there, against a real OpenBao: who learns what. */

const VALUE = 'planted-value';
let lab: VaultLab;
let role: { roleId: string; secretId: string };

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/app', 'secret/data/other');
  await lab.put('secret/data/app', { user: VALUE, password: VALUE });
  await lab.put('secret/data/other', { user: VALUE });
  role = await lab.appRole('tested', { token_policies: ['reader'] });
});
afterAll(() => lab.close());
afterEach(() => {
  lab.proxy.intercept = undefined;
  lab.proxy.forgetSeen();
});

const USER = ['use vault-prod'];
const OWNER = ['use vault-prod', 'update vault-prod'];
const ref = (more: object = {}) => ({ integrationRef: { name: 'vault-prod' }, ...more });
const secretIdRef = { name: 'login', key: 'secretId' };
const revoked = () => lab.proxy.count('revoke-self');

function tests({
  rights = OWNER,
  secretId = role.secretId,
  spec = {},
  ...more
}: Settings & { secretId?: string; spec?: object } = {}) {
  const host = lab.proxy.address;
  return connectionLab({
    rights,
    allowed: { vaultHosts: [host], allowHttp: true, tokenAudiences: ['vault'] },
    integrations: {
      'vault-prod': {
        spec: { host, auth: { appRole: { roleId: role.roleId, secretIdRef } }, ...spec },
        secrets: { login: { secretId } },
      },
    },
    ...more,
  });
}

describe('who may update the integration', () => {
  it('learns everything', async () => {
    const asked = tests();
    const status = await asked.ask(ref());
    expect(status).toMatchObject({ ok: true, reason: 'Connected', keyCount: 2, authMethod: 'appRole' });
    expect(letters(status)).toBe('PPSPPPPPP');
    expect(stepOf(status, 'TCP')).toMatch(/^Passed: connected to 127\.0\.0\.1:\d+$/);
    expect(stepOf(status, 'lookup-self')).toMatch(
      /^Passed: the token lives about \d+ h, renewable; policies: default, reader$/,
    );
    expect(stepOf(status, 'read')).toMatch(/\/v1\/secret\/data\/app, version 1$/);
    expect(revoked()).toBe(1);
    for (const hidden of ['planted', role.secretId]) expect(asked.seen()).not.toContain(hidden);
  });

  it('may try another path', async () => {
    const status = await tests().ask(ref({ path: '/v1/secret/data/other' }));
    expect(status).toMatchObject({ ok: true, keyCount: 1, secretPath: 'other' });
  });

  it('is told why a login fails', async () => {
    const status = await tests({ secretId: 'planted-wrong' }).ask(ref());
    expect(status.message).toMatch(/^login: .*write a new secret id into the credentials Secret.*HTTP 400/);
  });

  it('is told of credentials that are not there, before anything is sent', async () => {
    const spec = { auth: { appRole: { roleId: 'x', secretIdRef: { name: 'missing', key: 'secretId' } } } };
    const asked = tests({ spec });
    const status = await asked.ask(ref());
    expect([letters(status), status.reason]).toEqual(['SSSFSSSSS', 'CredentialsMissing']);
    expect(status.message).toMatch(/^login: there is no Secret missing/);
    expect(lab.proxy.seen).toEqual([]);
  });
});

describe('who may only use it', () => {
  it('learns that it works, not how', async () => {
    const asked = tests({ rights: USER });
    const status = await asked.ask(ref());
    expect(status).toMatchObject({ ok: true, keyCount: 2 });
    expect(status).not.toHaveProperty('authMethod');
    expect(status.steps.slice(0, 6).map(({ message }) => message)).toEqual([
      'spec.host is an address, there is no name to resolve',
      'the server takes connections',
      expect.stringContaining('without TLS'),
      'the login works',
      'the token lives',
      'the token may read the path',
    ]);
  });

  it('learns that the login fails, not why', async () => {
    const asked = tests({ rights: USER, secretId: 'planted-wrong' });
    const status = await asked.ask(ref());
    expect(status).toMatchObject({ ok: false, reason: 'CredentialsRefused' });
    expect(status.message).toBe(
      'login: VaultIntegration vault-prod cannot log in to Vault; its status in namespace fairlead-system says why',
    );
    expect(JSON.stringify(status)).not.toMatch(/approle|appRole|role id/);
    expect(asked.audit.sink.lines.at(-1)?.['message']).toMatch(/role id or secret id/);
  });

  it('learns that the server is not there, not at which address', async () => {
    const host = 'http://vault.example.test:8200';
    const asked = tests({
      rights: USER,
      spec: { host },
      integrations: {
        'vault-prod': {
          spec: { host, auth: { appRole: { roleId: 'x', secretIdRef } } },
          secrets: { login: { secretId: 'x' } },
        },
      },
      allowed: { vaultHosts: [host], allowHttp: true, tokenAudiences: [] },
      lookup: (_, __, callback) => callback(null, [{ address: '127.0.0.91', family: 4 }]),
    });
    const status = await asked.ask(ref());
    expect(letters(status)).toBe('PFSSSSSSS');
    expect(JSON.stringify(status)).not.toContain('127.0.0.91');
    expect(status.message).toMatch(/^TCP: the connection is refused/);
  });

  it('may not where it is not shared with the domain of the namespace, and sends nothing', async () => {
    const foreign = { rights: USER, spec: { domains: ['another'] } };
    const refused = await tests(foreign).refused(ref());
    expect([refused.code, refused.message]).toEqual(['Forbidden', expect.stringContaining('is shared with')]);
    expect(lab.proxy.seen).toEqual([]);
    expect((await tests({ rights: OWNER, spec: { domains: ['another'] } }).ask(ref())).ok).toBe(true);
  });

  it('tests it three times in a row, and then once a minute, whoever it is', async () => {
    const asked = tests({ rights: USER });
    for (const user of ['a', 'b', 'c']) expect((await asked.ask(ref(), { user })).ok).toBe(true);
    expect(await asked.refused(ref(), { user: 'd' })).toMatchObject({
      ...{ code: 'TooManyRequests', details: { retryAfterSeconds: 60 } },
    });
  });

  it('may not try another path or namespace', async () => {
    const asked = tests({ rights: USER });
    for (const more of [{ path: 'secret/data/other' }, { namespace: 'team-a' }]) {
      expect(await asked.refused(ref(more))).toMatchObject({
        code: 'Forbidden',
        message: expect.stringContaining('needs the verb update'),
      });
    }
    expect(lab.proxy.seen).toEqual([]);
  });
});

describe('a test that is refused', () => {
  it('does not tell whether the integration is there', async () => {
    const [there, missing] = [tests({ rights: [] }), tests({ rights: OWNER, integrations: {} })];
    const [a, b] = [await there.refused(ref()), await missing.refused(ref())];
    expect([a.code, a.message, a.details]).toEqual([b.code, b.message, b.details]);
    expect(a.code).toBe('Forbidden');
    expect(there.reviewed).toEqual(missing.reviewed);
    expect(there.audit.sink.lines.at(-1)).toMatchObject({
      action: 'test-connection',
      outcome: 'refused',
      reason: 'UseForbidden',
      actor: { kind: 'user', name: 'ann' },
      source: { type: 'VAULT', id: 'vault-prod' },
      namespace: 'team-a',
    });
  });

  it('has asked for rights alone when it is dry', async () => {
    const asked = tests();
    const before = lab.proxy.connections();
    const status = await asked.ask(ref(), { dryRun: true });
    expect([letters(status), status.ok]).toEqual(['SSSSSSSSS', false]);
    expect(stepOf(status, 'login')).toBe('Skipped: dry run');
    expect(asked.reviewed).toEqual(['use vault-prod', 'update vault-prod']);
    expect(lab.proxy.connections()).toBe(before);
    expect(lab.proxy.seen).toEqual([]);
    expect(asked.audit.sink.text).toBe('');
  });

  it('comes after ten of one user, and says when to come again', async () => {
    const asked = tests();
    for (let i = 0; i < 10; i += 1) await asked.ask(ref(), { dryRun: true });
    const refused = await asked.refused(ref(), { dryRun: true });
    expect(refused).toMatchObject({ code: 'TooManyRequests', details: { retryAfterSeconds: 6 } });
    expect((await asked.ask(ref(), { user: 'bob', dryRun: true })).steps).toHaveLength(9);
  });

  it('cannot be audited: nothing is sent', async () => {
    const asked = tests();
    asked.audit.sink.fails = { code: 'ENOSPC', after: 0 };
    expect(await asked.refused(ref())).toMatchObject({ code: 'ServiceUnavailable' });
    expect(lab.proxy.seen).toEqual([]);
  });
});

describe('the account of the integration', () => {
  it('is not locked by tests of it', async () => {
    const asked = tests({ rights: USER, secretId: 'planted-wrong' });
    await asked.ask(ref(), { user: 'user-1' });
    expect(await asked.refused(ref(), { user: 'user-9' })).toMatchObject({ code: 'TooManyRequests' });
    expect(lab.proxy.count('/login')).toBe(1);
  });

  it('is not barred by tests that did not get as far as the login', async () => {
    const asked = tests();
    lab.proxy.intercept = () => ({ kind: 'answer', status: 503, body: '{"errors":["Vault is sealed"]}' });
    for (let i = 0; i < 4; i += 1) expect((await asked.ask(ref())).reason).toBe('Sealed');
  });
});

it('a wrapped secret id is not unwrapped', async () => {
  const appRole = { roleId: role.roleId, secretIdRef, wrapped: true };
  const asked = tests({ spec: { auth: { appRole } }, secretId: 'hvs.planted-wrapping' });
  const status = await asked.ask(ref());
  expect([letters(status), status.ok, status.reason]).toEqual(['PPSSSSSSS', false, 'NotSupportedHere']);
  expect(stepOf(status, 'login')).toMatch(/is wrapped, and unwrapping it for a test would take it/);
  expect(asked.requests).toEqual([]);
});

it('reads with a child token if the integration says so', async () => {
  await lab.admin('PUT', 'sys/policies/acl/parent', {
    policy: 'path "auth/token/create" { capabilities = ["update"] }',
  });
  const parent = await lab.appRole('parent', { token_policies: ['reader', 'parent'] });
  const auth = { appRole: { roleId: parent.roleId, secretIdRef } };
  const asked = tests({ spec: { auth, scopedTokens: { policies: ['reader'] } }, secretId: parent.secretId });
  expect(await asked.ask(ref())).toMatchObject({ ok: true, keyCount: 2 });
  const sent = lab.proxy.seen.find(({ path }) => path.includes('/data/'))?.headers['x-vault-token'];
  expect(await lookUp(lab, { token: String(sent) })).not.toBe(200);
});

it('follows a redirect to where the integration says, with the login and with the read', async () => {
  const active = await startProxy(lab.bao.address);
  try {
    lab.proxy.intercept = ({ path }) => ({
      kind: 'answer',
      status: 307,
      headers: { location: `${active.address.replace('127.0.0.1', 'active.test')}${path}` },
    });
    const redirect = active.address.replace('127.0.0.1', 'active.test');
    const asked = tests({
      spec: { redirectHosts: [redirect] },
      allowed: { vaultHosts: [lab.proxy.address, redirect], allowHttp: true, tokenAudiences: [] },
      lookup: (_, __, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    expect(await asked.ask(ref())).toMatchObject({ ok: true, keyCount: 2 });
    expect(active.count('revoke-self')).toBe(1);
  } finally {
    await active.close();
  }
});
