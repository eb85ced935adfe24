/** An OpenAPI schema, as far as the names of fields go. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

export interface Pruned {
  readonly value: unknown;
  /** Paths of the fields that the schema does not know: `spec.vaule`, `spec.list[0].x`. */
  readonly unknown: readonly string[];
}

const MAX_UNKNOWN = 10;

/**
 * A copy without the fields that a schema does not know. Where the schema names no fields everything stays; what is
 * of another type than it says stays, too: that is told by those who use it. Goes no deeper than the schema.
 */
export function knownFields(value: unknown, schema: object): Pruned {
  const unknown: string[] = [];
  return { value: prune(value, schema, '', unknown), unknown: unknown.slice(0, MAX_UNKNOWN) };
}

function prune(value: unknown, schema: Schema, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item, i) => prune(item, items, `${path}[${i}]`, unknown)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const { properties = {}, additionalProperties: more } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || (!schema.properties && !more);
  if (open) return value;
  const kept = Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const at = `${path}${path === '' ? '' : '.'}${shown(name)}`;
    // `constructor` is no property of a schema.
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known) return [[name, prune(field, known, at, unknown)] as const];
    if (more === true) return [[name, field] as const];
    if (more) return [[name, prune(field, more, at, unknown)] as const];
    unknown.push(at);
    return [];
  });
  return Object.fromEntries(kept);
}

/** security: what stands where the name of a field should be may be anything, a value that slipped for one. */
function shown(name: string): string {
  return /^[A-Za-z][A-Za-z0-9]{0,40}$/.test(name) ? name : '?';
}
