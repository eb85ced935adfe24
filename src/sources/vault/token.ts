import { at, numberAt, type Json } from '../../json/json.ts';
import type { Fault } from './errors.ts';
import { commonFault, errorsOf, namespaceNotFound, serverFault, type Answer } from './faults.ts';
import type { Hidden } from './hidden.ts';

/** A token in use, and what Vault said of it. */
export interface Grant {
  readonly token: Hidden;
  /** A login made the token, so that Fairlead revokes it when it is done. */
  readonly ours: boolean;
  /** Vault confirmed the token just now; false if it would not say. */
  readonly verified: boolean;
  readonly renewable: boolean;
  /** How long the token lives; Infinity if for ever, or not known. */
  readonly lifeMs: number;
  /** Their names as one text, to compare. */
  readonly policies: string;
  /** Requests that it is good for; Infinity if Vault does not count them. */
  readonly uses: number;
}

/** What a token may do for itself, in the namespace that it was made in. */
export const LOOKUP_SELF = 'auth/token/lookup-self';
export const RENEW_SELF = 'auth/token/renew-self';
export const REVOKE_SELF = 'auth/token/revoke-self';
const LOOKUP_SELF_REQUEST = `GET /v1/${LOOKUP_SELF}`;

/** The token of a login's answer; undefined if there is none. */
export function granted(answer: Answer): { token: string; auth: Json | undefined } | undefined {
  const auth = at(answer.body, 'auth');
  const token = at(auth, 'client_token');
  return answer.status === 200 && typeof token === 'string' && token !== '' ? { token, auth } : undefined;
}

/** The names of the policies of a token, as one text. */
export function policies(source: Json | undefined): string {
  const names = at(source, 'policies');
  return Array.isArray(names)
    ? names
        .filter((name) => typeof name === 'string')
        .toSorted()
        .join(' ')
    : '';
}

/** 0 means without limit. */
export function uses(source: Json | undefined): number {
  const given = numberAt(source, 'num_uses') ?? 0;
  return given > 0 ? given : Infinity;
}

/** 0 seconds means for ever, as for a root token. */
export function life(source: Json | undefined, key: string): Pick<Grant, 'renewable' | 'lifeMs'> {
  const seconds = numberAt(source, key) ?? 0;
  return {
    renewable: at(source, 'renewable') === true,
    lifeMs: seconds > 0 ? seconds * 1000 : Infinity,
  };
}

/** The fault in the answer to lookup-self; undefined for 200, and for 403, which says something about the token. */
export function lookupFault(answer: Answer, namespace: string | undefined): Fault | undefined {
  const { status } = answer;
  const fault = commonFault(answer) ?? otherFault();
  return fault && { ...fault, request: LOOKUP_SELF_REQUEST };

  function otherFault(): Fault | undefined {
    if (status === 200 || status === 403) return undefined;
    // auth/token exists in every namespace: only the namespace can be missing.
    if (status === 404 && namespace !== undefined) return namespaceNotFound(status);
    if (status >= 500) return serverFault(answer, 'connection');
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
  return status === 403 && (errorsOf(body) ?? []).some((text) => text.startsWith('1 error occurred'));
}
