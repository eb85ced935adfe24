import type { Code, Found } from './codes.ts';
import { isObject, type Json, type JsonObject, type Path } from './documents.ts';
import { holds } from './cel.ts';

/** What is used of the OpenAPI schema of a CRD. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

/** What the API server would say about a value, by the schema that it has: structure first, then the rules. */
export function check(value: Json, schema: Schema, path: Path): Found[] {
  const structural = structure(value, schema, path);
  return structural.length > 0 ? structural : rules(value, schema, path);
}

/** A null counts as absent: the API server drops it. */
function structure(value: Json, schema: Schema, path: Path): Found[] {
  const { type } = schema;
  if (!hasType(value, type)) return [found('WrongType', path, `must be ${article(type)}`)];
  if (typeof value === 'string') return text(value, schema, path);
  if (typeof value === 'number') return numeric(value, schema, path);
  if (Array.isArray(value)) return list(value as readonly Json[], schema, path);
  return isObject(value) ? object(value, schema, path) : [];
}

function object(value: JsonObject, { properties, required = [] }: Schema, path: Path): Found[] {
  // metadata and its like: any object.
  if (!properties) return [];
  const missing = required
    .filter((name) => (value[name] ?? null) === null)
    .map((name) => ({
      ...found('RequiredField', path, `${dotted([...path, name])} is missing`),
      atKey: true,
    }));
  const inside = Object.entries(value).flatMap(([name, field]) => {
    if (field === null) return [];
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (schema) return structure(field, schema, [...path, name]);
    return [{ ...found('UnknownField', [...path, name], 'is no field of this kind'), atKey: true }];
  });
  return [...missing, ...inside];
}

function list(items: readonly Json[], schema: Schema, path: Path): Found[] {
  const { minItems = 0, maxItems = Infinity, items: item = {} } = schema;
  const size =
    items.length < minItems
      ? [found('WrongValue', path, `should have at least ${minItems} items`)]
      : items.length > maxItems
        ? [found('WrongValue', path, `must have at most ${maxItems} items`)]
        : [];
  const inside = items.flatMap((one, index) => structure(one, item, [...path, index]));
  return [...size, ...inside, ...duplicates(items, schema, path)];
}

function duplicates(items: readonly Json[], schema: Schema, path: Path): Found[] {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return [];
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const identity = JSON.stringify(
      kind === 'set' || !isObject(item) ? item : keys.map((key) => item[key] ?? null),
    );
    if (!seen.has(identity)) {
      seen.add(identity);
      return [];
    }
    const by = kind === 'map' ? ` of the same ${keys.join(' and ')}` : '';
    return [found('DuplicateItem', [...path, index], `Duplicate value: there is an item${by} before it`)];
  });
}

function text(
  value: string,
  { enum: allowed, minLength = 0, maxLength = Infinity }: Schema,
  path: Path,
): Found[] {
  if (allowed && !allowed.includes(value))
    return [
      found(
        'WrongValue',
        path,
        `Unsupported value: supported values: ${allowed.map((one) => `"${one}"`).join(', ')}`,
      ),
    ];
  const { length } = Array.from(value);
  if (length < minLength) return [found('WrongValue', path, `must have at least ${minLength} characters`)];
  if (length > maxLength) return [found('WrongValue', path, `must have at most ${maxLength} characters`)];
  return [];
}

function numeric(value: number, { minimum = -Infinity, maximum = Infinity }: Schema, path: Path): Found[] {
  if (value < minimum) return [found('WrongValue', path, `should be greater than or equal to ${minimum}`)];
  if (value > maximum) return [found('WrongValue', path, `should be less than or equal to ${maximum}`)];
  return [];
}

/** Inside out, as the API server does. */
function rules(value: Json, schema: Schema, path: Path): Found[] {
  const inside = Array.isArray(value)
    ? (value as readonly Json[]).flatMap((item, index) => rules(item, schema.items ?? {}, [...path, index]))
    : isObject(value)
      ? Object.entries(value).flatMap(([name, field]) => {
          const { properties = {} } = schema;
          const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
          return own && field !== null ? rules(field, own, [...path, name]) : [];
        })
      : [];
  const own = (schema['x-kubernetes-validations'] ?? []).filter(({ rule }) => holds(rule, value) === false);
  return [...inside, ...own.map(({ message }) => found('RuleViolated', path, message))];
}

function hasType(value: Json, type: string | undefined): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type;
    default:
      return true;
  }
}

function article(type = 'something else'): string {
  const shown: Readonly<Record<string, string>> = {
    array: 'a list',
    object: 'an object',
    integer: 'a whole number',
    string: 'a text',
  };
  return shown[type] ?? `a ${type}`;
}

function found(code: Code, path: Path, message: string): Found {
  const about = dotted(path);
  const named = code === 'RequiredField' || about === '' ? message : `${about}: ${message}`;
  return { code, path, message: named };
}

/** `spec.env[3].name`. Names of fields come from the file: they are shortened, and bare of control characters. */
export function dotted(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.slice(0, 64)}`))
    .join('')
    .replace(/^\./, '');
}
