import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPolicy } from '../../hack/vault-admin.ts';
import { until } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { loginSecret, settled, vaultIntegration } from '../support/vault-product.ts';
import { startTlsLab, type TlsLab } from '../support/vault-tls.ts';

/** What the status of a VaultIntegration says, with the whole of Fairlead and real servers. */

let p: Platform;
let lab: TlsLab;
let host: string;
let namespace: string;
const made: [kind: string, name: string][] = [];

beforeAll(async () => {
  lab = await startTlsLab('vault-status');
  await lab.admin('POST', 'secret/data/app', { data: { a: 'over mTLS' } });
  p = await platform('vault-status', { vaultHost: lab.bao.address });
  host = p.vault.address;
  namespace = await p.namespace('status');
  for (const mount of ['vs-team/data', 'vs-old']) {
    const version = mount === 'vs-old' ? '1' : '2';
    await p.vault.call('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version } });
  }
  await until('the mount to take writes', writes);
});
afterAll(async () => {
  for (const [kind, name] of made) await p.k.remove(kind, SYSTEM, name);
  for (const mount of ['vs-team/data', 'vs-old']) await p.vault.call('DELETE', `sys/mounts/${mount}`);
  await p?.stop();
  await lab?.close();
});

async function writes(): Promise<boolean> {
  return p.vault.put('vs-team/data/data/shared/one', { a: 'one', b: 'two' }).then(
    () => true,
    () => false,
  );
}

/** An integration with an AppRole of its own, whose policy is this. */
async function integration(name: string, path: string, hcl: string, spec: object = {}): Promise<void> {
  await p.vault.policy(name, hcl);
  const { roleId, secretId } = await p.vault.appRole(name, [name]);
  made.push(['vaultintegration', name], ['secret', name]);
  const appRole = { roleId, secretIdRef: { name, key: 'secretId' } };
  await p.k.apply(
    loginSecret(name, { host }, { secretId }),
    vaultIntegration(name, { host, path, auth: { appRole }, ...spec }),
  );
}

describe('the status of an integration', () => {
  it('shows mount and path as Vault understands them, what Vault it is, and the number of keys', async () => {
    const path = '/v1/vs-team/data/data/shared/one/';
    await integration('vs-plain', path, readPolicy('vs-team/data/data/shared/one'));
    expect(await settled(p, 'vs-plain', 'Connected')).toMatchObject({
      mount: 'vs-team/data',
      secretPath: 'shared/one',
      authMethod: 'appRole',
      vaultVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      keyCount: 2,
    });
  });

  it('is not written when nothing has changed', async () => {
    const version = async () =>
      (await p.k.get('vaultintegration', SYSTEM, 'vs-plain')).metadata.resourceVersion;
    const before = await version();
    // Each of these is a reason to look again.
    const { data } = await p.k.get('secret', SYSTEM, 'vs-plain');
    await p.k.run('annotate', 'secret', 'vs-plain', '-n', SYSTEM, 'a=b');
    const merge = JSON.stringify({ data: { ...data, more: 'eA==' } });
    await p.k.run('patch', 'secret', 'vs-plain', '-n', SYSTEM, '--type=merge', '-p', merge);
    await p.k.apply(reference('plain', namespace, { A: 'VAULT/vs-plain/a' }));
    await p.pod(namespace, 'plain', 'plain');
    await p.released(namespace, 'plain');
    expect(await version()).toBe(before);
  });

  it('of a folder is Connected with the number of entries, if the login may list', async () => {
    await p.vault.put('vs-team/data/data/shared/two', { a: 'two' });
    const may = 'path "vs-team/data/metadata/shared/*" { capabilities = ["list"] }';
    await integration(
      'vs-folder',
      'vs-team/data/data/shared',
      `${readPolicy('vs-team/data/data/shared/*')}\n${may}`,
    );
    const { ready, ...status } = await settled(p, 'vs-folder', 'Connected');
    expect(ready.message).toBe(
      `a folder with 2 entries at ${host}/v1/vs-team/data/data/shared; references name a secret in it with secret.path`,
    );
    expect(status).toMatchObject({ mount: 'vs-team/data', secretPath: 'shared', authMethod: 'appRole' });
    expect(status.keyCount).toBeUndefined();
    const manifest = reference('folder', namespace, { A: 'VAULT/vs-folder/a' }) as {
      spec: { env: object[] };
    };
    const secret = { key: 'a', path: 'two', source: { type: 'VAULT', id: 'vs-folder' } };
    await p.k.apply({ ...manifest, spec: { env: [{ name: 'A', secret }] } });
    await p.pod(namespace, 'folder', 'folder');
    await p.released(namespace, 'folder');
    expect(await p.delivered(namespace, 'folder')).toEqual({ A: 'two' });
  });

  it('of a folder that may not be listed is PermissionDenied, and says which right is missing', async () => {
    await integration('vs-closed', 'vs-team/data/data/shared', readPolicy('vs-team/data/data/shared/*'));
    const { ready } = await settled(p, 'vs-closed', 'PermissionDenied');
    expect(ready.message).toMatch(
      /grant it `read` on this path.*vs-team\/data\/data\/shared answered HTTP 403/,
    );
  });

  it('of KV version 1 is NotKVv2, and says what it is', async () => {
    await p.vault.call('POST', 'vs-old/data/app', { a: 'b' });
    await integration('vs-old', 'vs-old/data/app', readPolicy('vs-old/*'));
    const { ready } = await settled(p, 'vs-old', 'NotKVv2');
    expect(ready.message).toContain('"vs-old" is a KV version 1 engine');
  });

  it('names the login that works, and why those before it do not', async () => {
    await integration('vs-many', 'vs-team/data/data/shared/one', readPolicy('vs-team/data/data/shared/one'));
    const { spec } = await p.k.get('vaultintegration', SYSTEM, 'vs-many');
    const jwt = { role: 'app', mountPath: 'vs-nowhere', secretRef: { name: 'vs-jwt', key: 'jwt' } };
    const kubernetes = { role: 'app', serviceAccountRef: { name: 'vs-missing' }, audiences: ['vault'] };
    made.push(['secret', 'vs-jwt']);
    await p.k.apply(
      loginSecret('vs-jwt', { host }, { jwt: 'planted-jwt' }),
      vaultIntegration('vs-many', { ...spec, auth: { ...spec.auth, jwt, kubernetes } }),
    );
    const { ready, authMethod } = await settled(p, 'vs-many', 'Connected');
    expect(authMethod).toBe('appRole');
    expect(ready.message).toMatch(
      /^2 keys at .*; logged in with appRole, not with kubernetes: there is no ServiceAccount vs-missing.*; jwt: there is no JWT login at this mount/,
    );
    expect(ready.message).not.toContain('planted');
  });
});

describe('a Vault that wants client certificates', () => {
  it('is read with a CA from a ConfigMap and a certificate of cert-manager, and each change counts at once', async () => {
    const { bao } = lab;
    const bound = { host: bao.address };
    const ca = (text: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'vs-ca', namespace: SYSTEM },
      data: { 'ca.crt': text },
    });
    const client = ({ cert, key }: TlsLab['client']) =>
      loginSecret('vs-client', bound, { 'tls.crt': cert, 'tls.key': key }, 'kubernetes.io/tls');
    made.push(
      ['vaultintegration', 'vs-mtls'],
      ['configmap', 'vs-ca'],
      ['secret', 'vs-client'],
      ['secret', 'vs-mtls'],
    );
    await p.k.apply(
      ca(lab.otherCa),
      client(lab.client),
      loginSecret('vs-mtls', bound, { token: bao.rootToken }),
      vaultIntegration('vs-mtls', {
        host: bao.address,
        path: 'secret/data/app',
        auth: { token: { secretRef: { name: 'vs-mtls', key: 'token' } } },
        tls: { caConfigMapRef: { name: 'vs-ca' }, clientCertSecretRef: { name: 'vs-client' } },
      }),
      reference('mtls', namespace, { A: 'VAULT/vs-mtls/a' }),
    );
    await p.pod(namespace, 'mtls', 'mtls');
    await p.waits(namespace, 'mtls', 'TLSVerificationFailed');
    await p.k.apply(ca(lab.ca));
    await p.released(namespace, 'mtls');
    expect(await p.delivered(namespace, 'mtls')).toEqual({ A: 'over mTLS' });
    await settled(p, 'vs-mtls', 'Connected');
    await p.k.apply(client(lab.stranger));
    await settled(p, 'vs-mtls', 'Unreachable');
    await p.k.apply(client(lab.client));
    await settled(p, 'vs-mtls', 'Connected');
    await p.k.run('annotate', 'secret', 'vs-client', '-n', SYSTEM, '--overwrite', 'fairlead.dev/vault-host-');
    const { ready } = await settled(p, 'vs-mtls', 'CredentialsRefused');
    expect(ready.message).toContain('annotation fairlead.dev/vault-host of Secret vs-client must be');
  });
});
