import type { Clock } from '../kube/clock.ts';
import { codeOf } from '../kube/errors.ts';
import type { OpenAnswer, OpenHandler, OpenRequest } from '../serve/open.ts';
import { callerOf } from './caller.ts';
import { documentsOf, serveDocument } from './documents.ts';
import { StatusError } from './errors.ts';
import { isApiServer, serveInner } from './inner.ts';
import { LIMITS, type ApiOptions, type Refused } from './options.ts';
import { peerProblem } from './peer.ts';
import type { Caller, Verb } from './resource.ts';
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
    const isDocument = route.kind !== 'collection' && route.kind !== 'object';
    const isInner = !isDocument && options.inner !== undefined && Object.hasOwn(options.inner, route.plural);
    // security: kube-apiserver asks for documents to see that all is well here; if slow requests of tenants could hold
    // that up, they could make the API unavailable, and no namespace would go away any more.
    const isBrief = isDocument || (isInner && isApiServer(caller));
    const leave = admitted(admit, caller, isBrief, about(request, route), options);
    const work = async (signal: AbortSignal): Promise<OpenAnswer> => {
      const served = { ...request, signal };
      if (isDocument) return serveDocument(served, route, documents);
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
      const status = asStatus(error, route, options);
      tellOfWrong(status, request, route, options);
      reply = failure(status, group);
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
function callerIn(request: OpenRequest, { requestHeader, clock }: ApiOptions): Caller | string {
  const config = requestHeader();
  if (!config) return 'it is not known yet who may speak for users';
  const unclear = 'the front proxy does not say clearly for whom it speaks';
  return peerProblem(request.peer, config, clock.wall()) ?? callerOf(request.headers, config) ?? unclear;
}

function authenticated(request: OpenRequest, route: Route, options: ApiOptions): Caller {
  const caller = callerIn(request, options);
  if (typeof caller !== 'string') return caller;
  options.onRefused?.({ ...about(request, route), reason: 'Unauthorized', message: caller });
  throw new StatusError('Unauthorized', `not authenticated: ${caller}`);
}

/** Who sends what cannot be meant well, such as tricks with paths, is written down as well. */
function tellOfWrong(
  { code, message }: StatusError,
  request: OpenRequest,
  route: Route,
  options: ApiOptions,
): void {
  const isBelow = request.url.startsWith(`/apis/${options.group}/${options.version}/`);
  const isWrong = code === 'BadRequest' || code === 'RequestEntityTooLarge';
  if (!isBelow || !(isWrong || (code === 'NotFound' && route.kind === 'none'))) return;
  const caller = callerIn(request, options);
  if (typeof caller === 'string') return;
  options.onRefused?.({ ...about(request, route), caller, reason: code, message });
}

/** Counts the request; what it returns ends that. */
function admitted(
  admit: Admission,
  caller: Caller,
  isBrief: boolean,
  refused: ReturnType<typeof about>,
  { onRefused }: ApiOptions,
): () => void {
  const answer = admit(caller, isBrief);
  if (typeof answer === 'function') return answer;
  const who = answer === 'user' ? ' of this user' : '';
  const message = `too many requests${who}, please try again later`;
  if (answer === 'user') onRefused?.({ ...refused, caller, reason: 'TooManyRequests', message });
  throw new StatusError('TooManyRequests', message);
}

const WRITES: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', DELETE: 'delete' };

function about(
  { method }: Pick<OpenRequest, 'method'>,
  route: Route,
): Pick<Refused, 'verb' | 'resource' | 'namespace' | 'name'> {
  const verb = Object.hasOwn(WRITES, method) ? WRITES[method] : undefined;
  if (route.kind === 'collection') return { verb, resource: route.plural, namespace: route.namespace };
  if (route.kind === 'object')
    return { verb, resource: route.plural, namespace: route.namespace, name: route.name };
  return { verb, resource: '' };
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
