import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { whyRefused } from './why-refused.ts';
import { objectPath } from '../kube/objects.ts';
import { Hidden } from '../sources/vault/hidden.ts';
import type { RequestToken } from '../sources/vault/login.ts';

/** A login takes seconds; what lies around for longer is only of use to somebody else. The least there can be. */
export const TOKEN_SECONDS = 600;

/**
 * Tokens of ServiceAccounts in the system namespace, for Vault alone: always with an audience, since the API server
 * itself would accept one without. A policy (fairlead-fence-tokens) holds Fairlead to it.
 */
export function tokenRequests(client: Pick<KubeClient, 'request'>, systemNamespace: string): RequestToken {
  return async ({ serviceAccount, audiences }, signal) => {
    const ref = { namespace: systemNamespace, name: serviceAccount, subresource: 'token' };
    try {
      const answer = await client.request<TokenAnswer>({
        method: 'POST',
        path: objectPath(RESOURCES.serviceAccounts, ref),
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences, expirationSeconds: TOKEN_SECONDS },
        },
        signal,
      });
      const token = answer.status?.token;
      return token ? { token: new Hidden(token) } : { refused: 'its answer holds none' };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubeError)) throw error;
      return { refused: whyRefused(error) };
    }
  };
}

interface TokenAnswer {
  readonly status?: { readonly token?: string };
}
