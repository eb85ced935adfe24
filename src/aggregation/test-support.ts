import { StatusError } from './errors.ts';
import type { ApiObject, ApiResource, ResourceRequest } from './resource.ts';

/** What the placeholder holds, and what it was asked. */
export interface Placeholders {
  readonly resource: ApiResource;
  readonly objects: Map<string, ApiObject>;
  readonly requests: ResourceRequest[];
}

const keyOf = ({ namespace = '', name = '' }: Pick<ResourceRequest, 'namespace' | 'name'>) =>
  `${namespace}/${name}`;

/** A kind that keeps its objects in memory, to prove the core with. `spec.value` is write-only. */
export function placeholders(): Placeholders {
  const objects = new Map<string, ApiObject>();
  const requests: ResourceRequest[] = [];
  const found = (request: ResourceRequest): ApiObject => {
    const object = objects.get(keyOf(request));
    if (!object) throw new StatusError('NotFound', 'there is no such placeholder');
    return object;
  };
  const write = (request: ResourceRequest): ApiObject => {
    const { metadata, spec = {} } = request.body as ApiObject & { spec?: { color?: string; value?: string } };
    const { name = '' } = metadata;
    const { color = 'none', value } = spec;
    if (value === undefined)
      throw new StatusError('Invalid', 'spec.value is required', {
        name,
        causes: [{ field: 'spec.value', reason: 'FieldValueRequired', message: 'is required' }],
      });
    const { namespace = '' } = request;
    const object = { metadata: { name, namespace }, spec: { color, length: value.length } };
    if (!request.dryRun) objects.set(keyOf({ namespace, name }), object);
    return object;
  };
  const asked =
    <A>(answer: (request: ResourceRequest) => A) =>
    async (request: ResourceRequest): Promise<A> => {
      requests.push(request);
      return answer(request);
    };
  return {
    objects,
    requests,
    resource: {
      plural: 'placeholders',
      singular: 'placeholder',
      kind: 'Placeholder',
      shortNames: ['ph'],
      advertised: ['get', 'list', 'create', 'update'],
      columns: [
        { name: 'Name', description: 'The name.', priority: 0, cell: ({ metadata }) => metadata.name ?? '' },
        { name: 'Color', description: 'The color.', priority: 0, cell: (object) => specOf(object).color },
        {
          name: 'Length',
          description: 'Of the value.',
          priority: 1,
          cell: (object) => specOf(object).length,
        },
      ],
      selectable: ['spec.color'],
      schema: {
        description: 'Holds a place.',
        properties: {
          spec: {
            type: 'object',
            description: 'What is wanted.',
            properties: {
              color: { type: 'string', description: 'Any color.' },
              value: { type: 'string', description: 'Write-only.' },
              length: { type: 'integer', description: 'Of the value.' },
              parts: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
            },
          },
        },
      },
      list: asked((request) => {
        const all = [...objects.values()].filter((object) => isSelected(object, request));
        const from = Number(request.continueToken ?? 0);
        const to = from + (request.limit ?? all.length);
        return {
          items: all.slice(from, to),
          ...(to < all.length && { continueToken: String(to), remainingItemCount: all.length - to }),
          warnings: all.length === 0 ? ['nothing is here'] : [],
        };
      }),
      get: asked((request) => ({ object: found(request) })),
      create: asked((request) => {
        const { name } = (request.body as ApiObject).metadata;
        if (objects.has(keyOf({ namespace: request.namespace, name })))
          throw new StatusError('AlreadyExists', 'it is there already', { name });
        return { object: write(request), warnings: ['was "made"'] };
      }),
      update: asked((request) => {
        found(request);
        return { object: write(request) };
      }),
      delete: asked((request) => {
        const object = found(request);
        if (!request.dryRun) objects.delete(keyOf(request));
        return { object, warnings: ['somebody may miss it'] };
      }),
    },
  };
}

function specOf(object: ApiObject): { readonly color: string; readonly length: number } {
  return object['spec'] as { color: string; length: number };
}

function isSelected(object: ApiObject, { namespace, fieldSelector }: ResourceRequest): boolean {
  const { metadata } = object;
  const values = new Map<string, unknown>([
    ['metadata.name', metadata.name],
    ['metadata.namespace', metadata.namespace],
    ['spec.color', specOf(object).color],
  ]);
  return (
    (namespace === undefined || metadata.namespace === namespace) &&
    fieldSelector.every(({ field, equals, value }) => (values.get(field) === value) === equals)
  );
}
