import { createHash } from 'node:crypto';
import { DELETE_OPTIONS, LIST_META, OBJECT_META, STATUS } from './object-meta.ts';
import type { ApiResource, Verb } from './resource.ts';
import type { GroupVersion } from './routes.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** /openapi/v3: where the document is; the hash lets clients keep it for as long as it stays the same. */
export function openApiIndex({ group, version }: GroupVersion, document: object): object {
  const path = `apis/${group}/${version}`;
  const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase();
  return { paths: { [path]: { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` } } };
}

/** /openapi/v3/apis/<group>/<version>: what kubectl explains, and checks its flags against. */
export function openApiDocument(of: GroupVersion, resources: readonly ApiResource[]): object {
  const schemas = resources.flatMap((resource) => Object.entries(schemasOf(of, resource)));
  return {
    openapi: '3.0.0',
    info: { title: of.group, version: of.version },
    paths: Object.fromEntries(resources.flatMap((resource) => Object.entries(pathsOf(of, resource)))),
    components: {
      schemas: {
        ...Object.fromEntries(schemas),
        [`${META}.ObjectMeta`]: OBJECT_META,
        [`${META}.ListMeta`]: LIST_META,
        [`${META}.Status`]: STATUS,
        [`${META}.DeleteOptions`]: DELETE_OPTIONS,
      },
    },
  };
}

/** `dev.fairlead.keys.v1alpha1.SecretKey`: as Kubernetes names them, the group back to front. */
function schemaName({ group, version }: GroupVersion, kind: string): string {
  return `${group.split('.').toReversed().join('.')}.${version}.${kind}`;
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const withRef = (name: string, description: string) => ({ description, allOf: [ref(name)] });
const TYPE = {
  apiVersion: { type: 'string', description: 'The version of the API.' },
  kind: { type: 'string', description: 'The kind of the object.' },
};

function schemasOf(of: GroupVersion, { kind, schema }: ApiResource): Record<string, object> {
  const { description, properties } = schema;
  return {
    [schemaName(of, kind)]: {
      ...{ type: 'object', description },
      properties: {
        ...TYPE,
        metadata: withRef(`${META}.ObjectMeta`, OBJECT_META.description),
        ...properties,
      },
      'x-kubernetes-group-version-kind': [{ ...of, kind }],
    },
    [schemaName(of, `${kind}List`)]: {
      type: 'object',
      description: `A list of ${kind} objects.`,
      required: ['items'],
      properties: {
        ...TYPE,
        metadata: withRef(`${META}.ListMeta`, LIST_META.description),
        items: { type: 'array', description: 'The objects.', items: ref(schemaName(of, kind)) },
      },
      'x-kubernetes-group-version-kind': [{ ...of, kind: `${kind}List` }],
    },
  };
}

const text = { type: 'string' };
const parameter = (name: string, description: string, schema: object = text) => ({
  name,
  in: 'query',
  description,
  schema,
});
const inPath = (name: string, description: string) => ({
  ...{ name, in: 'path', required: true, description },
  schema: { type: 'string', minLength: 1 },
});

const NAMESPACE = inPath('namespace', 'The namespace.');
const NAME = inPath('name', 'The name of the object.');
const DRY_RUN = parameter('dryRun', 'All: everything is checked, nothing is done.', {
  type: 'string',
  enum: ['All'],
});
const WRITING = [
  DRY_RUN,
  parameter('fieldManager', 'Means nothing here.'),
  parameter('fieldValidation', 'What becomes of fields that are not known: Ignore, Warn or Strict.', {
    type: 'string',
    enum: ['Ignore', 'Warn', 'Strict'],
  }),
];
const LISTING = [
  parameter('fieldSelector', 'Only objects with these fields.'),
  parameter('labelSelector', 'Objects here have no labels.'),
  parameter('limit', 'At most so many items.', { type: 'integer', minimum: 0 }),
  parameter('continue', 'Where the page begins.'),
];

/** Every path with every verb that has a handler, whether discovery tells of it or not. */
function pathsOf(of: GroupVersion, resource: ApiResource): Record<string, object> {
  const { plural } = resource;
  const base = `/apis/${of.group}/${of.version}`;
  const op = operations(of, resource);
  const collection = { ...op('list', 'get', LISTING), ...op('create', 'post', WRITING) };
  const object = {
    ...op('get', 'get', []),
    ...op('update', 'put', WRITING),
    ...op('delete', 'delete', [DRY_RUN]),
    // kubectl looks up here, and nowhere else, whether the server knows these parameters.
    ...((resource.create ?? resource.update) && { patch: notServed(of, resource, WRITING) }),
  };
  const everywhere = op('list', 'get', LISTING, 'ForAllNamespaces');
  return {
    ...(resource.list && { [`${base}/${plural}`]: everywhere }),
    [`${base}/namespaces/{namespace}/${plural}`]: { parameters: [NAMESPACE], ...collection },
    ...(Object.keys(object).length > 0 && {
      [`${base}/namespaces/{namespace}/${plural}/{name}`]: { parameters: [NAMESPACE, NAME], ...object },
    }),
  };
}

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch';
function operations(of: GroupVersion, resource: ApiResource) {
  return (verb: Verb, method: Method, parameters: readonly object[], suffix = '') => {
    if (!resource[verb]) return {};
    const { kind } = resource;
    const answer =
      verb === 'delete' ? `${META}.Status` : schemaName(of, verb === 'list' ? `${kind}List` : kind);
    const body = verb === 'delete' ? `${META}.DeleteOptions` : schemaName(of, kind);
    return {
      [method]: {
        ...common(of, resource, verb === 'list' ? 'list' : method, suffix),
        parameters,
        ...(['post', 'put', 'delete'].includes(method) && {
          requestBody: { required: method !== 'delete', content: json(body) },
        }),
        responses: {
          [verb === 'create' ? '201' : '200']: { description: 'Done.', content: json(answer) },
          default: { description: 'Why not.', content: json(`${META}.Status`) },
        },
      },
    };
  };
}

function notServed(of: GroupVersion, resource: ApiResource, parameters: readonly object[]): object {
  return {
    ...common(of, resource, 'patch', ''),
    description: 'Not served.',
    parameters,
    responses: {
      '405': { description: 'It is not served.', content: json(`${META}.Status`) },
      default: { description: 'Why not.', content: json(`${META}.Status`) },
    },
  };
}

function common(of: GroupVersion, { kind }: ApiResource, action: string, suffix: string): object {
  const group = of.group.split('.').map(capital).join('');
  return {
    operationId: `${action}${group}${capital(of.version)}Namespaced${kind}${suffix}`,
    tags: [`${of.group}_${of.version}`],
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { ...of, kind },
  };
}

function json(schema: string): object {
  return { 'application/json': { schema: ref(schema) } };
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
