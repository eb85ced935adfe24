import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3_600_000;

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Issued {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  readonly usage: readonly ('server' | 'client')[];
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
}

export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(commonName),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys, ...(await pem(certificate, keys)) };
}

export async function issue(authority: Authority, subject: Subject): Promise<Issued> {
  const keys = await newKeys();
  const names: x509.JsonGeneralNames = [
    ...(subject.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(subject.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    ...common(subject.commonName, subject.organization),
    issuer: authority.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(
        subject.usage.map((usage) => x509.ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth']),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return pem(certificate, keys);
}

/** The names that a cluster's files have below `pki/`, each with `.crt` and `.key`. */
export const pkiFile = (dir: string, name: string): string => join(dir, 'pki', name);
export const readPki = (dir: string, name: string): Issued => ({
  cert: readFileSync(pkiFile(dir, `${name}.crt`), 'utf8'),
  key: readFileSync(pkiFile(dir, `${name}.key`), 'utf8'),
});

/**
 * Three authorities, so that a certificate for one purpose is worth nothing for another: the cluster's, etcd's,
 * and the one for the aggregation layer (whoever has a certificate of that may speak for any user).
 */
export async function ensureClusterPki(
  dir: string,
  node: { name: string; address: string; serviceAddress: string },
): Promise<void> {
  if (existsSync(pkiFile(dir, 'complete'))) return;
  mkdirSync(join(dir, 'pki'), { recursive: true, mode: 0o700 });
  const [cluster, etcd, frontProxy] = (await Promise.all(
    ['fairlead-cluster', 'fairlead-etcd', 'fairlead-front-proxy'].map(createAuthority),
  )) as [Authority, Authority, Authority];
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const local = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };
  const client = (commonName: string, organization?: string): Subject => ({
    commonName,
    usage: ['client'],
    ...(organization !== undefined && { organization }),
  });

  save(dir, 'ca', cluster);
  save(dir, 'etcd-ca', etcd);
  save(dir, 'front-proxy-ca', frontProxy);
  const wanted: readonly (readonly [file: string, by: Authority, subject: Subject])[] = [
    ['etcd', etcd, { commonName: 'etcd', usage: ['server', 'client'], ...local }],
    ['apiserver-etcd-client', etcd, client('kube-apiserver')],
    ['front-proxy-client', frontProxy, client('front-proxy-client')],
    [
      'apiserver',
      cluster,
      {
        commonName: 'kube-apiserver',
        usage: ['server'],
        dns: [...local.dns, ...service, `${service[2]}.cluster.local`],
        ips: [...local.ips, node.serviceAddress, node.address],
      },
    ],
    ['apiserver-kubelet-client', cluster, client('kube-apiserver-kubelet-client', 'system:masters')],
    ['admin', cluster, client('fairlead-admin', 'system:masters')],
    ['controller-manager', cluster, client('system:kube-controller-manager')],
    ['scheduler', cluster, client('system:kube-scheduler')],
    ['component-serving', cluster, { commonName: 'control-plane', usage: ['server'], ...local }],
    ['kubelet-client', cluster, client(`system:node:${node.name}`, 'system:nodes')],
    [
      'kubelet',
      cluster,
      { commonName: `system:node:${node.name}`, usage: ['server'], dns: [node.name], ips: [node.address] },
    ],
  ];
  await Promise.all(wanted.map(async ([file, by, subject]) => save(dir, file, await issue(by, subject))));

  // RSA: what Kubernetes distributions use for ServiceAccount tokens, so what token consumers are tested with.
  const tokens = generateKeyPairSync('rsa', { modulusLength: 2048 });
  save(dir, 'service-accounts', {
    cert: tokens.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    key: tokens.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  });
  writeFileSync(pkiFile(dir, 'complete'), '', { mode: 0o600 });
}

function save(dir: string, name: string, { cert, key }: Issued): void {
  writeFileSync(pkiFile(dir, `${name}.crt`), cert, { mode: 0o600 });
  writeFileSync(pkiFile(dir, `${name}.key`), key, { mode: 0o600 });
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function common(commonName: string, organization?: string) {
  const name = [{ CN: [commonName] }, ...(organization === undefined ? [] : [{ O: [organization] }])];
  return {
    // Without a leading zero byte or a sign bit, which some parsers refuse.
    serialNumber: `4${randomBytes(15).toString('hex').slice(1)}`,
    name,
    subject: name,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 5 * 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
  };
}

async function pem(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Issued> {
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`,
  };
}
