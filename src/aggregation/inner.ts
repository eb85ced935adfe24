import type { JsonHandler } from '../serve/https.ts';
import type { OpenAnswer, OpenRequest } from '../serve/open.ts';
import { readBody } from './read-body.ts';
import { StatusError } from './errors.ts';
import type { Caller } from './resource.ts';
import type { Route } from './routes.ts';

/** By the last part of the path. */
export type InnerRoutes = Readonly<Record<string, JsonHandler>>;

/** As whom kube-apiserver calls itself: over its loopback connection, for webhooks of the Service `kubernetes`. */
const API_SERVER = 'system:apiserver';
const MASTERS = 'system:masters';

export function isApiServer({ user, groups }: Caller): boolean {
  return user === API_SERVER && groups.includes(MASTERS);
}

/**
 * What only kube-apiserver itself may call: webhooks that it reaches through itself, so that it comes with the front
 * proxy's certificate. security: a webhook that is called straight comes from anybody, and says on whose behalf.
 */
export async function serveInner(
  request: OpenRequest,
  route: Extract<Route, { plural: string }>,
  caller: Caller,
  routes: InnerRoutes,
): Promise<OpenAnswer> {
  const handler = routes[route.plural];
  if (!handler || route.kind !== 'collection' || route.namespace !== undefined)
    throw new StatusError('NotFound', 'the server could not find the requested resource');
  if (request.method !== 'POST') throw new StatusError('MethodNotAllowed', 'only POST is served here');
  if (!isApiServer(caller)) throw new StatusError('Forbidden', 'only kube-apiserver itself may call this');
  return handler({ body: await readBody(request), signal: request.signal });
}
