import { LIMITS } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import { plainUpTo } from '../json/json.ts';
import { Assembly, type Origin } from './assembly.ts';
import { expandImport } from './imports.ts';
import { placeKey, placeOf, type Place, type PlaceKey } from './place.ts';
import type { Finding, Problem } from './problem.ts';
import { JsonReader } from './property.ts';
import type { FieldsState, FieldValue, SourceState } from './state.ts';
import { TOO_LONG } from './value.ts';
import type { Wanted, WantedImport, WantedSet } from './wanted.ts';

/** How one variable or property came out: `Resolved` or the reason why not. For a reference's status. */
export interface EntryState {
  readonly wanted: Wanted;
  readonly problem?: Problem;
  readonly version?: number;
}

/** How one import came out. */
export interface ImportState {
  readonly wanted: WantedImport;
  /** The first one. */
  readonly problem?: Problem;
  readonly version?: number;
  readonly variables: number;
}

export interface Resolution {
  readonly entries: readonly EntryState[];
  readonly imports: readonly ImportState[];
  /** The problems that hold a workload: of all that is not optional, and of the set as a whole. */
  readonly problems: readonly Problem[];
  /** The values by variable name, complete only if there are no problems. */
  readonly data: ReadonlyMap<string, Buffer>;
  /** The same for Spark properties, by their names. */
  readonly properties: ReadonlyMap<string, Buffer>;
  /** The places that were used, with versions: `VAULT/vault-prod/db@7`. */
  readonly provenance: readonly string[];
}

/** How much was found. */
export interface Counts {
  readonly variables: number;
  readonly properties: number;
}

/** `2 variables, 1 Spark property`: how messages tell what was found. */
export function counted({ variables, properties }: Counts): string {
  const more =
    properties === 0 ? '' : `, ${properties} Spark ${properties === 1 ? 'property' : 'properties'}`;
  return `${variables} ${variables === 1 ? 'variable' : 'variables'}${more}`;
}

export function countsOf({ data, properties }: Pick<Resolution, 'data' | 'properties'>): Counts {
  return { variables: data.size, properties: properties.size };
}

export type States = ReadonlyMap<PlaceKey, SourceState>;

/** Puts what is wanted and what the sources said together. Every place of the set must be in `states`. */
export function resolve(wanted: Omit<WantedSet, 'storages'>, states: States): Resolution {
  const assembly = new Assembly();
  const json = new JsonReader();
  const problems: Problem[] = [...wanted.problems];
  const hold = (found: readonly Problem[], optional = false) =>
    problems.push(...found.filter((problem) => !optional || !isMissing(problem)));

  const resolveOne =
    (kind: Kind) =>
    (one: Wanted): EntryState => {
      const place = placeOf(one.secret);
      const state = stateOf(states, place);
      const { excess } = assembly;
      const about = { entry: one.name, secret: one.secret };
      // The set is held already; what more there is need not be read for that.
      const problem = excess
        ? { ...about, ...excess }
        : resolveEntry(kind, one, place, state, assembly, json);
      if (problem) hold([problem], one.optional);
      return { wanted: one, ...versionOf(state), ...(problem && { problem }) };
    };
  const entries = [
    ...wanted.variables.map(resolveOne('variable')),
    ...wanted.properties.map(resolveOne('property')),
  ];
  const imports = wanted.imports.map((one): ImportState => {
    const place = placeOf(one.entry);
    const state = stateOf(states, place);
    const { variables, found } = assembly.excess
      ? { variables: 0, found: [] }
      : resolveImport(one, place, state, assembly, json);
    hold(found, one.entry.optional);
    const problem = found[0] ?? assembly.excess;
    return { wanted: one, ...versionOf(state), ...(problem && { problem }), variables };
  });
  const { excess } = assembly;
  if (excess) problems.push({ ...excess, ...(imports.length > 0 && { mayPass: true }) });
  const { data, properties, provenance } = assembly;
  return { entries, imports, problems, data, properties, provenance };
}

type Kind = 'variable' | 'property';

/** Only what is known not to be there may be left out: a Vault that is down is no reason to start without. */
const isMissing = ({ reason }: Problem): boolean => MISSING.includes(reason);
const MISSING: readonly Reason[] = [
  'KeyNotFound',
  'PathNotFound',
  'VersionNotFound',
  'SourceDeleted',
  'SourceDestroyed',
  'StoreNotFound',
  'IntegrationNotFound',
];

function resolveEntry(
  kind: Kind,
  { name, secret }: Wanted,
  place: Place,
  state: SourceState,
  assembly: Assembly,
  json: JsonReader,
): Problem | undefined {
  const about = { entry: name, secret };
  const claimed: Origin = {
    place,
    version: state.kind === 'fields' ? state.version : undefined,
    key: secret.key,
    path: secret.property === undefined ? [] : [secret.property],
    by: 'env',
  };
  if (kind === 'variable') assembly.reserve(name, claimed);
  if (state.kind === 'failed') return { ...about, ...failure(state) };
  const found = lookUp(secret, state, json);
  if ('reason' in found) return { ...about, ...found };
  const origin = { ...claimed, path: found.path };
  if (kind === 'variable') assembly.reserve(name, origin);
  const unfit =
    kind === 'variable'
      ? assembly.put(name, found.value, origin)
      : assembly.putProperty(name, found.value, origin);
  return unfit && { ...about, ...unfit };
}

/** The value that a secret object names. */
function lookUp(
  { key, property }: Wanted['secret'],
  { fields, location }: FieldsState,
  json: JsonReader,
): { readonly value: FieldValue; readonly path: readonly string[] } | Finding {
  const value = fields.get(key);
  if (value === undefined) return { reason: 'KeyNotFound', message: `${location} has no such key` };
  if (property === undefined) return { value, path: [] };
  const found = json.property(fields, key, property);
  if (found.kind === 'found') {
    // Not the whole text of what is too long: a few hundred entries may look into one large value.
    const text = plainUpTo(found.value, LIMITS.variableBytes);
    return text === undefined ? TOO_LONG : { value: text, path: found.path };
  }
  return { reason: 'KeyNotFound', message: NO_PROPERTY[found.kind] };
}

const NO_PROPERTY = {
  missing: 'the JSON value of the key has no such property',
  'not JSON': 'the value of the key is not JSON, so it has no properties',
} as const;

function resolveImport(
  { name, entry }: WantedImport,
  place: Place,
  state: SourceState,
  assembly: Assembly,
  json: JsonReader,
): { readonly variables: number; readonly found: readonly Problem[] } {
  const about = { entry: name, place: placeKey(place) };
  if (state.kind === 'failed') return { variables: 0, found: [{ ...about, ...failure(state) }] };
  const expansion = expandImport(entry, state, json);
  const found = [...expansion.problems];
  for (const { variable, value, ...part } of expansion.variables) {
    const origin = { ...part, place, version: state.version, by: name };
    const problem = assembly.import(variable, value, origin);
    if (problem) found.push(problem);
    if (assembly.excess) break;
  }
  const mayPass = true;
  return {
    variables: expansion.variables.length,
    found: found.map((problem) => ({ ...about, ...problem, mayPass })),
  };
}

function stateOf(states: States, place: Place): SourceState {
  const state = states.get(placeKey(place));
  if (!state) throw new RangeError(`no state for ${placeKey(place)}`);
  return state;
}

function failure({ reason, message, retryAfterMs }: Extract<SourceState, { kind: 'failed' }>) {
  return { reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function versionOf(state: SourceState): { readonly version?: number } {
  return state.kind === 'fields' && state.version !== undefined ? { version: state.version } : {};
}
