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
  const tests = { ...deps, random: Math.random, forbiddenOrigins: apiServers(deps.client.origin) };
  return {
    resources: [secretKeysResource(deps), connectionTestsResource(tests)],
    inner: { deletionwarnings: deletionWarnings(deps) },
  };
}

/** By every name that the API server has: security: nobody makes Fairlead send anything there. */
function apiServers(origin: string): readonly string[] {
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return [origin, ...names.map((name) => `https://${name}`)];
}
