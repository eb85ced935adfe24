/**
 * JSON schemas of kinds as kubeconform reads them, from what an API server says of itself (OpenAPI v3): the schemas are
 * those of the very version that is run, and of every CRD that is installed.
 */
type Schema = Readonly<Record<string, unknown>>;

export interface OpenApi {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const REF = '#/components/schemas/';
/** Of these the parts say something about the object that is described elsewhere: no field of it is unknown to them. */
const PARTS = new Set(['allOf', 'anyOf', 'oneOf', 'not']);

/** Schemas by file name, of the kinds of one group and version. A field that none of them knows is an error. */
export function schemasOf({ components }: OpenApi): Map<string, Schema> {
  const all = components?.schemas ?? {};
  const definitions = Object.fromEntries(
    Object.entries(all).map(([name, schema]) => [name, strict(schema, true)]),
  );
  const files = new Map<string, Schema>();
  for (const [name, schema] of Object.entries(all)) {
    // Those with several kinds are for all of them, like DeleteOptions: nobody applies one.
    const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly Kind[];
    const [kind] = kinds;
    if (kinds.length !== 1 || !kind) continue;
    const used = reachable(name, definitions);
    files.set(schemaFile(kind), {
      $ref: `#/definitions/${name}`,
      definitions: Object.fromEntries(used.map((one) => [one, definitions[one]])),
    });
  }
  return files;
}

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

function schemaFile({ group, version, kind }: Kind): string {
  // What kubeconform takes for the group of v1 is v1.
  return `${kind.toLowerCase()}-${group || version}-${version}.json`;
}

/** A schema as a draft of JSON Schema has it. `whole`: it describes an object, and not a part of what is said about one. */
function strict(schema: unknown, whole: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((item) => strict(item, whole));
  if (typeof schema !== 'object' || schema === null) return schema;
  const made: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$ref') made[key] = String(value).replace(REF, '#/definitions/');
    else if (key === 'properties')
      made[key] = Object.fromEntries(
        Object.entries(value as object).map(([name, one]) => [name, strict(one, whole)]),
      );
    else if (key !== 'default' && key !== 'enum' && key !== 'format')
      made[key] = strict(value, whole && !PARTS.has(key));
    else if (key === 'enum') made[key] = value;
  }
  const source = schema as Schema;
  if (source['nullable'] === true && typeof source['type'] === 'string')
    made['type'] = [source['type'], 'null'];
  const open = source['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in source;
  if (whole && 'properties' in source && !open) made['additionalProperties'] = false;
  return made;
}

/** The names of the schemas that one needs, itself among them. */
function reachable(name: string, definitions: Readonly<Record<string, unknown>>): string[] {
  const seen = new Set([name]);
  for (const one of seen)
    for (const [, next] of JSON.stringify(definitions[one]).matchAll(/"#\/definitions\/([^"]+)"/g))
      if (next !== undefined && Object.hasOwn(definitions, next)) seen.add(next);
  return [...seen];
}
