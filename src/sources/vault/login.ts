import { at } from '../../json/json.ts';
import type { VaultClient } from './client.ts';
import { VaultError, type Fault } from './errors.ts';
import { commonFault, namespaceNotFound, type Answer } from './faults.ts';
import { fingerprint, Hidden } from './hidden.ts';
import type {
  AppRoleMethod,
  JwtMethod,
  LoginMethod,
  ServiceAccountToken,
  TokenMethod,
  UserPassMethod,
} from './methods.ts';
import { encodePath } from './path.ts';
import type { Operation } from './requests.ts';
import {
  granted,
  isPolicyDenial,
  life,
  LOOKUP_SELF,
  lookupFault,
  policies,
  uses,
  type Grant,
} from './token.ts';

/** Asks the API server for a token of a ServiceAccount in the system namespace; a number is its refusal. */
export type RequestToken = (
  wanted: ServiceAccountToken,
  signal: AbortSignal,
) => Promise<{ readonly token: Hidden } | { readonly refused: string }>;

/** Secret ids by the wrapping tokens that they came in, or come in: those can be used only once. */
export type Unwrapped = Map<string, Hidden | Promise<Hidden>>;

export interface LoginTools {
  readonly origin: string;
  /** The HashiCorp namespace of the login. */
  readonly namespace?: string | undefined;
  /** Makes one request with this token, or without one. */
  readonly ask: (
    operation: Operation,
    token: Hidden | undefined,
    request: (client: VaultClient) => Promise<Answer>,
  ) => Promise<Answer>;
  readonly requestToken: RequestToken;
  readonly unwrapped: Unwrapped;
  readonly signal: AbortSignal;
}

/** Logs in by one method. Throws VaultError. */
export async function logIn(method: LoginMethod, tools: LoginTools): Promise<Grant> {
  switch (method.kind) {
    case 'jwt':
    case 'kubernetes':
      return withJwt(method, tools);
    case 'appRole':
      return withAppRole(method, tools);
    case 'token':
      return adopt(method, tools);
    case 'userPass':
      return withPassword(method, tools);
  }
}

async function withJwt(method: JwtMethod, tools: LoginTools): Promise<Grant> {
  const jwt = 'serviceAccount' in method.jwt ? await freshToken(method.jwt, tools) : method.jwt;
  const body = { role: method.role, jwt: jwt.reveal() };
  return post(`auth/${encodePath(method.mount)}/login`, body, method, tools);
}

async function freshToken(wanted: ServiceAccountToken, tools: LoginTools): Promise<Hidden> {
  const answer = await tools.requestToken(wanted, tools.signal);
  if ('token' in answer) return answer.token;
  throw new VaultError({
    reason: 'LoginFailed',
    scope: 'connection',
    request: `POST serviceaccounts/${wanted.serviceAccount}/token`,
    what: `the API server gives no token of ServiceAccount ${wanted.serviceAccount}: ${answer.refused}`,
  });
}

async function withAppRole(method: AppRoleMethod, tools: LoginTools): Promise<Grant> {
  const secretId = method.wrapped ? await unwrap(method, tools) : method.secretId;
  const body = { role_id: method.roleId, secret_id: secretId.reveal() };
  return post(`auth/${encodePath(method.mount)}/login`, body, method, tools);
}

const UNWRAP = 'sys/wrapping/unwrap';

/** Takes the secret id out of its wrapping, once; later logins use the same one as long as the process lives. */
async function unwrap({ secretId: wrapping }: AppRoleMethod, tools: LoginTools): Promise<Hidden> {
  const { origin, namespace, unwrapped } = tools;
  const key = fingerprint([origin, namespace, wrapping]);
  const known = unwrapped.get(key);
  if (known) return known;
  const asked = unwrapNow(wrapping, tools);
  unwrapped.set(key, asked);
  void asked.then(
    (found) => unwrapped.set(key, found),
    () => unwrapped.delete(key),
  );
  return asked;
}

/** Not with the signal of the connection: others wait for it, and there is no second time. */
async function unwrapNow(wrapping: Hidden, { ask, namespace }: LoginTools): Promise<Hidden> {
  const { signal } = new AbortController();
  const answer = await ask('unwrap', wrapping, (client) => client.write(UNWRAP, {}, signal));
  const secretId = at(answer.body, 'data', 'secret_id');
  if (answer.status === 200 && typeof secretId === 'string' && secretId !== '') return new Hidden(secretId);
  throw new VaultError({ ...unwrapFault(answer, namespace), request: `POST /v1/${UNWRAP}` });
}

function unwrapFault(answer: Answer, namespace: string | undefined): Fault {
  const { status } = answer;
  const common = commonFault(answer);
  if (common) return common;
  const refused = { reason: 'CredentialsRefused', scope: 'connection', status } as const;
  if (status === 200) {
    return {
      ...refused,
      what: 'the wrapping token wraps no secret id: wrap the answer of auth/<mount>/role/<role>/secret-id',
    };
  }
  if (status === 404 && namespace !== undefined) return namespaceNotFound(status);
  if (status < 500) {
    return {
      ...refused,
      what: 'the wrapping token was already used or has expired: someone else may have read it; write a new one into the credentials Secret',
    };
  }
  return { ...refused, reason: 'LoginFailed', what: BROKEN_INSIDE };
}

async function withPassword(method: UserPassMethod, tools: LoginTools): Promise<Grant> {
  const path = `auth/${encodePath(method.mount)}/login/${encodePath(method.username)}`;
  return post(path, { password: method.password.reveal() }, method, tools);
}

/** Takes a token from a Secret into use: asks Vault how long it lives. */
async function adopt({ token }: TokenMethod, { ask, namespace, signal }: LoginTools): Promise<Grant> {
  const answer = await ask('lookup-self', token, (client) => client.read(LOOKUP_SELF, signal));
  const fault = lookupFault(answer, namespace);
  if (fault) throw new VaultError(fault);
  const given = { token, ours: false };
  if (answer.status === 200) {
    const data = at(answer.body, 'data');
    return { ...given, verified: true, policies: policies(data), uses: uses(data), ...life(data, 'ttl') };
  }
  // A token may lack the right to look itself up and still be good for reading: the read will tell.
  const verified = isPolicyDenial(answer);
  return { ...given, verified, policies: '', uses: Infinity, renewable: false, lifeMs: Infinity };
}

type PostingMethod = Exclude<LoginMethod, TokenMethod>;

async function post(path: string, body: object, method: PostingMethod, tools: LoginTools): Promise<Grant> {
  const answer = await tools.ask('login', undefined, (client) => client.write(path, body, tools.signal));
  const found = granted(answer);
  if (!found) {
    const fault = loginFault(method, answer, tools.namespace);
    throw new VaultError({ ...fault, request: `POST /v1/${path}` });
  }
  return {
    token: new Hidden(found.token),
    ours: true,
    verified: true,
    policies: policies(found.auth),
    uses: uses(found.auth),
    ...life(found.auth, 'lease_duration'),
  };
}

/** What 400 and 403 mean depends on the method; Vault answers 403 to a mount that is not there, too. */
const REFUSED: Readonly<Record<PostingMethod['kind'], string>> = {
  jwt: "Vault refuses the token or does not know the role: check spec.auth.jwt.role, the role's bound audiences and claims, and who signs the token",
  kubernetes:
    'Vault does not know the role, or the role is for other ServiceAccounts: correct spec.auth.kubernetes.role',
  appRole:
    "Vault refuses the AppRole's role id or secret id: write a new secret id into the credentials Secret, or correct spec.auth.appRole",
  userPass:
    'Vault refuses the user name or the password: write a new password into the credentials Secret, or correct spec.auth.userPass.username',
};
const BARRED: Readonly<Record<PostingMethod['kind'], string>> = {
  jwt: 'there is no JWT login at this mount, or Vault bars this address from it: check spec.auth.jwt.mountPath and the role',
  kubernetes:
    "Vault's review of the ServiceAccount's token failed, the role is not for it, or there is no Kubernetes login at this mount: check spec.auth.kubernetes (mountPath, role, audiences), the role's bound names and namespaces, and that Vault reaches the API server and may create TokenReviews",
  appRole:
    'there is no AppRole login at this mount, or Vault bars the role or this address from it: check spec.auth.appRole.mountPath and the role',
  userPass:
    'the user is locked out after bad logins, or there is no userpass login at this mount: check spec.auth.userPass.mountPath and wait for the lock-out to end',
};
const BROKEN_INSIDE = "the login failed inside Vault: see Vault's log; Fairlead goes on by itself";
const UNCONFIGURED =
  "the login failed inside Vault, which may not be configured for it (auth/<mount>/config): see Vault's log; Fairlead goes on by itself";

/** Why there is no token in the answer to a login. */
export function loginFault(
  { kind }: Pick<PostingMethod, 'kind'>,
  answer: Answer,
  namespace: string | undefined,
): Fault {
  const { status } = answer;
  const common = commonFault(answer);
  if (common) return common;
  const login = { scope: 'connection', status } as const;
  const failed = (what: string): Fault => ({ ...login, reason: 'LoginFailed', what });
  if (status === 400 || status === 401) {
    // Kubernetes login says 400 to an unknown role alone; what is wrong with a token, it says with 403.
    return kind === 'kubernetes'
      ? failed(REFUSED[kind])
      : { ...login, reason: 'CredentialsRefused', what: REFUSED[kind] };
  }
  if (status === 404 && namespace !== undefined) return namespaceNotFound(status);
  if (status === 403 || status === 404) return failed(BARRED[kind]);
  if (status === 200) return failed('the login gave no token; logins with a second factor are not supported');
  return failed(kind === 'kubernetes' || kind === 'jwt' ? UNCONFIGURED : BROKEN_INSIDE);
}

/** True if the same credential would be sent again: a token that is made anew for each login is not. */
export function repeatsCredential(method: LoginMethod): boolean {
  return !('jwt' in method && 'serviceAccount' in method.jwt);
}
