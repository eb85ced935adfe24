/** The webhook's certificate is somebody else's work: what cert-manager and its cainjector do is done by this test. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue, type Authority } from '../../hack/cluster/pki.ts';
import { CERTIFICATE_SECRET, WEBHOOK_CONFIGURATION } from '../../src/api/names.ts';
import { cluster, kube, until, type Kube } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

let k: Kube;
let p: Platform;
let namespace: string;

/** Writes the Secret, as cert-manager does: `ca.crt` is in it, the CA's key is not. */
async function certify(authority: Authority): Promise<void> {
  const ips = [(await cluster()).hostAddress];
  const { cert, key } = await issue(authority, { commonName: 'webhook', usage: ['server'], ips });
  const data = { 'tls.crt': base64(cert), 'tls.key': base64(key), 'ca.crt': base64(authority.cert) };
  await k.apply({
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', data },
    metadata: { name: CERTIFICATE_SECRET, namespace: SYSTEM },
  });
}

async function inject(authority: Authority): Promise<void> {
  const { webhooks } = await k.get('mutatingwebhookconfiguration', '', WEBHOOK_CONFIGURATION);
  const patch = (webhooks as object[]).map((_, i) => ({
    ...{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value: base64(authority.cert) },
  }));
  const target = ['mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION];
  await k.run('patch', ...target, '--type=json', '-p', JSON.stringify(patch));
}

let first: Authority;
beforeAll(async () => {
  k = kube(await cluster());
  first = await createAuthority('first');
  await k.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } });
  // The type of a Secret is fixed.
  await k.remove('secret', SYSTEM, CERTIFICATE_SECRET);
  await certify(first);
  p = await platform('external', { flags: ['--manage-webhook-certificate', 'false'] });
  await inject(first);
  namespace = await p.namespace('external');
  await p.store('external', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/external/a' }));
});
afterAll(async () => {
  await p?.stop();
  await k?.remove('secret', SYSTEM, CERTIFICATE_SECRET);
});

describe("with a webhook's certificate of somebody else", () => {
  it('pods are admitted and get their secrets', async () => {
    await p.pod(namespace, 'one', 'warehouse');
    await p.released(namespace, 'one');
    expect(await p.delivered(namespace, 'one')).toEqual({ A: 'one' });
  });

  it('a new certificate of another authority is served, and Fairlead leaves both to whoever made them', async () => {
    const second = await createAuthority('second');
    await certify(second);
    await p.fairlead.syncCertificate();
    await inject(second);
    // The API server asks with the new authority only: another pod says whether it found the new certificate.
    await until('a pod that is admitted', async () => p.pod(namespace, 'two', 'warehouse'));
    await p.released(namespace, 'two');
    const { data } = await k.get('secret', SYSTEM, CERTIFICATE_SECRET);
    expect(data['ca.crt']).toBe(base64(second.cert));
    const { webhooks } = await k.get('mutatingwebhookconfiguration', '', WEBHOOK_CONFIGURATION);
    for (const { clientConfig } of webhooks) expect(clientConfig.caBundle).toBe(base64(second.cert));
  });
});
