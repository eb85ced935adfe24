import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { CREDENTIALS_TYPE } from '../../api/names.ts';
import type { VaultTls } from '../../api/vault-auth.ts';
import {
  credential,
  isRefusal,
  LINES,
  own,
  TLS_TYPE,
  type Binding,
  type Refusal,
  type SystemObjects,
} from './credentials.ts';
import { fingerprint, type Hidden } from './hidden.ts';

/** Whom a connection trusts, and who it says it is. */
export interface TlsMaterial {
  /** PEM; absent: the system's CAs. */
  readonly ca?: string;
  /** One name for the PEM, since it is long and compared often. */
  readonly caId?: string;
  readonly client?: { readonly certificate: string; readonly key: Hidden };
}

const TYPES = [CREDENTIALS_TYPE, TLS_TYPE];
const DEFAULT_KEY = 'ca.crt';

/** The certificates that `spec.tls` names, or why they cannot be used. */
export function tlsMaterial(
  spec: VaultTls | undefined,
  objects: SystemObjects,
  binding: Binding,
): TlsMaterial | Refusal {
  if (!spec) return {};
  const ca = certificateAuthority(spec, objects, binding);
  if (isRefusal(ca)) return ca;
  const client = clientCertificate(spec, objects, binding);
  if (isRefusal(client)) return client;
  return { ...ca, ...(client && { client }) };
}

type Authority = Pick<TlsMaterial, 'ca' | 'caId'>;

function certificateAuthority(
  { caBundle, caSecretRef, caConfigMapRef }: VaultTls,
  objects: SystemObjects,
  binding: Binding,
): Authority | undefined | Refusal {
  if (caBundle !== undefined) return checked(caBundle, 'spec.tls.caBundle');
  if (caSecretRef) {
    const { name, key = DEFAULT_KEY } = caSecretRef;
    const found = credential({ name, key }, objects, binding, { charset: LINES, types: TYPES });
    return isRefusal(found) ? found : checked(found.value.reveal(), `key ${key} of ${found.source}`);
  }
  if (!caConfigMapRef) return undefined;
  // Not bound to a host: whoever writes the integration could as well write the certificates into it.
  const { name, key = DEFAULT_KEY } = caConfigMapRef;
  const pem = own(objects.configMap(name)?.data ?? {}, key);
  if (pem !== undefined) return checked(pem, `key ${key} of ConfigMap ${name}`);
  const message = `there is no ConfigMap ${name} with certificates in its key ${key} in the system namespace`;
  return { reason: 'TLSVerificationFailed', message };
}

/** OpenSSL skips what it cannot read, and the error would then be about the server's certificate. */
function checked(pem: string, where: string): Authority | Refusal {
  const caId = authorities.get(pem, () => (isCertificates(pem) ? fingerprint([pem]) : undefined));
  if (caId !== undefined) return { ca: pem, caId };
  return {
    reason: 'TLSVerificationFailed',
    message: `${where} holds no certificate, or one that cannot be read: write PEM certificates into it`,
  };
}

function isCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).subject !== undefined);
  } catch {
    return false;
  }
}

/** Every pass of every pod asks, and a bundle of a hundred CAs takes 20 ms to read. */
class Memo<T> {
  static readonly #MAX = 64;
  readonly #known = new Map<string, T>();

  get(key: string, make: () => T): T {
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known as T;
    if (this.#known.size >= Memo.#MAX) this.#known.clear();
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}

const authorities = new Memo<string | undefined>();
/** By fingerprints: keys are not kept here. */
const pairs = new Memo<boolean>();

function clientCertificate(
  { clientCertSecretRef }: VaultTls,
  objects: SystemObjects,
  binding: Binding,
): TlsMaterial['client'] | Refusal {
  if (!clientCertSecretRef) return undefined;
  const read = (key: string) =>
    credential({ name: clientCertSecretRef.name, key }, objects, binding, { charset: LINES, types: TYPES });
  const certificate = read('tls.crt');
  if (isRefusal(certificate)) return certificate;
  const key = read('tls.key');
  if (isRefusal(key)) return key;
  const [pem, secret] = [certificate.value.reveal(), key.value.reveal()];
  if (pairs.get(fingerprint([pem, secret]), () => isPair(pem, secret))) {
    return { certificate: pem, key: key.value };
  }
  return {
    reason: 'CredentialsRefused',
    message: `${certificate.source} must hold a PEM certificate in tls.crt and its unencrypted private key, of a length that OpenSSL takes, in tls.key`,
  };
}

/** OpenSSL has the last word: it refuses keys that are too short, for example. */
function isPair(certificate: string, key: string): boolean {
  try {
    createSecureContext({ cert: certificate, key });
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** What OpenSSL makes of it; throws nothing, since the material was checked. */
export function secureContext({ ca, client }: TlsMaterial): SecureContext {
  return createSecureContext({
    ca: ca ?? systemCertificates(),
    ...(client && { cert: client.certificate, key: client.key.reveal() }),
  });
}

let system: string[] | undefined;

/** The CAs of the image or the machine, as for any other program on it; where there are none, those of Node. */
function systemCertificates(): string[] {
  if (system) return system;
  const found = getCACertificates('system');
  system = found.length > 0 ? found : getCACertificates('bundled');
  return system;
}
