import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { createAuthority, createLeaf, type Names } from './x509.ts';

/** All PEM. `caCert` is what clients trust: the CA that signs now first, behind it those that are on their way out. */
export interface CertificateBundle {
  readonly caCert: string;
  readonly caKey: string;
  readonly cert: string;
  readonly key: string;
}

/** What nobody can issue a certificate for. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'InvalidName';
}

export interface IssueOptions extends Names {
  readonly now: Date;
  readonly caDays?: number;
  readonly leafDays?: number;
  /** What was issued before, in whatever state: its CA goes on if it can, and stays trusted if it cannot. */
  readonly previous?: CertificateBundle | undefined;
}

const DAY = 86_400_000;
/** Clocks differ: a certificate is valid a little before it is made. */
const SKEW = 3_600_000;
const MAX_AUTHORITIES = 4;
const DNS_NAME = /^(\*\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/i;

/** The names that a webhook is called by through its Service, and others that were asked for. */
export function servingNames(service: string, namespace: string, others: readonly string[] = []): Names {
  const own = [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
  const ipAddresses = others.filter((name) => isIP(name) !== 0);
  const dnsNames = [...own, ...others.filter((name) => isIP(name) === 0)];
  return { dnsNames: [...new Set(dnsNames)], ipAddresses: [...new Set(ipAddresses)] };
}

/**
 * A new serving certificate. The CA of `previous` signs it while more than a third of its life is left; otherwise
 * a new CA does, and the old one stays in `caCert` for as long as a certificate of its may still be served.
 * Throws CertificateError if a name cannot be put into a certificate.
 */
export async function issue(options: IssueOptions): Promise<CertificateBundle> {
  const { dnsNames, ipAddresses, now, caDays = 3650, leafDays = 90, previous } = options;
  checkNames(options);
  const notBefore = new Date(now.getTime() - SKEW);
  const after = (days: number) => new Date(now.getTime() + days * DAY);
  const known = previous ? authorities(previous.caCert) : [];
  const current = known[0];
  const goesOn = previous && current && canSign(current, previous.caKey, now);
  const authority = goesOn
    ? { cert: pem(current), key: previous.caKey }
    : await createAuthority({ notBefore, notAfter: after(caDays) });
  // Certificates of an older CA were made before the current one was; they are gone when they have expired.
  const olderGone = goesOn && now.getTime() > current.validFromDate.getTime() + SKEW + leafDays * DAY;
  const older = (goesOn ? known.slice(1) : known).filter((ca) => !olderGone && ca.validToDate > now);

  const authorityEnd = new X509Certificate(authority.cert).validToDate;
  const notAfter = new Date(Math.min(after(leafDays).getTime(), authorityEnd.getTime()));
  const leaf = await createLeaf(authority, { dnsNames, ipAddresses }, { notBefore, notAfter });
  return {
    caCert: [authority.cert, ...older.slice(0, MAX_AUTHORITIES - 1).map(pem)].join(''),
    caKey: authority.key,
    cert: leaf.cert,
    key: leaf.key,
  };
}

/** Whether it is time to issue anew: the certificate or its CA has used up two thirds of its life, or is not yet valid. */
export function renewalDue(bundle: CertificateBundle, now: Date): boolean {
  const leaf = certificate(bundle.cert);
  const authority = authorities(bundle.caCert)[0];
  return !leaf || !authority || lifeLeft(leaf, now) <= 1 / 3 || lifeLeft(authority, now) <= 1 / 3;
}

/** Why a bundle has to be issued anew. */
export type BundleFault =
  | 'Missing'
  | 'Malformed'
  | 'KeyMismatch'
  | 'CaKeyMismatch'
  | 'Untrusted'
  | 'NotForServers'
  | 'NamesMissing'
  | 'Expired';

export type ParsedBundle =
  | { readonly kind: 'valid'; readonly bundle: CertificateBundle }
  | {
      readonly kind: 'invalid';
      readonly code: BundleFault;
      /** To be handed to `issue`, so that what clients trust today stays trusted while they change over. */
      readonly previous?: CertificateBundle;
    };

/** The keys of a Secret of type kubernetes.io/tls that hold a bundle, in base64. */
export function secretData(
  bundle: CertificateBundle,
): Record<'tls.crt' | 'tls.key' | 'ca.crt' | 'ca.key', string> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    'tls.crt': base64(bundle.cert),
    'tls.key': base64(bundle.key),
    'ca.crt': base64(bundle.caCert),
    'ca.key': base64(bundle.caKey),
  };
}

/** Reads what secretData wrote, and checks that it can be served under these names now. Never throws. */
export function parseBundle(
  data: Readonly<Record<string, string | undefined>>,
  wanted: Names & { readonly now: Date },
): ParsedBundle {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const bundle = {
    caCert: text('ca.crt'),
    caKey: text('ca.key'),
    cert: text('tls.crt'),
    key: text('tls.key'),
  };
  if (Object.values(bundle).every((part) => part === '')) return { kind: 'invalid', code: 'Missing' };
  const code = fault(bundle, wanted);
  return code === undefined ? { kind: 'valid', bundle } : { kind: 'invalid', code, previous: bundle };
}

function fault(bundle: CertificateBundle, wanted: Names & { readonly now: Date }): BundleFault | undefined {
  if (Object.values(bundle).includes('')) return 'Missing';
  const leaf = certificate(bundle.cert);
  const known = authorities(bundle.caCert);
  const [key, caKey] = [privateKey(bundle.key), privateKey(bundle.caKey)];
  const current = known[0];
  if (!leaf || !current || !key || !caKey) return 'Malformed';
  if (!leaf.checkPrivateKey(key)) return 'KeyMismatch';
  if (!current.checkPrivateKey(caKey)) return 'CaKeyMismatch';
  if (!known.some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey))) return 'Untrusted';
  if (!leaf.keyUsage?.includes(SERVER_AUTH)) return 'NotForServers';
  if (!covers(leaf, wanted)) return 'NamesMissing';
  return lifeLeft(leaf, wanted.now) <= 0 || lifeLeft(current, wanted.now) <= 0 ? 'Expired' : undefined;
}

/** The extended key usage serverAuth; Node calls the list keyUsage. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

function covers(leaf: X509Certificate, { dnsNames, ipAddresses }: Names): boolean {
  const exact = { wildcards: false, subject: 'never' } as const;
  return (
    dnsNames.every((name) => leaf.checkHost(name, exact) !== undefined) &&
    ipAddresses.every((address) => leaf.checkIP(address) !== undefined)
  );
}

function canSign(authority: X509Certificate, key: string, now: Date): boolean {
  const secret = privateKey(key);
  return (
    secret !== undefined &&
    secret.asymmetricKeyDetails?.namedCurve === 'prime256v1' &&
    authority.checkPrivateKey(secret) &&
    lifeLeft(authority, now) > 1 / 3
  );
}

/** What is left of a certificate's life, as a part of the whole; 0 if it is over or has not begun. */
function lifeLeft({ validFromDate, validToDate }: X509Certificate, now: Date): number {
  const [from, to, at] = [validFromDate.getTime(), validToDate.getTime(), now.getTime()];
  return at < from || at >= to ? 0 : (to - at) / (to - from);
}

/** The CA certificates of a PEM bundle; what is no CA certificate is left out. */
function authorities(bundle: string): readonly X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map(certificate).filter((parsed) => parsed?.ca === true) as X509Certificate[];
}

function certificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

function privateKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function pem(parsed: X509Certificate): string {
  return parsed.toString();
}

function checkNames({ dnsNames, ipAddresses }: Names): void {
  if (dnsNames.length + ipAddresses.length === 0) throw new CertificateError('a certificate needs a name');
  const dnsName = dnsNames.find((name) => name.length > 253 || !DNS_NAME.test(name));
  if (dnsName !== undefined) throw new CertificateError(`${JSON.stringify(dnsName)} is not a DNS name`);
  const address = ipAddresses.find((name) => isIP(name) === 0);
  if (address !== undefined) throw new CertificateError(`${JSON.stringify(address)} is not an IP address`);
}
