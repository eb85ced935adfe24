import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPolicy } from '../../hack/vault-admin.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { loginAccount, settled, vaultIntegration } from '../support/vault-product.ts';

/** OpenBao's kubernetes auth method with the real API server behind it, through the whole of Fairlead. */

let p: Platform;
let namespace: string;
let host: string;
const MOUNT = 'k8s-login';
const PATH = 'secret/data/k8s-login';
const NAMES = ['k8s-login', 'k8s-other', 'k8s-bare', 'k8s-bundled', 'k8s-gone', 'k8s-again'];

beforeAll(async () => {
  p = await platform('k8s-login');
  host = p.vault.address;
  namespace = await p.namespace('k8s');
  await p.vault.put(PATH, { a: 'one' });
  await p.vault.policy('k8s-login', readPolicy(PATH));
  await reviewer();
  await p.vault.call('POST', `sys/auth/${MOUNT}`, { type: 'kubernetes' });
  await configure();
  await p.vault.call('POST', `sys/auth/${MOUNT}-unset`, { type: 'kubernetes' });
  for (const mount of [MOUNT, `${MOUNT}-unset`]) {
    await p.vault.call('POST', `auth/${mount}/role/app`, {
      bound_service_account_names: ['k8s-login', 'k8s-gone', 'k8s-again', 'k8s-bundled'],
      bound_service_account_namespaces: [SYSTEM],
      audience: 'vault',
      token_policies: ['k8s-login'],
      token_ttl: '1h',
    });
  }
  await p.k.apply(
    ...['k8s-login', 'k8s-other', 'k8s-gone'].map((name) => loginAccount(name, { host })),
    loginAccount('k8s-bundled', { host, bundle: 'finance' }),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'k8s-bare', namespace: SYSTEM } },
  );
});
afterAll(async () => {
  for (const mount of [MOUNT, `${MOUNT}-unset`]) await p.vault.call('DELETE', `sys/auth/${mount}`);
  for (const name of NAMES) {
    await p.k.remove('vaultintegration', SYSTEM, name);
    await p.k.remove('serviceaccount', SYSTEM, name);
  }
  await p.k.run('delete', 'clusterrolebinding', 'k8s-login-reviewer', '--ignore-not-found');
  await p?.stop();
});

/** Who asks the API server on behalf of Vault. */
async function reviewer(): Promise<void> {
  await p.k.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'vault-reviewer', namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'k8s-login-reviewer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
      subjects: [{ kind: 'ServiceAccount', name: 'vault-reviewer', namespace }],
    },
  );
}

async function configure(changes: object = {}): Promise<void> {
  await p.vault.call('POST', `auth/${MOUNT}/config`, {
    kubernetes_host: p.cluster.server,
    kubernetes_ca_cert: await readFile(p.cluster.caFile, 'utf8'),
    token_reviewer_jwt: (await p.k.run('create', 'token', 'vault-reviewer', '-n', namespace)).trim(),
    disable_local_ca_jwt: true,
    ...changes,
  });
}

const login = (changes: object = {}) => ({
  kubernetes: {
    mountPath: MOUNT,
    role: 'app',
    serviceAccountRef: { name: 'k8s-login' },
    audiences: ['vault'],
    ...changes,
  },
});
const integration = (name: string, changes: object = {}, spec: object = {}) =>
  vaultIntegration(name, { host, path: PATH, auth: login(changes), ...spec });

describe('a login by kubernetes auth', () => {
  it('gives a pod its value, and the status says so', async () => {
    await p.k.apply(integration('k8s-login'), reference('warehouse', namespace, { A: 'VAULT/k8s-login/a' }));
    const status = await settled(p, 'k8s-login', 'Connected');
    expect(status).toMatchObject({ authMethod: 'kubernetes', mount: 'secret', keyCount: 1 });
    await p.pod(namespace, 'runs');
    await p.released(namespace, 'runs');
    expect(await p.delivered(namespace, 'runs')).toEqual({ A: 'one' });
  });

  const refused: Record<string, [reason: string, says: RegExp, changes: object, spec?: object]> = {
    'a ServiceAccount that says nothing of this Vault': [
      'CredentialsRefused',
      /annotation fairlead.dev\/vault-host of ServiceAccount k8s-bare must be http/,
      { serviceAccountRef: { name: 'k8s-bare' } },
    ],
    'a ServiceAccount of another bundle': [
      'CredentialsRefused',
      /ServiceAccount k8s-bundled must have no annotation fairlead.dev\/resource-bundle/,
      { serviceAccountRef: { name: 'k8s-bundled' } },
    ],
    'a ServiceAccount of no bundle, for an integration of one': [
      'CredentialsRefused',
      /annotation fairlead.dev\/resource-bundle of ServiceAccount k8s-login must be finance/,
      {},
      { resourceBundle: 'finance' },
    ],
    'a ServiceAccount that does not exist': [
      'CredentialsMissing',
      /there is no ServiceAccount k8s-nobody in the system namespace/,
      { serviceAccountRef: { name: 'k8s-nobody' } },
    ],
    'an audience that the operator does not allow': [
      'NotSupportedHere',
      /the operator does not allow the audience "https:\/\/kubernetes.default.svc.cluster.local"/,
      { audiences: ['vault', 'https://kubernetes.default.svc.cluster.local'] },
    ],
    'a role that Vault does not know': [
      'LoginFailed',
      /Vault does not know the role.*auth\/k8s-login\/login answered HTTP 400/,
      { role: 'nobody' },
    ],
    'a role for other ServiceAccounts': [
      'LoginFailed',
      /the role is not for it.*answered HTTP 403/,
      { serviceAccountRef: { name: 'k8s-other' } },
    ],
    'a mount that is not configured': [
      'LoginFailed',
      /may not be configured for it \(auth\/<mount>\/config\).*k8s-login-unset\/login answered HTTP 500/,
      { mountPath: `${MOUNT}-unset` },
    ],
    'a mount that does not exist': [
      'LoginFailed',
      /no Kubernetes login at this mount/,
      { mountPath: 'nowhere' },
    ],
  };
  it.each(Object.entries(refused))('is refused with %s', async (_, [reason, says, changes, spec]) => {
    await p.k.remove('vaultintegration', SYSTEM, 'k8s-other');
    await p.k.apply(integration('k8s-other', changes, spec));
    const { ready, authMethod } = await settled(p, 'k8s-other', reason);
    expect(ready.message).toMatch(says);
    expect(ready.status).toBe('False');
    expect(authMethod).toBeUndefined();
  });

  it("is refused with one of Fairlead's own ServiceAccounts, whatever it is annotated with", async () => {
    const annotate = async (note: string) =>
      p.k.run('annotate', 'serviceaccount', 'fairlead-controller', '-n', SYSTEM, '--overwrite', note);
    await annotate(`fairlead.dev/vault-host=${host}`);
    await p.k.remove('vaultintegration', SYSTEM, 'k8s-other');
    await p.k.apply(integration('k8s-other', { serviceAccountRef: { name: 'fairlead-controller' } }));
    // Not even asked for; that the API server would refuse it as well, fence-tokens.test.ts shows.
    const { ready } = await settled(p, 'k8s-other', 'NotSupportedHere');
    expect(ready.message).toBe(
      "ServiceAccount fairlead-controller is one of Fairlead's own: use another one",
    );
    await annotate('fairlead.dev/vault-host-');
  });

  it('ends with the ServiceAccount, and begins again with a new one of its name', async () => {
    await p.k.apply(integration('k8s-gone', { serviceAccountRef: { name: 'k8s-gone' } }));
    await settled(p, 'k8s-gone', 'Connected');
    await p.k.run('delete', 'serviceaccount', 'k8s-gone', '-n', SYSTEM);
    await settled(p, 'k8s-gone', 'CredentialsMissing');
    await p.k.apply(loginAccount('k8s-gone', { host }));
    await settled(p, 'k8s-gone', 'Connected');
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    [
      'may not review tokens',
      async () => p.k.run('delete', 'clusterrolebinding', 'k8s-login-reviewer').then(() => {}),
      /may create TokenReviews.*HTTP 403/,
    ],
    [
      'does not reach the API server',
      async () => configure({ kubernetes_host: 'https://127.0.0.1:1' }),
      /Vault reaches the API server.*HTTP 403/,
    ],
  ])('fails while Vault %s, and works by itself afterwards', async (_, spoil, says) => {
    await spoil();
    // A ServiceAccount of its own, so that no token of before will do.
    await p.k.run('delete', 'serviceaccount', 'k8s-again', '-n', SYSTEM, '--ignore-not-found');
    await p.k.apply(loginAccount('k8s-again', { host }));
    await p.k.apply(integration('k8s-again', { serviceAccountRef: { name: 'k8s-again' } }));
    const { ready } = await settled(p, 'k8s-again', 'LoginFailed');
    expect(ready.message).toMatch(says);
    await reviewer();
    await configure();
    await settled(p, 'k8s-again', 'Connected');
  });

  it('shows no token in any status, event or log line', async () => {
    const said = [
      await p.logs(),
      JSON.stringify(await p.k.list('vaultintegrations', SYSTEM)),
      JSON.stringify(await p.k.list('events.events.k8s.io', SYSTEM)),
    ].join('\n');
    // A JWT, a token of OpenBao.
    expect(said).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}/);
    expect(said).not.toMatch(/\bhvs\.|\bs\.[A-Za-z0-9]{24}\b/);
  });
});
