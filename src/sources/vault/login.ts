import type { VaultClient } from './client.ts';
import type { AppRoleMethod, LoginMethod, TokenMethod } from './credentials.ts';
import { VaultError, type Fault } from './errors.ts';
import { commonFault, namespaceNotFound, serverFault, type Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import { at, numberAt, type Json } from '../../json/json.ts';
import { encodePath } from './path.ts';

/** What a login gave. */
export interface Grant {
  readonly token: Hidden;
  /** A login made the token, so that Fairlead revokes it when it is done. */
  readonly ours: boolean;
  /** Vault confirmed the token just now; false if it would not say. */
  readonly verified: boolean;
  readonly renewable: boolean;
  /** How long the token lives; Infinity if for ever, or not known. */
  readonly lifeMs: number;
}

export interface LoginTools {
  readonly namespace?: string | undefined;
  /** Makes one request with this token, or without one. */
  readonly ask: (
    operation: 'login' | 'lookup-self',
    token: Hidden | undefined,
    request: (client: VaultClient) => Promise<Answer>,
  ) => Promise<Answer>;
  readonly signal: AbortSignal;
}

/** Logs in by one method. Throws VaultError. */
export function logIn(method: LoginMethod, tools: LoginTools): Promise<Grant> {
  return method.kind === 'appRole' ? appRole(method, tools) : adopt(method, tools);
}

async function appRole(
  { mount, roleId, secretId }: AppRoleMethod,
  { ask, namespace, signal }: LoginTools,
): Promise<Grant> {
  const path = `auth/${encodePath(mount)}/login`;
  const answer = await ask('login', undefined, (client) =>
    client.write(path, { role_id: roleId, secret_id: secretId.reveal() }, signal),
  );
  const token = at(answer.body, 'auth', 'client_token');
  if (answer.status === 200 && typeof token === 'string' && token !== '') {
    const auth = at(answer.body, 'auth');
    return { token: new Hidden(token), ours: true, verified: true, ...life(auth, 'lease_duration') };
  }
  throw new VaultError({ ...appRoleFault(answer, namespace), request: `POST /v1/${path}` });
}

/** Vault answers 400 to a wrong role or secret id, and 403 where there is no such mount. */
function appRoleFault(answer: Answer, namespace: string | undefined): Fault {
  const { status } = answer;
  const common = commonFault(answer);
  if (common) return common;
  const login = { scope: 'connection', status } as const;
  if (status === 400 || status === 401) {
    return {
      ...login,
      reason: 'CredentialsRefused',
      what: "Vault refuses the AppRole's role id or secret id: write a new secret id into the credentials Secret, or correct spec.auth.appRole.roleId",
    };
  }
  if (status === 404 && namespace !== undefined) return namespaceNotFound(status);
  const failed = (what: string): Fault => ({ ...login, reason: 'LoginFailed', what });
  if (status === 403 || status === 404) {
    return failed(
      'there is no AppRole login at this mount, or Vault bars the role or this address from it: check spec.auth.appRole.mountPath and the role',
    );
  }
  if (status === 200) return failed('the login gave no token; logins with a second factor are not supported');
  return failed("the login failed inside Vault: see Vault's log; Fairlead goes on by itself");
}

/** Takes a token from a Secret into use: asks Vault how long it lives. */
async function adopt({ token }: TokenMethod, { ask, namespace, signal }: LoginTools): Promise<Grant> {
  const answer = await ask('lookup-self', token, (client) => client.read(LOOKUP_SELF, signal));
  const fault = lookupFault(answer, namespace);
  if (fault) throw new VaultError(fault);
  if (answer.status === 200) {
    return { token, ours: false, verified: true, ...life(at(answer.body, 'data'), 'ttl') };
  }
  // A token may lack the right to look itself up and still be good for reading: the read will tell.
  return { token, ours: false, verified: isPolicyDenial(answer), renewable: false, lifeMs: Infinity };
}

export const LOOKUP_SELF = 'auth/token/lookup-self';
const LOOKUP_SELF_REQUEST = `GET /v1/${LOOKUP_SELF}`;

/** The fault in the answer to lookup-self; undefined for 200, and for 403, which says something about the token. */
export function lookupFault(answer: Answer, namespace: string | undefined): Fault | undefined {
  const { status } = answer;
  const fault = commonFault(answer) ?? otherFault();
  return fault && { ...fault, request: LOOKUP_SELF_REQUEST };

  function otherFault(): Fault | undefined {
    if (status === 200 || status === 403) return undefined;
    // auth/token exists in every namespace: only the namespace can be missing.
    if (status === 404 && namespace !== undefined) return namespaceNotFound(status);
    if (status >= 500) return serverFault(status, 'connection');
    return {
      reason: 'LoginFailed',
      scope: 'connection',
      status,
      what: 'the server does not know this request: check that spec.host is a Vault',
    };
  }
}

/** The fault of a token from a Secret that Vault does not accept (any more). */
export const TOKEN_REFUSED: Fault = {
  reason: 'CredentialsRefused',
  scope: 'connection',
  status: 403,
  request: LOOKUP_SELF_REQUEST,
  what: 'Vault refuses the token, which may be wrong, expired or revoked: write a new one into the credentials Secret',
};

/**
 * 403 to lookup-self from a living token whose policies do not even allow that. Vault puts what a policy denies
 * into a list of one error and names an invalid token differently; read otherwise, the token counts as dead and
 * the next login tells.
 */
export function isPolicyDenial({ status, body }: Answer): boolean {
  const errors = at(body, 'errors');
  return (
    status === 403 &&
    Array.isArray(errors) &&
    errors.some((text: Json) => typeof text === 'string' && text.startsWith('1 error occurred'))
  );
}

/** 0 seconds means for ever, as for a root token. */
export function life(source: Json | undefined, key: string): Pick<Grant, 'renewable' | 'lifeMs'> {
  const seconds = numberAt(source, key) ?? 0;
  return {
    renewable: at(source, 'renewable') === true,
    lifeMs: seconds > 0 ? seconds * 1000 : Infinity,
  };
}
