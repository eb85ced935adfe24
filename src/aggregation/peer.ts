import type { X509Certificate } from 'node:crypto';
import type { RequestHeaderConfig } from './request-header.ts';

/** Extended key usages, by which Node lists them. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';
/** From the certificate to an authority. */
const MAX_CHAIN = 4;

/**
 * Why a client's certificate is not that of a front proxy; undefined if it is. The TLS layer has verified it when the
 * connection was made: this looks again, since authorities are taken away while connections last, and adds what TLS
 * does not ask for. Short texts of ours.
 */
export function peerProblem(
  peer: X509Certificate | undefined,
  { authorities, allowedNames }: RequestHeaderConfig,
  now: Date,
): string | undefined {
  if (!peer) return 'no client certificate of the front proxy';
  if (!isTrusted(peer, authorities, now)) return 'the client certificate is not of the front proxy authority';
  if (!isForClients(peer)) return 'the client certificate is not for clients';
  const name = commonName(peer);
  if (name === undefined || !allowedNames.has(name))
    return 'the name of the client certificate is not allowed';
  return undefined;
}

function isTrusted(peer: X509Certificate, authorities: readonly X509Certificate[], now: Date): boolean {
  let link: X509Certificate | undefined = peer;
  for (let depth = 0; link && depth < MAX_CHAIN; depth++) {
    const at: X509Certificate = link;
    if (!isValidAt(at, now) || (depth > 0 && !at.ca)) return false;
    if (authorities.some((ca) => isValidAt(ca, now) && isIssuedBy(at, ca))) return true;
    const issuer: X509Certificate | undefined = at.issuerCertificate;
    link = issuer && isIssuedBy(at, issuer) ? issuer : undefined;
  }
  return false;
}

function isIssuedBy(leaf: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
  } catch {
    // A key of a kind that the signature cannot be of.
    return false;
  }
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate;
}

/** As kube-apiserver has it: a certificate that names no usage is for every one. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes(CLIENT_AUTH) || keyUsage.includes(ANY_USAGE);
}

/** Undefined if there is none, or more than one: then which one counts is anybody's guess. */
function commonName(peer: X509Certificate): string | undefined {
  const { CN } = peer.toLegacyObject().subject as { readonly CN?: unknown };
  return typeof CN === 'string' && CN !== '' ? CN : undefined;
}
