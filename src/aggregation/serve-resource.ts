import { codeOf } from '../kube/errors.ts';
import type { OpenAnswer, OpenRequest } from '../serve/open.ts';
import { formOf } from './accept.ts';
import { StatusError } from './errors.ts';
import { takeDeleteOptions, takeObject } from './intake.ts';
import type { ApiOptions } from './options.ts';
import { presentList, presentObject } from './present.ts';
import { queryOf, type ApiQuery } from './query.ts';
import { readBody } from './read-body.ts';
import type { ApiResource, Caller, ListAnswer, ResourceRequest, Verb } from './resource.ts';
import type { Route } from './routes.ts';
import { deleted, warningHeaders } from './status.ts';

type ResourceRoute = Extract<Route, { plural: string }>;
type Options = Pick<
  ApiOptions,
  'group' | 'version' | 'resources' | 'allowed' | 'unavailable' | 'onError' | 'onRefused'
>;

/** A request for a kind that is served. Rejects with StatusError, or with what a handler failed with. */
export async function serveResource(
  request: OpenRequest,
  route: ResourceRoute,
  caller: Caller,
  options: Options,
): Promise<OpenAnswer> {
  const { group, version } = options;
  const resource = options.resources.find(({ plural }) => plural === route.plural);
  if (!resource) throw new StatusError('NotFound', 'the server could not find the requested resource');
  const query = queryOf(request.url.split('?').slice(1).join('?'), resource.selectable);
  const verb = verbOf(request.method, route, query, resource);
  const form = formOf(
    request.headers['accept'],
    verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata',
  );
  if (form === undefined)
    throw new StatusError(
      'NotAcceptable',
      'only application/json is served, and as=Table and metadata of meta.k8s.io/v1',
    );
  const name = route.kind === 'object' ? route.name : undefined;
  const { namespace } = route;
  await authorize({ caller, verb, resource: resource.plural, namespace, name }, request.signal, options);
  const why = options.unavailable();
  if (why !== undefined) throw new StatusError('ServiceUnavailable', why);

  const { signal } = request;
  const { dryRun, fieldSelector } = query;
  const asked: ResourceRequest = { verb, caller, namespace, name, dryRun, fieldSelector, signal };
  const how = { group, version, resource, form, includeObject: query.includeObject };
  switch (verb) {
    case 'list': {
      const { limit, continueToken } = query;
      const { warnings = [], ...list } = await listed(resource, { ...asked, limit, continueToken }, query);
      return { status: 200, body: presentList(list, how), headers: warningHeaders(warnings) };
    }
    case 'get': {
      const { object, warnings = [] } = await served(resource.get)(asked);
      return { status: 200, body: presentObject(object, how), headers: warningHeaders(warnings) };
    }
    case 'create':
    case 'update': {
      const raw = await readBody(request);
      const { fieldValidation } = query;
      const into = { group, version, resource, fieldValidation, namespace: namespace ?? '', name };
      const { body, warnings } = takeObject(raw, into);
      const answer = await served(resource[verb])({ ...asked, body });
      const headers = warningHeaders([...warnings, ...(answer.warnings ?? [])]);
      return { status: verb === 'create' ? 201 : 200, body: presentObject(answer.object, how), headers };
    }
    case 'delete': {
      const options_ = takeDeleteOptions(request.hasBody ? await readBody(request) : undefined, dryRun);
      const { warnings = [] } = await served(resource.delete)({ ...asked, ...options_ });
      const body = deleted(group, resource.plural, name ?? '');
      return { status: 200, body, headers: warningHeaders(warnings) };
    }
  }
}

/** Objects have no labels: a selector that asks for one finds nothing, and nothing is read for it. */
async function listed(resource: ApiResource, asked: ResourceRequest, query: ApiQuery): Promise<ListAnswer> {
  return query.matchesNoLabels ? served(resource.list)(asked) : { items: [] };
}

function served<H>(handler: H | undefined): H {
  if (!handler) throw notAllowed();
  return handler;
}

/** Throws MethodNotAllowed for all that is no verb of this resource: PATCH, watches, collections that are deleted. */
function verbOf(
  method: string,
  { kind, ...route }: ResourceRoute,
  { watch }: ApiQuery,
  resource: ApiResource,
): Verb {
  const verbs: Readonly<Record<string, Verb>> =
    kind === 'object'
      ? { GET: 'get', PUT: 'update', DELETE: 'delete' }
      : { GET: 'list', ...(route.namespace !== undefined && { POST: 'create' }) };
  const verb = Object.hasOwn(verbs, method) ? verbs[method] : undefined;
  if (verb === undefined || !resource[verb]) throw notAllowed();
  if (watch && method === 'GET') throw new StatusError('MethodNotAllowed', 'watches are not served here');
  return verb;
}

function notAllowed(): StatusError {
  return new StatusError(
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

async function authorize(
  question: Parameters<ApiOptions['allowed']>[0],
  signal: AbortSignal,
  { group, allowed, onError, onRefused }: Options,
): Promise<void> {
  const { caller, verb, resource, namespace, name } = question;
  const is = await allowed(question, signal).catch((error: unknown) => {
    onError({ code: 'AccessReviewFailed', resource, error: codeOf(error) });
    throw new StatusError('ServiceUnavailable', 'it cannot be found out now whether this is allowed');
  });
  if (is) return;
  const where = namespace === undefined ? 'in all namespaces' : `in the namespace ${namespace}`;
  const message = `${resource}.${group} is forbidden: this user may not ${verb} it ${where}`;
  onRefused?.({ caller, verb, resource, namespace, name, reason: 'Forbidden', message });
  throw new StatusError('Forbidden', message, { kind: resource });
}
