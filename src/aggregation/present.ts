import type { Form } from './accept.ts';
import type { ApiQuery } from './query.ts';
import type { ApiObject, ApiResource, ListAnswer } from './resource.ts';
import type { GroupVersion } from './routes.ts';

export interface Presenting extends GroupVersion {
  readonly resource: Pick<ApiResource, 'kind' | 'columns'>;
  readonly form: Form;
  readonly includeObject: ApiQuery['includeObject'];
}

const META = 'meta.k8s.io/v1';

/** One object, in the form that was asked for. */
export function presentObject(object: ApiObject, how: Presenting): object {
  switch (how.form) {
    case 'object':
      return typed(object, how);
    case 'metadata':
      return partial(object);
    case 'table':
      return table([object], {}, how);
  }
}

/** A list, in the form that was asked for. */
export function presentList(
  { items, continueToken, remainingItemCount }: ListAnswer,
  how: Presenting,
): object {
  const metadata = {
    resourceVersion: '',
    ...(continueToken !== undefined && { continue: continueToken }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
  switch (how.form) {
    case 'object': {
      const { group, version, resource } = how;
      const type = { kind: `${resource.kind}List`, apiVersion: `${group}/${version}` };
      return { ...type, metadata, items: items.map((object) => typed(object, how)) };
    }
    case 'metadata':
      return { kind: 'PartialObjectMetadataList', apiVersion: META, metadata, items: items.map(partial) };
    case 'table':
      return table(items, metadata, how);
  }
}

function typed(object: ApiObject, { group, version, resource }: Presenting): object {
  return { apiVersion: `${group}/${version}`, kind: resource.kind, ...object };
}

function partial({ metadata }: ApiObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: META, metadata };
}

function table(items: readonly ApiObject[], metadata: object, how: Presenting): object {
  const { columns } = how.resource;
  const rows = items.map((object) => ({
    cells: columns.map(({ cell }) => cell(object)),
    object: rowObject(object, how),
  }));
  const columnDefinitions = columns.map(({ name, description, priority }, i) => ({
    name,
    type: typeOf(rows[0]?.cells[i]),
    // kubectl puts the kind before what has this format, when several kinds are shown.
    format: name.toLowerCase() === 'name' ? 'name' : '',
    description,
    priority,
  }));
  return { kind: 'Table', apiVersion: META, metadata, columnDefinitions, rows };
}

function rowObject(object: ApiObject, how: Presenting): object | null {
  switch (how.includeObject) {
    case 'None':
      return null;
    case 'Metadata':
      return partial(object);
    case 'Object':
      return typed(object, how);
  }
}

function typeOf(cell: unknown): 'string' | 'number' | 'boolean' {
  return typeof cell === 'number' || typeof cell === 'boolean'
    ? (typeof cell as 'number' | 'boolean')
    : 'string';
}
