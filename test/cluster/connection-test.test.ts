import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readFile, rm } from 'node:fs/promises';
import { Fairlead } from '../../hack/fairlead.ts';
import { readPolicy, vaultAdmin, type VaultAdmin } from '../../hack/vault-admin.ts';
import type { StatusError } from '../../src/aggregation/errors.ts';
import type { Caller } from '../../src/aggregation/resource.ts';
import type { ConnectionTestStatus } from '../../src/api/connection-test.ts';
import { tokenRequests } from '../../src/controllers/token-request.ts';
import { world, type World } from '../../src/controllers/world.ts';
import { connectionTestsResource } from '../../src/keys/connection-tests/index.ts';
import { AccessReviews } from '../../src/kube/access-review.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Lab } from '../support/audit-lab.ts';
import { letters, stepOf } from '../support/connection-lab.ts';
import { cluster, kube, scratch, until, type Kube } from '../support/cluster.ts';
import { SYSTEM } from '../support/platform.ts';
import { grant, named, revoke } from '../support/rbac.ts';
import { loginAccount, loginSecret, vaultIntegration } from '../support/vault-product.ts';
import { startProxy, type VaultProxy } from '../support/vault-proxy.ts';

/** ConnectionTests with the rights, the integrations and the tokens of a real API server. */

const VALUE = 'planted-value';
const PATH = 'secret/data/conntest';
const MOUNT = 'conntest-k8s';
/** Installed, and not started: the tests ask in place of the role that serves this. */
let p: {
  readonly k: Kube;
  readonly vault: VaultAdmin;
  readonly cluster: Kube['cluster'];
  readonly dir: string;
};
let client: KubeClient;
let proxy: VaultProxy;
let seen: World;
let audit: Lab;
let create: NonNullable<ReturnType<typeof connectionTestsResource>['create']>;
const ending = new AbortController();
let running: Promise<unknown>;
const subject = (name: string) => ({ kind: 'User', name }) as const;

beforeAll(async () => {
  const shared = await cluster();
  if (!shared.bao) throw new Error('the cluster came without OpenBao');
  p = { k: kube(shared), vault: vaultAdmin(shared.bao), cluster: shared, dir: await scratch('conntest') };
  await Fairlead.install({ target: shared, dir: p.dir, vaultHosts: [] });
  proxy = await startProxy(p.vault.address);
  await vault();
  const labels = { 'fairlead.dev/domain': 'conntest' };
  await p.k.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'conntest', labels } },
    loginAccount('conntest', { host: proxy.address }),
    loginSecret('conntest-api', { host: p.cluster.server }, { secretId: 'planted-secret-id' }),
    vaultIntegration('conntest', {
      host: proxy.address,
      path: PATH,
      auth: {
        kubernetes: {
          mountPath: MOUNT,
          role: 'app',
          serviceAccountRef: { name: 'conntest' },
          audiences: ['vault'],
        },
      },
    }),
    vaultIntegration('conntest-api', {
      host: p.cluster.server,
      path: PATH,
      auth: {
        appRole: { roleId: 'planted-role', secretIdRef: { name: 'conntest-api', key: 'secretId' } },
      },
    }),
  );
  await grant(p.k, 'conntest-user', subject('user'), [named('vaultintegrations', 'conntest', 'use')]);
  await grant(p.k, 'conntest-owner', subject('owner'), [
    { apiGroups: ['fairlead.dev'], resources: ['vaultintegrations'], verbs: ['create', 'update', 'use'] },
  ]);
  client = connect({ kubeconfig: p.cluster.kubeconfig, userAgent: 'fairlead-conntest' });
  seen = world({ client, clock: systemClock, systemNamespace: SYSTEM, storePrefix: 'iomete-secret-store' });
  const caches = [
    seen.integrations,
    seen.credentials,
    seen.certificates,
    seen.serviceAccounts,
    seen.configMaps,
  ];
  running = Promise.all(caches.map(async (cache) => cache.run(ending.signal)));
  await Promise.all(caches.map(async ({ synced }) => synced));
  audit = new Lab();
  const resource = connectionTestsResource({
    clock: systemClock,
    random: Math.random,
    world: seen,
    systemNamespace: SYSTEM,
    allowed: {
      vaultHosts: [proxy.address, p.cluster.server],
      allowHttp: true,
      tokenAudiences: ['vault'],
    },
    reviews: new AccessReviews(client, systemClock),
    audit: audit.make(),
    requestToken: tokenRequests(client, SYSTEM),
    forbiddenOrigins: [p.cluster.server],
  });
  if (!resource.create) throw new Error('connection tests cannot be created');
  create = resource.create;
});
afterAll(async () => {
  ending.abort();
  await running;
  await client?.close();
  await proxy?.close();
  for (const name of ['conntest', 'conntest-api']) await p.k.remove('vaultintegration', SYSTEM, name);
  await p.k.remove('secret', SYSTEM, 'conntest-api');
  for (const name of ['conntest', 'conntest-reviewer']) await p.k.remove('serviceaccount', SYSTEM, name);
  for (const name of ['conntest-user', 'conntest-owner']) await revoke(p.k, name);
  await p.k.run('delete', 'clusterrolebinding', 'conntest-reviewer', '--ignore-not-found');
  await p.k.run('delete', 'namespace', 'conntest', '--wait=false');
  await p.vault.call('DELETE', `sys/auth/${MOUNT}`);
  await rm(p.dir, { recursive: true, force: true });
});
afterEach(() => proxy.forgetSeen());

/** A login of ServiceAccounts that the real API server reviews. */
async function vault(): Promise<void> {
  await p.vault.put(PATH, { user: VALUE, password: VALUE });
  await p.vault.policy('conntest', readPolicy(PATH));
  await p.k.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'conntest-reviewer', namespace: SYSTEM } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'conntest-reviewer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
      subjects: [{ kind: 'ServiceAccount', name: 'conntest-reviewer', namespace: SYSTEM }],
    },
  );
  const reviewer = (await p.k.run('create', 'token', 'conntest-reviewer', '-n', SYSTEM)).trim();
  await p.vault.call('POST', `sys/auth/${MOUNT}`, { type: 'kubernetes' });
  await p.vault.call('POST', `auth/${MOUNT}/config`, {
    kubernetes_host: p.cluster.server,
    kubernetes_ca_cert: await readFile(p.cluster.caFile, 'utf8'),
    token_reviewer_jwt: reviewer,
  });
  await p.vault.call('POST', `auth/${MOUNT}/role/app`, {
    bound_service_account_names: ['conntest'],
    bound_service_account_namespaces: [SYSTEM],
    audience: 'vault',
    token_policies: ['conntest'],
    token_ttl: '1h',
  });
}

async function ask(user: string, spec: object): Promise<ConnectionTestStatus> {
  const caller: Caller = { user, groups: ['system:authenticated'], extra: {} };
  const { object } = await create({
    ...{ verb: 'create', caller, namespace: 'conntest', body: { metadata: {}, spec }, dryRun: false },
    ...{ fieldSelector: [], signal: new AbortController().signal },
  });
  return object['status'] as ConnectionTestStatus;
}

async function refused(user: string, spec: object): Promise<StatusError> {
  const thrown: unknown = await ask(user, spec).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ name: 'StatusError' });
  return thrown as StatusError;
}
const ref = (name: string, more: object = {}) => ({ integrationRef: { name }, ...more });
const tokens = () => proxy.seen.map(({ headers }) => String(headers['x-vault-token'] ?? ''));

describe('an integration that logs in with a ServiceAccount', () => {
  it('passes for its owner, with a token made for Vault that is given back', async () => {
    const status = await ask('owner', ref('conntest'));
    expect([status.message, letters(status)]).toEqual([expect.stringMatching(/^2 keys at /), 'PPSPPPPPP']);
    expect(status).toMatchObject({ ok: true, authMethod: 'kubernetes', keyCount: 2 });
    expect(proxy.count('revoke-self')).toBe(1);
    const told = JSON.stringify(status) + audit.sink.text;
    for (const token of ['planted', ...tokens().filter(Boolean)]) expect(told).not.toContain(token);
    expect(audit.sink.lines.slice(-2)).toMatchObject([
      { action: 'test-connection', outcome: 'allowed', reason: 'Resolved', actor: { name: 'owner' } },
      { outcome: 'allowed', reason: 'Connected', path: `${proxy.address}/v1/${PATH}` },
    ]);
  });

  it('passes for who may use it, without the details', async () => {
    const status = await ask('user', ref('conntest'));
    expect(letters(status)).toBe('PPSPPPPPP');
    expect(JSON.stringify(status)).not.toMatch(/kubernetes|ServiceAccount|policies/);
  });

  it('is not to be told from one that is not there, without the right', async () => {
    const [there, missing] = [await refused('nobody', ref('conntest')), await refused('nobody', ref('gone'))];
    expect([there.code, missing.code]).toEqual(['Forbidden', 'Forbidden']);
    expect(there.message.replace('conntest', 'gone')).toBe(missing.message);
    expect((await refused('owner', ref('gone'))).message).toBe(missing.message);
    expect(proxy.seen).toEqual([]);
  });

  it('is not to be tried at another path by who may only use it', async () => {
    expect(await refused('user', ref('conntest', { path: 'secret/data/other' }))).toMatchObject({
      code: 'Forbidden',
    });
    const status = await ask('owner', ref('conntest', { path: 'secret/data/other' }));
    expect(stepOf(status, 'capabilities')).toMatch(/^Failed: .*grant it `read`/);
  });

  it('is not inline: that needs the right to create one', async () => {
    const integration = { host: proxy.address, path: PATH, auth: { token: { token: 'planted' } } };
    expect(await refused('user', { integration })).toMatchObject({ code: 'Forbidden' });
    expect((await ask('owner', { integration })).reason).toBe('CredentialsRefused');
  });

  it('is known a moment after it was written', async () => {
    await grant(p.k, 'conntest-user', subject('user'), [
      named('vaultintegrations', 'conntest', 'use'),
      named('vaultintegrations', 'conntest-api', 'use'),
    ]);
    const status = await until('the right to use it', async () =>
      ask('user', ref('conntest-api')).catch(() => undefined),
    );
    expect(letters(status)).toBe('FSSSSSSSS');
  });
});

describe('the API server', () => {
  it('gets no credentials, not even if it is listed and an integration names it', async () => {
    const status = await ask('owner', ref('conntest-api'));
    expect([letters(status), status.reason]).toEqual(['FSSSSSSSS', 'NotSupportedHere']);
    expect(audit.sink.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'NotSupportedHere' });
  });

  it('is no Vault for an inline test either', async () => {
    const { port } = new URL(p.cluster.server);
    const auth = { token: { token: 'planted' } };
    const listed = await ask('owner', { integration: { host: p.cluster.server, path: PATH, auth } });
    expect(letters(listed)).toBe('FSSSSSSSS');
    for (const host of [`https://localhost:${port}`, `https://[::ffff:127.0.0.1]:${port}`]) {
      expect(await refused('owner', { integration: { host, path: PATH, auth } })).toMatchObject({
        code: 'Invalid',
      });
    }
    expect(audit.sink.text).not.toContain('planted');
  });
});
