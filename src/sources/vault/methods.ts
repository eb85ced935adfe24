import { AUTH_METHODS, type AuthMethod, type SecretKeyRef } from '../../api/vault-auth.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import {
  credential,
  HEADER,
  isRefusal,
  refusedBinding,
  TEXT,
  type Binding,
  type Credential,
  type Refusal,
  type SystemObjects,
} from './credentials.ts';
import { fingerprint, type Hidden } from './hidden.ts';
import { isPlainPath } from './path.ts';

/** One way to log in, with its credential at hand, or the way to it. */
export type LoginMethod = JwtMethod | AppRoleMethod | TokenMethod | UserPassMethod;

interface Common {
  readonly kind: AuthMethod;
  /** Where the credential comes from, for messages: `Secret vault-prod`. */
  readonly source: string;
  /** Which writing of the credential it is: after a refused login, a new one is worth a new try. */
  readonly revision: string;
}

/** `kubernetes` and `jwt` differ only in what Vault does with the token. */
export interface JwtMethod extends Common {
  readonly kind: 'jwt' | 'kubernetes';
  readonly mount: string;
  readonly role: string;
  readonly jwt: Hidden | ServiceAccountToken;
}

/** A token that is made anew for each login. */
export interface ServiceAccountToken {
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
}

export interface AppRoleMethod extends Common {
  readonly kind: 'appRole';
  readonly mount: string;
  readonly roleId: string;
  /** The secret id, or if `wrapped` a response-wrapping token for it. */
  readonly secretId: Hidden;
  readonly wrapped: boolean;
}

export interface TokenMethod extends Common {
  readonly kind: 'token';
  readonly token: Hidden;
}

export interface UserPassMethod extends Common {
  readonly kind: 'userPass';
  readonly mount: string;
  readonly username: string;
  readonly password: Hidden;
}

/** A method that cannot even be tried, and why. */
export interface UnusableMethod extends Refusal {
  readonly method: AuthMethod;
}

export interface Methods {
  readonly usable: readonly LoginMethod[];
  readonly unusable: readonly UnusableMethod[];
}

export interface MethodOptions {
  /** Audiences that tokens of ServiceAccounts may be made for. */
  readonly tokenAudiences: readonly string[];
}

/** Those whose credentials are there and bound to this integration, in the order in which they are tried. */
export function loginMethods(
  { auth, resourceBundle }: VaultIntegrationSpec,
  origin: string,
  objects: SystemObjects,
  { tokenAudiences }: MethodOptions,
): Methods {
  const desk: Desk = { objects, binding: { origin, bundle: resourceBundle }, tokenAudiences };
  const found: Readonly<Record<AuthMethod, LoginMethod | Refusal | undefined>> = {
    jwt: auth.jwt && jwt('jwt', auth.jwt, desk),
    kubernetes: auth.kubernetes && jwt('kubernetes', auth.kubernetes, desk),
    appRole: auth.appRole && appRole(auth.appRole, desk),
    token: auth.token && token(auth.token, desk),
    userPass: auth.userPass && userPass(auth.userPass, desk),
  };
  const usable: LoginMethod[] = [];
  const unusable: UnusableMethod[] = [];
  for (const method of AUTH_METHODS) {
    const outcome = found[method];
    if (!outcome) continue;
    if (isRefusal(outcome)) unusable.push({ method, ...outcome });
    else usable.push(outcome);
  }
  return { usable, unusable };
}

/** Where credentials are handed out, and to whom. */
interface Desk extends MethodOptions {
  readonly objects: SystemObjects;
  readonly binding: Binding;
}

type Spec<M extends AuthMethod> = NonNullable<VaultIntegrationSpec['auth'][M]>;

function jwt(
  kind: JwtMethod['kind'],
  given: Spec<'jwt'> | Spec<'kubernetes'>,
  desk: Desk,
): JwtMethod | Refusal {
  const mount = mountOf(kind, given.mountPath ?? kind);
  if (isRefusal(mount)) return mount;
  const from =
    'secretRef' in given && given.secretRef
      ? jwtFromSecret(given.secretRef, desk)
      : jwtOfServiceAccount(given.serviceAccountRef?.name ?? '', given.audiences ?? [], desk);
  return isRefusal(from) ? from : { kind, mount, role: given.role.trim(), ...from };
}

/** Of the ServiceAccounts that Fairlead runs under; the policy fairlead-fence-tokens says the same. */
const OWN_PREFIX = 'fairlead-';

type JwtOrigin = Pick<JwtMethod, 'jwt' | 'source' | 'revision'>;

function jwtFromSecret(ref: SecretKeyRef, desk: Desk): JwtOrigin | Refusal {
  const found = read(ref, desk, HEADER);
  if (isRefusal(found)) return found;
  const { value, source, revision } = found;
  return { jwt: value, source, revision };
}

/**
 * Fairlead makes tokens for ServiceAccounts that say which Vault may see them, and only for audiences of the
 * operator's choice: a token that the API server itself accepts would hand that identity to the Vault.
 */
function jwtOfServiceAccount(
  name: string,
  audiences: readonly string[],
  { objects, binding, tokenAudiences }: Desk,
): JwtOrigin | Refusal {
  const source = `ServiceAccount ${name}`;
  if (name.startsWith(OWN_PREFIX)) {
    return { reason: 'NotSupportedHere', message: `${source} is one of Fairlead's own: use another one` };
  }
  const found = objects.serviceAccount(name);
  if (!found) {
    return { reason: 'CredentialsMissing', message: `there is no ${source} in the system namespace` };
  }
  const refusal = refusedBinding(source, found, binding);
  if (refusal) return refusal;
  const foreign = audiences.find((audience) => !tokenAudiences.includes(audience));
  if (foreign !== undefined || audiences.length === 0) {
    return {
      reason: 'NotSupportedHere',
      message: `the operator does not allow the audience ${JSON.stringify(foreign ?? '')} (--token-audiences)`,
    };
  }
  return { jwt: { serviceAccount: name, audiences }, source, revision: found.metadata?.uid ?? '' };
}

function appRole(given: Spec<'appRole'>, desk: Desk): AppRoleMethod | Refusal {
  const { wrapped = false } = given;
  const mount = mountOf('appRole', given.mountPath ?? 'approle');
  if (isRefusal(mount)) return mount;
  const role = given.roleIdRef ? read(given.roleIdRef, desk) : undefined;
  if (isRefusal(role)) return role;
  const secret = read(given.secretIdRef, desk, wrapped ? HEADER : TEXT);
  if (isRefusal(secret)) return secret;
  return {
    kind: 'appRole',
    mount,
    roleId: role ? role.value.reveal() : (given.roleId ?? '').trim(),
    secretId: secret.value,
    wrapped,
    source: role ? `${role.source} and ${secret.source}` : secret.source,
    revision: role ? `${role.revision} ${secret.revision}` : secret.revision,
  };
}

function token({ secretRef }: Spec<'token'>, desk: Desk): TokenMethod | Refusal {
  const found = read(secretRef, desk, HEADER);
  if (isRefusal(found)) return found;
  const { value, source, revision } = found;
  return { kind: 'token', token: value, source, revision };
}

function userPass(given: Spec<'userPass'>, desk: Desk): UserPassMethod | Refusal {
  const mount = mountOf('userPass', given.mountPath ?? 'userpass');
  if (isRefusal(mount)) return mount;
  const found = read(given.passwordRef, desk);
  if (isRefusal(found)) return found;
  const { value, source, revision } = found;
  return { kind: 'userPass', mount, username: given.username.trim(), password: value, source, revision };
}

function read(ref: SecretKeyRef, { objects, binding }: Desk, charset = TEXT): Credential | Refusal {
  return credential(ref, objects, binding, { charset });
}

function mountOf(method: AuthMethod, given: string): string | Refusal {
  const mount = given.replace(/\/$/, '');
  if (isPlainPath(mount)) return mount;
  const usual = method.toLowerCase();
  return {
    reason: 'LoginFailed',
    message: `spec.auth.${method}.mountPath must be a mount path such as ${usual} or team/${usual}`,
  };
}

/**
 * What of a method makes two logins the same. The Secret belongs to it: two Secrets with the same credential have
 * revisions of their own, and on one connection each would look like a change of the other.
 */
export function identity(method: LoginMethod): readonly (string | Hidden)[] {
  const { kind, source } = method;
  switch (kind) {
    case 'jwt':
    case 'kubernetes': {
      const { jwt, mount, role } = method;
      if (!('serviceAccount' in jwt)) return [kind, source, mount, role, jwt];
      // One that was deleted and made again is somebody else.
      return [kind, source, mount, role, method.revision, ...jwt.audiences];
    }
    case 'appRole':
      return [kind, source, method.mount, method.roleId, `${method.wrapped}`, method.secretId];
    case 'token':
      return [kind, source, method.token];
    case 'userPass':
      return [kind, source, method.mount, method.username, method.password];
  }
}

/**
 * Whose login it is in Vault, which counts bad logins by it; undefined where it counts none. Credentials do not
 * belong to it: five wrong passwords lock the user however many integrations have tried them.
 */
export function account(method: LoginMethod): string | undefined {
  switch (method.kind) {
    case 'appRole':
      return fingerprint([method.kind, method.mount, method.roleId]);
    case 'userPass':
      return fingerprint([method.kind, method.mount, method.username.toLowerCase()]);
    default:
      return undefined;
  }
}
