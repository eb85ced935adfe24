import { BUNDLE_ANNOTATION, CREDENTIALS_TYPE, VAULT_HOST_ANNOTATION } from '../../api/names.ts';
import type { Reason } from '../../api/reasons.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import { normalizeOrigin } from './address.ts';
import { fingerprint, Hidden } from './hidden.ts';
import { isPlainPath } from './path.ts';

/** One way to log in, with its credential at hand. */
export type LoginMethod = AppRoleMethod | TokenMethod;

interface Credential {
  readonly secretName: string;
  /** Which writing of the Secret it is: after a refused login, a new one is worth a new try. */
  readonly revision: string;
}

export interface AppRoleMethod extends Credential {
  readonly kind: 'appRole';
  readonly mount: string;
  readonly roleId: string;
  readonly secretId: Hidden;
}

export interface TokenMethod extends Credential {
  readonly kind: 'token';
  readonly token: Hidden;
}

/** A Secret as far as credentials are concerned; `data` is base64. */
export interface CredentialsSecret {
  readonly type?: string | undefined;
  readonly metadata?: {
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export type GetSecret = (name: string) => CredentialsSecret | undefined;

/** Why something about an integration cannot be used. */
export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

export interface Methods {
  readonly usable: readonly LoginMethod[];
  /** Why the others are not. */
  readonly problems: readonly Refusal[];
}

/** Those whose credentials are there and bound to this integration, in the order in which they are tried. */
export function loginMethods(spec: VaultIntegrationSpec, origin: string, getSecret: GetSecret): Methods {
  const { appRole, token } = spec.auth;
  const read = (ref: SecretKeyRef, charset: RegExp) => credential(ref, charset, spec, origin, getSecret);
  const found: (LoginMethod | Refusal)[] = [];
  if (appRole) {
    const { mountPath = 'approle', roleId, secretIdRef } = appRole;
    const mount = mountPath.replace(/\/$/, '');
    const secret = isPlainPath(mount) ? read(secretIdRef, TEXT) : BAD_MOUNT;
    found.push(
      'reason' in secret
        ? secret
        : { kind: 'appRole', mount, roleId: roleId.trim(), secretId: secret.value, ...secret.from },
    );
  }
  if (token) {
    const secret = read(token.secretRef, HEADER);
    found.push('reason' in secret ? secret : { kind: 'token', token: secret.value, ...secret.from });
  }
  return {
    usable: found.filter((item) => 'kind' in item),
    problems: found.filter((item) => 'reason' in item),
  };
}

const BAD_MOUNT: Refusal = {
  reason: 'LoginFailed',
  message: 'spec.auth.appRole.mountPath must be a mount path such as approle or team/approle',
};

/** A token goes into a header. */
const HEADER = /^[\x21-\x7e]+$/;
const TEXT = /^\P{Cc}+$/u;

interface SecretKeyRef {
  readonly name: string;
  readonly key: string;
}

/**
 * Whoever may edit an integration must not be able to send somebody's credentials to another server, to borrow
 * those of another bundle, or to have any other Secret read: the Secret itself says where it may go.
 */
function credential(
  { name, key }: SecretKeyRef,
  charset: RegExp,
  { resourceBundle }: VaultIntegrationSpec,
  origin: string,
  getSecret: GetSecret,
): { readonly value: Hidden; readonly from: Credential } | Refusal {
  const secret = getSecret(name);
  if (!secret) {
    return {
      reason: 'CredentialsMissing',
      message: `there is no Secret ${name} of type ${CREDENTIALS_TYPE} in the system namespace`,
    };
  }
  const refuse = (message: string): Refusal => ({ reason: 'CredentialsRefused', message });
  if (secret.type !== CREDENTIALS_TYPE) return refuse(`Secret ${name} must be of type ${CREDENTIALS_TYPE}`);
  const { annotations = {}, uid = '' } = secret.metadata ?? {};
  if (normalizeOrigin(own(annotations, VAULT_HOST_ANNOTATION) ?? '') !== origin) {
    return refuse(`annotation ${VAULT_HOST_ANNOTATION} of Secret ${name} must be ${origin}, as spec.host`);
  }
  if (own(annotations, BUNDLE_ANNOTATION) !== resourceBundle) {
    return refuse(
      resourceBundle === undefined
        ? `Secret ${name} must have no annotation ${BUNDLE_ANNOTATION}, since the integration has no spec.resourceBundle`
        : `annotation ${BUNDLE_ANNOTATION} of Secret ${name} must be ${resourceBundle}, as spec.resourceBundle`,
    );
  }
  const value = Buffer.from(own(secret.data ?? {}, key) ?? '', 'base64')
    .toString()
    .trim();
  if (value === '') {
    return {
      reason: 'CredentialsMissing',
      message: `Secret ${name} has no key ${JSON.stringify(key)}, or it is empty`,
    };
  }
  if (!charset.test(value)) {
    return refuse(`key ${JSON.stringify(key)} of Secret ${name} holds characters that no credential has`);
  }
  // Not the resourceVersion: whoever only annotates the Secret must not set off another bad login.
  const hidden = new Hidden(value);
  return { value: hidden, from: { secretName: name, revision: `${uid}/${fingerprint([hidden])}` } };
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * What of a method makes two logins the same. The Secret belongs to it: two Secrets with the same credential have
 * revisions of their own, and on one connection each would look like a change of the other.
 */
export function identity(method: LoginMethod): readonly (string | Hidden)[] {
  const { kind, secretName } = method;
  return kind === 'appRole'
    ? [kind, secretName, method.mount, method.roleId, method.secretId]
    : [kind, secretName, method.token];
}
