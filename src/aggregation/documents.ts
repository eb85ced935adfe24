import type { OpenAnswer, OpenRequest } from '../serve/open.ts';
import { formOf } from './accept.ts';
import { apiGroup, groupList, resourceList } from './discovery.ts';
import { StatusError } from './errors.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import type { ApiResource } from './resource.ts';
import type { GroupVersion, Route } from './routes.ts';

export interface DocumentOptions extends GroupVersion {
  readonly resources: readonly ApiResource[];
}

export type Documents = Readonly<Partial<Record<Route['kind'], object>>>;

/** What tells clients what there is. The same for everybody, and without names of objects. */
export function documentsOf({ group, version, resources }: DocumentOptions): Documents {
  const of = { group, version };
  const schema = openApiDocument(of, resources);
  return {
    groups: groupList(of),
    group: apiGroup(of),
    resources: resourceList(of, resources),
    openapi: openApiIndex(of, schema),
    schema,
  };
}

export function serveDocument(request: OpenRequest, { kind }: Route, documents: Documents): OpenAnswer {
  const document = documents[kind];
  if (!document) throw new StatusError('NotFound', 'the server could not find the requested resource');
  if (request.method !== 'GET') throw new StatusError('MethodNotAllowed', 'only GET is served here');
  if (formOf(request.headers['accept'], undefined) === undefined)
    throw new StatusError('NotAcceptable', 'only application/json is served here');
  return { status: 200, body: document };
}
