import { BUNDLE_ANNOTATION, CREDENTIALS_TYPE, VAULT_HOST_ANNOTATION } from '../../api/names.ts';
import type { Reason } from '../../api/reasons.ts';
import type { SecretKeyRef } from '../../api/vault-auth.ts';
import { normalizeOrigin } from './address.ts';
import { fingerprint, Hidden } from './hidden.ts';

/** An object of the system namespace that says itself where it may be used. */
export interface BoundObject {
  readonly metadata?: {
    readonly uid?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
}

/** A Secret as far as credentials are concerned; `data` is base64. */
export interface CredentialsSecret extends BoundObject {
  readonly type?: string | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

/** What an integration can name in the system namespace, from the caches. */
export interface SystemObjects {
  readonly secret: (name: string) => CredentialsSecret | undefined;
  readonly serviceAccount: (name: string) => BoundObject | undefined;
  readonly configMap: (name: string) => Pick<CredentialsSecret, 'data'> | undefined;
}

/** Why something about an integration cannot be used. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

export function isRefusal(item: unknown): item is Refusal {
  return typeof item === 'object' && item !== null && 'reason' in item;
}

/** To whom the objects that an integration names must be bound. */
export interface Binding {
  readonly origin: string;
  readonly bundle: string | undefined;
}

/** One value of a Secret, and which writing of the Secret it is. */
export interface Credential {
  readonly value: Hidden;
  /** Where it stands, for messages: `Secret vault-prod`. */
  readonly source: string;
  /** Changes when the value does, or the Secret was made anew: after a refusal, that is worth a new try. */
  readonly revision: string;
}

/** The type of the Secrets that cert-manager and others keep certificates in. */
export const TLS_TYPE = 'kubernetes.io/tls';

/** What may stand in a header, such as a token. */
export const HEADER = /^[\x21-\x7e]+$/;
/** What may stand in a body. */
export const TEXT = /^\P{Cc}+$/u;
/** PEM: text with line ends. */
export const LINES = /^[\P{Cc}\r\n\t]+$/u;

/** A credential, cut of white space around it, from a Secret that is bound to this integration. */
export function credential(
  { name, key }: SecretKeyRef,
  { secret: getSecret }: SystemObjects,
  binding: Binding,
  { charset = TEXT, types = [CREDENTIALS_TYPE] }: CredentialRules = {},
): Credential | Refusal {
  const source = `Secret ${name}`;
  const secret = getSecret(name);
  if (!secret) {
    const type = types.join(' or ');
    const message = `there is no ${source} of type ${type} in the system namespace`;
    return { reason: 'CredentialsMissing', message };
  }
  if (!types.includes(secret.type ?? '')) return refuse(`${source} must be of type ${types.join(' or ')}`);
  const refusal = refusedBinding(source, secret, binding);
  if (refusal) return refusal;
  const value = Buffer.from(own(secret.data ?? {}, key) ?? '', 'base64')
    .toString()
    .trim();
  const where = `key ${JSON.stringify(key)}`;
  if (value === '') {
    return { reason: 'CredentialsMissing', message: `${source} has no ${where}, or it is empty` };
  }
  if (!charset.test(value)) return refuse(`${where} of ${source} holds characters that no credential has`);
  // Not the resourceVersion: whoever only annotates the Secret must not set off another bad login.
  const hidden = new Hidden(value);
  return { value: hidden, source, revision: `${secret.metadata?.uid}/${fingerprint([hidden])}` };
}

interface CredentialRules {
  readonly charset?: RegExp;
  readonly types?: readonly string[];
}

/**
 * Whoever may edit an integration must not be able to send somebody's credentials to another server, to borrow
 * those of another bundle, or to have any other Secret read: the object itself says where it may go.
 */
export function refusedBinding(
  source: string,
  { metadata }: BoundObject,
  { origin, bundle }: Binding,
): Refusal | undefined {
  const { annotations = {} } = metadata ?? {};
  if (normalizeOrigin(own(annotations, VAULT_HOST_ANNOTATION) ?? '') !== origin) {
    return refuse(`annotation ${VAULT_HOST_ANNOTATION} of ${source} must be ${origin}, as spec.host`);
  }
  if (own(annotations, BUNDLE_ANNOTATION) === bundle) return undefined;
  return refuse(
    bundle === undefined
      ? `${source} must have no annotation ${BUNDLE_ANNOTATION}, since the integration has no spec.resourceBundle`
      : `annotation ${BUNDLE_ANNOTATION} of ${source} must be ${bundle}, as spec.resourceBundle`,
  );
}

function refuse(message: string): Refusal {
  return { reason: 'CredentialsRefused', message };
}

export function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
