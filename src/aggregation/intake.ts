import { StatusError } from './errors.ts';
import { knownFields } from './fields.ts';
import { OBJECT_META } from './object-meta.ts';
import type { FieldValidation } from './query.ts';
import { dryRunOf } from './query.ts';
import type { ApiResource } from './resource.ts';
import type { GroupVersion } from './routes.ts';

/** Holds the whole object as kubectl apply sent it, with everything that is write-only. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface Taken {
  readonly body: { readonly metadata: object };
  readonly warnings: readonly string[];
}

export interface IntakeOptions extends GroupVersion {
  readonly resource: Pick<ApiResource, 'kind' | 'schema'>;
  readonly fieldValidation: FieldValidation;
  readonly namespace: string;
  /** Of an update. */
  readonly name?: string | undefined;
}

/**
 * The object of a create or update, as handlers get it: of the right kind, with the namespace (and of an update the
 * name) of the path, without fields that nobody knows, and without copies of itself. Throws StatusError BadRequest.
 */
export function takeObject(raw: unknown, options: IntakeOptions): Taken {
  const { resource, group, version, fieldValidation, namespace, name } = options;
  if (!isObject(raw)) throw bad('the body must be an object');
  const { apiVersion = `${group}/${version}`, kind = resource.kind, metadata = {} } = raw;
  if (apiVersion !== `${group}/${version}` || kind !== resource.kind)
    throw bad(`the body must be a ${resource.kind} of ${group}/${version}`);
  if (!isObject(metadata)) throw bad('metadata must be an object');
  if (!sameOrAbsent(metadata['namespace'], namespace))
    throw bad('the namespace of the object does not match the namespace of the request');
  if (name !== undefined && !sameOrAbsent(metadata['name'], name))
    throw bad('the name of the object does not match the name of the request');

  const schema = {
    properties: { apiVersion: {}, kind: {}, metadata: OBJECT_META, ...resource.schema.properties },
  };
  const { value, unknown } = knownFields({ ...raw, metadata: withoutCopies(metadata) }, schema);
  const texts = unknown.map((path) => `unknown field "${path}"`);
  if (texts.length > 0 && fieldValidation === 'Strict')
    throw bad(`strict decoding error: ${texts.join(', ')}`);
  const known = value as { readonly metadata: object };
  return {
    body: { ...known, metadata: { ...known.metadata, namespace, ...(name !== undefined && { name }) } },
    warnings: fieldValidation === 'Warn' ? texts : [],
  };
}

/** DeleteOptions of a delete, if there are any, and whether they or the query say that it is a dry run. */
export function takeDeleteOptions(raw: unknown, dryRun: boolean): { body?: unknown; dryRun: boolean } {
  if (raw === undefined) return { dryRun };
  if (!isObject(raw)) throw bad('the body must be DeleteOptions');
  const { kind = 'DeleteOptions', dryRun: values = [] } = raw;
  if (kind !== 'DeleteOptions' || !Array.isArray(values ?? [])) throw bad('the body must be DeleteOptions');
  return { body: raw, dryRun: dryRunOf((values ?? []) as readonly unknown[]) || dryRun };
}

/** security: what kubectl and the API server note about an object repeats what it says. */
function withoutCopies(given: Readonly<Record<string, unknown>>): object {
  const { managedFields: _, ...metadata } = given;
  const { annotations } = metadata;
  if (!isObject(annotations)) return metadata;
  const rest = Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED);
  if (rest.length > 0) return { ...metadata, annotations: Object.fromEntries(rest) };
  const { annotations: __, ...bare } = metadata;
  return bare;
}

function sameOrAbsent(given: unknown, wanted: string): boolean {
  return given === undefined || given === null || given === '' || given === wanted;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string): StatusError {
  return new StatusError('BadRequest', message);
}
