import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureClusterPki, readPki } from './pki.ts';

describe("the cluster's certificates", () => {
  let dir: string;
  const node = { name: 'node-a', address: '10.144.5.1', serviceAddress: '10.96.0.1' };
  const certificate = (name: string): X509Certificate => new X509Certificate(readPki(dir, name).cert);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-pki-'));
    await ensureClusterPki(dir, node);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('can be read by their owner alone', () => {
    expect(statSync(join(dir, 'pki')).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(dir, 'pki')))
      expect(statSync(join(dir, 'pki', name)).mode & 0o777).toBe(0o600);
  });

  it('name the API server as clients, pods and the node reach it', () => {
    const server = certificate('apiserver');
    expect(server.checkHost('kubernetes.default.svc')).toBeDefined();
    expect(server.checkHost('localhost')).toBeDefined();
    for (const address of ['127.0.0.1', node.address, node.serviceAddress])
      expect(server.checkIP(address)).toBeDefined();
  });

  it('stand for Kubernetes identities by their subjects', () => {
    expect(certificate('admin').subject).toMatch(/O=system:masters/);
    expect(certificate('kubelet-client').subject).toBe('CN=system:node:node-a\nO=system:nodes');
    expect(certificate('controller-manager').subject).toBe('CN=system:kube-controller-manager');
  });

  it.each([
    ['apiserver', 'ca'],
    ['admin', 'ca'],
    ['etcd', 'etcd-ca'],
    ['apiserver-etcd-client', 'etcd-ca'],
    ['front-proxy-client', 'front-proxy-ca'],
  ])('%s is signed by %s and by no other authority', (name, signer) => {
    const leaf = certificate(name);
    for (const authority of ['ca', 'etcd-ca', 'front-proxy-ca']) {
      const signed =
        leaf.checkIssued(certificate(authority)) && leaf.verify(certificate(authority).publicKey);
      expect(signed).toBe(authority === signer);
    }
    expect(leaf.checkPrivateKey(createPrivateKey(readPki(dir, name).key))).toBe(true);
  });

  it('stay the same at the next start', async () => {
    const before = certificate('ca').fingerprint256;
    await ensureClusterPki(dir, node);
    expect(certificate('ca').fingerprint256).toBe(before);
  });
});
