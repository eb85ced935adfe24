import type { PeerCertificate } from 'node:tls';

/** Who issued a certificate and until when it is good, in words; nothing of it is believed or complete. */
export function certificateWords(certificate: Partial<PeerCertificate>): string | undefined {
  const { issuer, valid_to: until } = certificate;
  if (!issuer) return undefined;
  const parts = [
    `the certificate was issued by ${shown(first(issuer.CN) ?? first(issuer.O) ?? '')}`,
    ...(until === undefined ? [] : day(until)),
  ];
  return parts.join(', ');
}

/** The names that a certificate is for, out of the error that says that it is not for this one. */
export function namesOf(error: unknown): string | undefined {
  const { cert } = error as { cert?: Partial<PeerCertificate> };
  const names = cert?.subjectaltname;
  return typeof names === 'string' ? `it is for ${shown(names)}` : undefined;
}

function day(text: string): readonly string[] {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? [] : [`good until ${at.toISOString().slice(0, 10)}`];
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** A server chooses this text: it is cut and escaped. */
function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
