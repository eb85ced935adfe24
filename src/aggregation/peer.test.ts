// @peculiar/x509 needs it to be loaded first.
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issue, type Authority, type Issued } from '../../hack/cluster/pki.ts';
import { peerProblem } from './peer.ts';
import type { RequestHeaderConfig } from './request-header.ts';

const NAME = 'front-proxy-client';
const DAY = 86_400_000;
const now = new Date();
let authority: Authority;
let other: Authority;
const made = new Map<string, X509Certificate>();

/** A certificate of the authority with just these extensions. */
async function custom(subject: string, extensions: x509.Extension[], days = 10): Promise<X509Certificate> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const cert = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: '01', subject, issuer: authority.certificate.subjectName },
    notBefore: new Date(now.getTime() - 20 * DAY),
    notAfter: new Date(now.getTime() + days * DAY),
    ...{ publicKey: keys.publicKey, signingKey: authority.keys.privateKey as never },
    ...{ signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' }, extensions },
  });
  return new X509Certificate(cert.toString('pem'));
}
const usages = (...list: string[]) => [new x509.ExtendedKeyUsageExtension(list)];
const CLIENT = x509.ExtendedKeyUsage.clientAuth;

beforeAll(async () => {
  authority = await createAuthority('front-proxy');
  // The same name, another key.
  other = await createAuthority('front-proxy');
  const parse = ({ cert }: Issued) => new X509Certificate(cert);
  const of = async (by: Authority, commonName: string, usage: 'client' | 'server') =>
    parse(await issue(by, { commonName, usage: [usage] }));
  made.set('the right one', await of(authority, NAME, 'client'));
  made.set('another authority', await of(other, NAME, 'client'));
  made.set('another name', await of(authority, 'somebody', 'client'));
  made.set('for servers', await of(authority, NAME, 'server'));
  made.set('for anything', await custom(`CN=${NAME}`, usages('2.5.29.37.0')));
  made.set('without usages', await custom(`CN=${NAME}`, []));
  made.set('without a name', await custom('O=x', usages(CLIENT)));
  made.set('with two names', await custom(`CN=${NAME},CN=other`, usages(CLIENT)));
  made.set('with the name as part', await custom(`CN=${NAME} x`, usages(CLIENT)));
  made.set('expired', await custom(`CN=${NAME}`, usages(CLIENT), -1));
  made.set('the authority itself', parse(authority));
});

const config = (more: Partial<RequestHeaderConfig> = {}): RequestHeaderConfig => ({
  ...{ ca: authority.cert, authorities: [new X509Certificate(authority.cert)] },
  allowedNames: new Set([NAME]),
  ...{ userHeaders: ['x-remote-user'], uidHeaders: [], groupHeaders: [], extraPrefixes: [] },
  ...more,
});

describe('a client certificate', () => {
  it.each(['the right one', 'for anything', 'without usages'])('is a front proxy’s: %s', (which) => {
    expect(peerProblem(made.get(which), config(), now)).toBeUndefined();
  });

  it.each([
    ['none', 'no client certificate'],
    ['another authority', 'not of the front proxy authority'],
    ['another name', 'is not allowed'],
    ['for servers', 'not for clients'],
    ['without a name', 'is not allowed'],
    ['with two names', 'is not allowed'],
    ['with the name as part', 'is not allowed'],
    ['expired', 'not of the front proxy authority'],
    ['the authority itself', 'is not allowed'],
  ])('is not: %s', (which, says) => {
    expect(peerProblem(made.get(which), config(), now)).toContain(says);
  });

  it('counts no longer once its authority does not', () => {
    const authorities = [new X509Certificate(other.cert)];
    expect(peerProblem(made.get('the right one'), config({ authorities }), now)).toContain('authority');
  });

  it('counts no longer once it or its authority has expired', () => {
    const later = new Date(new X509Certificate(authority.cert).validToDate.getTime() + DAY);
    expect(peerProblem(made.get('the right one'), config(), later)).toContain('authority');
  });
});
