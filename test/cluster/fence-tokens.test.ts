import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKubeconfig } from '../../hack/install.ts';
import { RESOURCES } from '../../src/api/resources.ts';
import { connect } from '../../src/kube/client.ts';
import type { KubeError } from '../../src/kube/errors.ts';
import { objectPath } from '../../src/kube/objects.ts';
import { kube, scratch, until } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { loginAccount } from '../support/vault-product.ts';

/** The fence around the tokens that Fairlead can have made, tried past Fairlead with its own identity. */

let p: Platform;
let namespace: string;
let dir: string;
let kubeconfig: string;
const ACCOUNT = 'fence-tokens-login';

beforeAll(async () => {
  p = await platform('fence-tokens');
  namespace = await p.namespace('fence-tokens');
  dir = await scratch('fence-tokens');
  kubeconfig = await accountKubeconfig(p.cluster, 'fairlead-controller', dir);
  await p.k.apply(loginAccount(ACCOUNT, { host: p.vault.address }));
});
afterAll(async () => {
  await p?.k.remove('serviceaccount', SYSTEM, ACCOUNT);
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

describe("with Fairlead's own token, straight at the API server", () => {
  interface Minted {
    readonly status?: { readonly token: string; readonly expirationTimestamp: string };
  }

  /** Nothing if it was granted, else what the API server says. */
  async function mint(name: string, spec: object, of = SYSTEM): Promise<string> {
    const client = connect({ kubeconfig, userAgent: 'test' });
    try {
      const path = objectPath(RESOURCES.serviceAccounts, { namespace: of, name, subresource: 'token' });
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
      const answer = await client.request<Minted>({ method: 'POST', path, body });
      return answer.status?.token ? '' : 'no token';
    } catch (error) {
      return (error as KubeError).serverMessage ?? String(error);
    } finally {
      await client.close();
    }
  }

  const good = { audiences: ['vault'], expirationSeconds: 600 };

  it('a token for Vault is granted', async () => {
    expect(await mint(ACCOUNT, good)).toBe('');
  });

  it.each<[string, string, object, RegExp]>([
    ['of itself', 'fairlead-controller', good, /tokens of Fairlead's own ServiceAccounts may not be made/],
    ['of the webhook', 'fairlead-admission', good, /tokens of Fairlead's own/],
    ['of the certificates role', 'fairlead-certificates', good, /tokens of Fairlead's own/],
    ['without an audience', ACCOUNT, { expirationSeconds: 600 }, /must be for audiences of the list/],
    [
      'for the API server',
      ACCOUNT,
      { ...good, audiences: ['https://kubernetes.default.svc.cluster.local'] },
      /must be for audiences/,
    ],
    ['for Vault and others', ACCOUNT, { ...good, audiences: ['vault', 'other'] }, /must be for audiences/],
    ['for more than ten minutes', ACCOUNT, { ...good, expirationSeconds: 601 }, /at most 600 seconds/],
    ['for as long as it gets', ACCOUNT, { audiences: ['vault'] }, /at most 600 seconds/],
  ])('no token is granted %s', async (_, name, spec, says) => {
    expect(await mint(name, spec)).toMatch(says);
  });

  it('no token is granted in another namespace, by RBAC and by the policy', async () => {
    expect(await mint('default', good, namespace)).toMatch(/forbidden/);
    const role = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
    await p.k.apply(
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'too-much', namespace },
        rules: [role],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'too-much', namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'too-much' },
        subjects: [{ kind: 'ServiceAccount', name: 'fairlead-controller', namespace: SYSTEM }],
      },
    );
    await until('the right to arrive', async () =>
      (await mint('default', good, namespace)).includes(
        'only be made of ServiceAccounts in the system namespace',
      ),
    );
  });

  it('it may neither read another Secret nor change a ServiceAccount', async () => {
    const own = kube({ ...p.cluster, kubeconfig, tool: (name: string) => p.cluster.tool(name) });
    expect(await own.refused(['annotate', 'serviceaccount', ACCOUNT, '-n', SYSTEM, 'a=b'])).toMatch(
      /forbidden/i,
    );
    expect(await own.refused(['get', 'serviceaccounts', '-n', namespace])).toMatch(/forbidden/i);
  });
});
