import { LIMITS } from '../api/names.ts';
import type { ImportEntry } from '../api/secret-reference.ts';
import { isMap, plainUpTo, type Json, type JsonMap } from '../json/json.ts';
import { nameProblem, partName, variableName, type Part } from './import-names.ts';
import { shown, type Finding } from './problem.ts';
import type { JsonReader } from './property.ts';
import { selectKeys } from './select.ts';
import type { FieldsState, FieldValue } from './state.ts';

/** One variable that an import makes. */
export interface Imported extends Part {
  readonly variable: string;
  readonly value: FieldValue;
}

export interface Expansion {
  readonly variables: readonly Imported[];
  readonly problems: readonly Finding[];
}

/** All keys of a place together: patterns are tried on each of them, and one thread serves everybody. */
const MAX_KEY_CHARACTERS = 65_536;
const MAX_DEPTH = 16;
const NAMED_KEYS = 5;

/**
 * The variables that an import makes of the fields of its place. What cannot become one is a problem that names the
 * key: nothing is left out silently, and no order decides between two keys. Tells no value; never throws.
 */
export function expandImport(
  entry: ImportEntry,
  { fields, location }: FieldsState,
  json: JsonReader,
): Expansion {
  if ([...fields.keys()].reduce((sum, key) => sum + key.length, 0) > MAX_KEY_CHARACTERS) {
    return only(
      'QuotaExceeded',
      `${location} has more keys than an import can look through; use several paths`,
    );
  }
  const { keys, missing } = selectKeys(fields.keys(), entry.select);
  const variables: Imported[] = [];
  const problems: Finding[] = [];
  if (missing.length > 0) problems.push({ reason: 'KeyNotFound', message: notThere(location, missing) });
  for (const key of keys) {
    for (const { path, value } of partsOf(key)) {
      const variable = variableName(entry, { key, path });
      const problem = value === undefined ? tooDeep(key) : nameProblem(variable, { key, path });
      if (problem) problems.push(problem);
      else if (value !== undefined) variables.push({ variable, key, path, value });
      if (variables.length + problems.length > LIMITS.importedVariablesPerPod) return TOO_MANY;
    }
  }
  return { variables, problems: [...problems, ...conflicts(variables)] };

  function partsOf(key: string): Iterable<Leaf> {
    const object = entry.expandJson ? json.value(fields, key) : undefined;
    return isMap(object) ? leavesOf(object, []) : [{ path: [], value: fields.get(key) }];
  }
}

interface Leaf {
  readonly path: readonly string[];
  /** Undefined for what lies too deep. */
  readonly value: FieldValue | undefined;
}

/** Arrays are leaves, as they are values; an empty object has none. */
function* leavesOf(object: JsonMap, above: readonly string[]): Generator<Leaf> {
  for (const [name, value] of object) {
    const path = [...above, name];
    if (!isMap(value)) yield { path, value: textOf(value) };
    else if (path.length < MAX_DEPTH) yield* leavesOf(value, path);
    else yield { path, value: undefined };
  }
}

/** What is too long for a variable is cut, but stays too long for one. */
function textOf(value: Json): string {
  return plainUpTo(value, LIMITS.variableBytes) ?? ' '.repeat(LIMITS.variableBytes + 1);
}

/** Two that end in one variable, and a value beside what lies below it: `db` and `db/password`. */
function conflicts(variables: readonly Imported[]): Finding[] {
  const byVariable = new Map<string, Imported>();
  const byName = new Map(variables.map((one) => [dotted(one), one]));
  return variables.flatMap((one): Finding[] => {
    const twin = byVariable.get(one.variable);
    if (twin) return [conflict(twin, one, `both make the variable ${one.variable}`)];
    byVariable.set(one.variable, one);
    const parent = parentNames(dotted(one)).find((name) => byName.has(name));
    const above = parent === undefined ? undefined : byName.get(parent);
    return above ? [conflict(above, one, 'are a value and something below it')] : [];
  });
}

function conflict(one: Part, other: Part, why: string): Finding {
  return {
    reason: 'NameConflict',
    message: `${partName(one)} and ${partName(other)} ${why}: exclude one of them`,
  };
}

/** `db/password`, `db.password` and the leaf `password` of `db` lie in the same place below `db`. */
function dotted({ key, path }: Part): string {
  return [key, ...path].join('.').replaceAll('/', '.');
}

function parentNames(name: string): string[] {
  return [...name.matchAll(/(?<=.)[.](?=.)/g)].map(({ index }) => name.slice(0, index));
}

function notThere(location: string, missing: readonly string[]): string {
  const more = missing.length > NAMED_KEYS ? ` and ${missing.length - NAMED_KEYS} more` : '';
  const names = missing.slice(0, NAMED_KEYS).map(shown).join(', ');
  return `${location} has no key ${names}${more}`;
}

function only(reason: Finding['reason'], message: string): Expansion {
  return { variables: [], problems: [{ reason, message }] };
}

const TOO_MANY = only(
  'QuotaExceeded',
  `makes more than ${LIMITS.importedVariablesPerPod} variables; select fewer keys`,
);

function tooDeep(key: string): Finding {
  return {
    reason: 'QuotaExceeded',
    message: `key ${shown(key)} holds objects in more than ${MAX_DEPTH} levels: exclude it, or import it without expandJson`,
  };
}
