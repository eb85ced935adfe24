import 'reflect-metadata';
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createAuthority, issue } from '../../../hack/cluster/pki.ts';
import { HOST, secret } from '../../../test/support/vault-integration.ts';
import type { VaultTls } from '../../api/vault-auth.ts';
import type { CredentialsSecret, SystemObjects } from './credentials.ts';
import { secureContext, tlsMaterial } from './tls.ts';

const authority = await createAuthority('vault-ca');
const { cert: ca } = authority;
const { cert: otherCa } = await createAuthority('other-ca');
const client = await issue(authority, { commonName: 'fairlead', usage: ['client'] });
const other = await issue(authority, { commonName: 'other', usage: ['client'] });
const weak = await shortRsa();
const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** A certificate whose key has 1024 bits, which OpenSSL takes for nothing. */
async function shortRsa(): Promise<{ cert: string; key: string }> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=weak',
    keys,
    signingAlgorithm: algorithm,
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: made.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
}

const binding = { origin: HOST, bundle: undefined };
const clientSecret = (data: Record<string, string>, changes: object = {}) =>
  secret({ data, type: 'kubernetes.io/tls', ...changes });

function material(tls: VaultTls | undefined, found?: CredentialsSecret, configMap?: Record<string, string>) {
  const objects: SystemObjects = {
    secret: (name) => (name === 'vault-tls' ? found : undefined),
    configMap: (name) => (name === 'vault-ca' && configMap ? { data: configMap } : undefined),
    serviceAccount: () => undefined,
  };
  return tlsMaterial(tls, objects, binding);
}

const fromSecret = { caSecretRef: { name: 'vault-tls' } };
const fromConfigMap = { caConfigMapRef: { name: 'vault-ca' } };
const asClient = { clientCertSecretRef: { name: 'vault-tls' } };

describe('the CA', () => {
  const rows: Record<string, [given: ReturnType<typeof material>, expected: object]> = {
    'is that of the system if nothing is said': [material(undefined), {}],
    'is that of the system if nothing is said of it': [material({}), {}],
    'can be in the integration': [material({ caBundle: ca }), { ca }],
    'can be several with words between them': [
      material({ caBundle: `# ours\n${otherCa}\n# theirs\n${ca}` }),
      { ca: `# ours\n${otherCa}\n# theirs\n${ca}` },
    ],
    'can be in a Secret of credentials': [
      material(fromSecret, secret({ data: { 'ca.crt': ca } })),
      { ca: ca.trim() },
    ],
    'can be in a Secret of certificates': [
      material(fromSecret, clientSecret({ 'ca.crt': ca })),
      { ca: ca.trim() },
    ],
    'can be in another key of a Secret': [
      material({ caSecretRef: { name: 'vault-tls', key: 'root' } }, secret({ data: { root: ca } })),
      { ca: ca.trim() },
    ],
    'can be in a ConfigMap': [material(fromConfigMap, undefined, { 'ca.crt': ca }), { ca }],
    'can be in another key of a ConfigMap': [
      material({ caConfigMapRef: { name: 'vault-ca', key: 'root' } }, undefined, { root: ca }),
      { ca },
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [given, expected]) => {
    expect(given).toEqual('ca' in expected ? { ...expected, caId: expect.any(String) as string } : expected);
  });

  const refused: Record<string, [given: ReturnType<typeof material>, reason: string, message: string]> = {
    'must be a certificate': [
      material({ caBundle: 'hello' }),
      'TLSVerificationFailed',
      'spec.tls.caBundle holds no certificate, or one that cannot be read: write PEM certificates into it',
    ],
    'must be one that can be read': [
      material({ caBundle: broken }),
      'TLSVerificationFailed',
      'spec.tls.caBundle holds no certificate',
    ],
    'must be one that can be read, all of them': [
      material({ caBundle: `${ca}${broken}` }),
      'TLSVerificationFailed',
      'spec.tls.caBundle holds no certificate',
    ],
    'must not be empty': [material({ caBundle: '' }), 'TLSVerificationFailed', 'spec.tls.caBundle'],
    'must be a certificate in a Secret, too': [
      material(fromSecret, secret({ data: { 'ca.crt': 'planted' } })),
      'TLSVerificationFailed',
      'key ca.crt of Secret vault-tls holds no certificate',
    ],
    'must be a certificate in a ConfigMap, too': [
      material(fromConfigMap, undefined, { 'ca.crt': 'planted' }),
      'TLSVerificationFailed',
      'key ca.crt of ConfigMap vault-ca holds no certificate',
    ],
    'is missing if the Secret is': [
      material(fromSecret),
      'CredentialsMissing',
      'there is no Secret vault-tls of type fairlead.dev/vault-credentials or kubernetes.io/tls',
    ],
    'is missing if the key of the Secret is': [
      material(fromSecret, secret({ data: { other: ca } })),
      'CredentialsMissing',
      'Secret vault-tls has no key "ca.crt", or it is empty',
    ],
    'is missing if the ConfigMap is': [
      material(fromConfigMap),
      'TLSVerificationFailed',
      'there is no ConfigMap vault-ca with certificates in its key ca.crt in the system namespace',
    ],
    'is missing if the key of the ConfigMap is': [
      material(fromConfigMap, undefined, { other: ca }),
      'TLSVerificationFailed',
      'there is no ConfigMap vault-ca with certificates in its key ca.crt',
    ],
    'is missing if the key is one that objects have by birth': [
      material({ caConfigMapRef: { name: 'vault-ca', key: 'constructor' } }, undefined, {}),
      'TLSVerificationFailed',
      'there is no ConfigMap vault-ca',
    ],
    'must be in a Secret of the right type': [
      material(fromSecret, secret({ data: { 'ca.crt': ca }, type: 'Opaque' })),
      'CredentialsRefused',
      'Secret vault-tls must be of type fairlead.dev/vault-credentials or kubernetes.io/tls',
    ],
    'must be in a Secret for this host': [
      material(fromSecret, secret({ data: { 'ca.crt': ca }, host: 'https://other' })),
      'CredentialsRefused',
      'annotation fairlead.dev/vault-host of Secret vault-tls must be',
    ],
    'must be in a Secret of this bundle': [
      material(fromSecret, secret({ data: { 'ca.crt': ca }, bundle: 'finance' })),
      'CredentialsRefused',
      'Secret vault-tls must have no annotation fairlead.dev/resource-bundle',
    ],
  };
  it.each(Object.entries(refused))('%s', (_, [given, reason, message]) => {
    expect(given).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(inspect(given)).not.toContain('planted');
  });
});

describe('the client certificate', () => {
  const pair = { 'tls.crt': client.cert, 'tls.key': client.key };

  it.each([
    ['of certificates', clientSecret(pair)],
    ['of credentials', secret({ data: pair })],
  ])('is a pair in a Secret %s', (_, found) => {
    const made = material(asClient, found);
    expect(made).toMatchObject({ client: { certificate: client.cert.trim() } });
    expect('client' in made && made.client?.key.reveal()).toBe(client.key.trim());
  });

  it('may be in the same Secret as the CA', () => {
    const made = material({ ...fromSecret, ...asClient }, clientSecret({ ...pair, 'ca.crt': ca }));
    expect(made).toMatchObject({ ca: ca.trim(), client: { certificate: client.cert.trim() } });
  });

  it('shows no key when it is printed', () => {
    const made = material(asClient, clientSecret(pair));
    const [, line = ''] = client.key.split('\n');
    expect(line.length).toBeGreaterThan(20);
    expect(inspect(made, { depth: Infinity, showHidden: true }) + JSON.stringify(made)).not.toContain(line);
  });

  const notAPair =
    'Secret vault-tls must hold a PEM certificate in tls.crt and its unencrypted private key, of a length that OpenSSL takes, in tls.key';
  const refused: Record<string, [found: CredentialsSecret | undefined, reason: string, message: string]> = {
    'must be there': [undefined, 'CredentialsMissing', 'there is no Secret vault-tls of type'],
    'must have its certificate': [
      clientSecret({ 'tls.key': client.key }),
      'CredentialsMissing',
      'Secret vault-tls has no key "tls.crt"',
    ],
    'must have its key': [
      clientSecret({ 'tls.crt': client.cert }),
      'CredentialsMissing',
      'Secret vault-tls has no key "tls.key"',
    ],
    'must not have the key of another': [
      clientSecret({ 'tls.crt': client.cert, 'tls.key': other.key }),
      'CredentialsRefused',
      notAPair,
    ],
    'must be a certificate': [
      clientSecret({ 'tls.crt': 'planted', 'tls.key': client.key }),
      'CredentialsRefused',
      notAPair,
    ],
    'must have a key that can be read': [
      clientSecret({ 'tls.crt': client.cert, 'tls.key': 'planted' }),
      'CredentialsRefused',
      notAPair,
    ],
    'must not have a key that is too short': [
      clientSecret({ 'tls.crt': weak.cert, 'tls.key': weak.key }),
      'CredentialsRefused',
      notAPair,
    ],
    'must be for this host': [
      clientSecret(pair, { host: 'https://other' }),
      'CredentialsRefused',
      'annotation fairlead.dev/vault-host of Secret vault-tls must be',
    ],
    'must be text': [
      clientSecret({ 'tls.crt': `${client.cert}\0`, 'tls.key': client.key }),
      'CredentialsRefused',
      'key "tls.crt" of Secret vault-tls holds characters that no credential has',
    ],
  };
  it.each(Object.entries(refused))('%s', (_, [found, reason, message]) => {
    const made = material(asClient, found);
    expect(made).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(inspect(made)).not.toMatch(/planted|BEGIN/);
  });
});

describe('what OpenSSL gets', () => {
  it.each([
    ['the CAs of the system', undefined],
    ['a CA', { caBundle: ca }],
    ['a CA and a client certificate', { caBundle: ca, ...asClient }],
  ])('can be made of %s', (_, tls) => {
    const made = material(tls, clientSecret({ 'tls.crt': client.cert, 'tls.key': client.key }));
    if ('reason' in made) throw new Error(made.message);
    expect(secureContext(made)).toHaveProperty('context');
  });
});
