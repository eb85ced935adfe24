import type { InnerRoutes } from '../aggregation/inner.ts';
import type { ApiResource } from '../aggregation/resource.ts';
import { connectionTestsResource } from '../keys/connection-tests/index.ts';
import { deletionWarnings } from '../keys/deletions/handler.ts';
import { secretKeysResource } from '../keys/secret-keys/index.ts';
import type { KeysDependencies } from './keys-parts.ts';

/** What the role `keys` serves, made of what it has. */
export interface Served {
  readonly resources: readonly ApiResource[];
  /** Webhooks that kube-apiserver calls through itself. */
  readonly inner: InnerRoutes;
}

export function servedBy(deps: KeysDependencies): Served {
  const { client, systemNamespace } = deps;
  const tests = {
    ...deps,
    random: Math.random,
    forbiddenOrigins: neverVault(client.origin, systemNamespace),
  };
  return {
    resources: [secretKeysResource(deps), connectionTestsResource(tests)],
    inner: { deletionwarnings: deletionWarnings(deps) },
  };
}

/**
 * The API server, and Fairlead itself. security: nobody makes Fairlead send anything there. It is their addresses that
 * are compared, so one name of each will do.
 */
function neverVault(apiServer: string, systemNamespace: string): readonly string[] {
  const own = ['fairlead-webhook', 'fairlead-keys'].map((name) => `https://${name}.${systemNamespace}.svc`);
  return [apiServer, 'https://kubernetes.default.svc', ...own];
}
