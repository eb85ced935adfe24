// @peculiar/x509 needs it to be loaded first.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';

/** A certificate and its key, both PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Period {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Names {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };
const { subtle } = webcrypto;
type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

/** A new CA that may sign servers' certificates and nothing below it. */
export async function createAuthority(period: Period): Promise<Pair> {
  const keys = await generateKeys();
  const serialNumber = serial();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...period,
    serialNumber,
    // A name of its own: verifiers look for a CA by name, and two of them are trusted while one takes over.
    name: `CN=fairlead CA ${serialNumber.slice(0, 8)}`,
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await exportKey(keys.privateKey) };
}

/** A server's certificate for these names, signed by a CA made by createAuthority. */
export async function createLeaf(authority: Pair, names: Names, period: Period): Promise<Pair> {
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(authority.cert);
  const cert = await x509.X509CertificateGenerator.create({
    ...period,
    serialNumber: serial(),
    subject: 'CN=fairlead',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...names.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await exportKey(keys.privateKey) };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = await subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag)}\n`;
}

/** Through node:crypto, which also reads keys in the older EC PRIVATE KEY form. */
async function importKey(key: string): Promise<CryptoKey> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

/** 16 random bytes as a positive integer whose first byte is not zero (RFC 5280: at most 20 bytes). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function pem(cert: x509.X509Certificate): string {
  return `${cert.toString('pem')}\n`;
}
