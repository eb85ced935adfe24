import type { Clock } from '../kube/clock.ts';
import { codeOf } from '../kube/errors.ts';
import type { OpenAnswer, OpenHandler, OpenRequest } from '../serve/open.ts';
import { callerOf } from './caller.ts';
import { documentsOf, serveDocument } from './documents.ts';
import { StatusError } from './errors.ts';
import { serveInner } from './inner.ts';
import { LIMITS, type ApiOptions, type Refused } from './options.ts';
import { peerProblem } from './peer.ts';
import type { Caller } from './resource.ts';
import { routeOf, type Route } from './routes.ts';
import { serveResource } from './serve-resource.ts';
import { failure } from './status.ts';
import { admission, type Admission } from './user-limits.ts';

/**
 * An extension API server behind kube-apiserver: who calls, whether they may, and in which form they get their answer.
 * Never rejects: what goes wrong is a metav1.Status.
 */
export function extensionApi(options: ApiOptions): OpenHandler {
  const limits = { ...LIMITS, ...options.limits };
  const { clock, group } = options;
  const admit = admission(limits, clock);
  const documents = documentsOf(options);

  const answer = async (request: OpenRequest, route: Route): Promise<OpenAnswer> => {
    const caller = authenticated(request, route, options);
    const leave = admitted(admit, caller, route, options);
    const work = async (signal: AbortSignal): Promise<OpenAnswer> => {
      const served = { ...request, signal };
      if (route.kind !== 'collection' && route.kind !== 'object')
        return serveDocument(served, route, documents);
      const isInner = options.inner !== undefined && Object.hasOwn(options.inner, route.plural);
      if (isInner) return serveInner(served, route, caller, options.inner ?? {});
      return serveResource(served, route, caller, options);
    };
    return withDeadline(clock, limits.deadlineMs, request.signal, work).finally(leave);
  };

  return async (request) => {
    const started = clock.now();
    let route: Route = { kind: 'none' };
    let reply: OpenAnswer;
    try {
      route = routeOf(request.url.split('?', 1)[0] ?? '', options);
      reply = route.kind === 'health' ? { status: 200, body: 'ok' } : await answer(request, route);
    } catch (error) {
      reply = failure(asStatus(error, route, options), group);
    }
    options.onRequest?.({
      ...sampled(request, route, options),
      code: reply.status,
      ms: clock.now() - started,
    });
    return reply;
  };
}

/** security: nothing a client says about users is looked at before its certificate is known to be a front proxy's. */
function authenticated(request: OpenRequest, route: Route, options: ApiOptions): Caller {
  const config = options.requestHeader();
  const problem = config
    ? peerProblem(request.peer, config, options.clock.wall())
    : 'it is not known yet who may speak for users';
  const caller = config && problem === undefined ? callerOf(request.headers, config) : undefined;
  if (caller) return caller;
  const message = problem ?? 'the front proxy does not say clearly for whom it speaks';
  options.onRefused?.({ ...aboutRoute(route), reason: 'Unauthorized', message });
  throw new StatusError('Unauthorized', `not authenticated: ${message}`);
}

/** Counts the request; what it returns ends that. */
function admitted(admit: Admission, caller: Caller, route: Route, { onRefused }: ApiOptions): () => void {
  const answer = admit(caller);
  if (typeof answer === 'function') return answer;
  const who = answer === 'user' ? ' of this user' : '';
  const message = `too many requests${who}, please try again later`;
  if (answer === 'user') onRefused?.({ ...aboutRoute(route), caller, reason: 'TooManyRequests', message });
  throw new StatusError('TooManyRequests', message);
}

function aboutRoute(route: Route): Pick<Refused, 'resource' | 'namespace' | 'name'> {
  if (route.kind === 'collection') return { resource: route.plural, namespace: route.namespace };
  if (route.kind === 'object')
    return { resource: route.plural, namespace: route.namespace, name: route.name };
  return { resource: '' };
}

/** The work, or StatusError Timeout when its time is over; work that does not stop then is left behind. */
async function withDeadline<T>(
  clock: Clock,
  ms: number,
  client: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.setTimeout(() => {
    reject(new StatusError('Timeout', 'no answer in time'));
    own.abort();
  }, ms);
  try {
    return await Promise.race([work(AbortSignal.any([client, own.signal])), late]);
  } finally {
    cancel();
  }
}

/** Errors that are not ours to tell become one that says nothing. */
function asStatus(error: unknown, route: Route, { onError, resources }: ApiOptions): StatusError {
  const plural =
    'plural' in route && resources.some((one) => one.plural === route.plural) ? route.plural : undefined;
  const about = plural === undefined ? {} : { resource: plural };
  if (!(error instanceof StatusError)) {
    onError({ code: 'HandlerFailed', ...about, error: codeOf(error) });
    return new StatusError('InternalError', 'internal error');
  }
  if (error.code === 'Timeout') onError({ code: 'DeadlineExceeded', ...about });
  const { kind = plural, name = 'name' in route ? route.name : undefined } = error.details;
  return new StatusError(error.code, error.message, { ...error.details, kind, name });
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

function sampled({ method }: OpenRequest, route: Route, { resources }: ApiOptions) {
  const verb = METHODS.has(method) ? method : 'other';
  const known = 'plural' in route && resources.some(({ plural }) => plural === route.plural);
  return { verb, resource: known ? route.plural : 'other' };
}
