import { GLOBAL, LIMITS, PLACEHOLDER_VARIABLE_PREFIX } from '../api/names.ts';
import type { ConfEntry, EnvEntry, ImportEntry, SecretObject } from '../api/secret-reference.ts';
import { placeKey, placeOf, type Place, type Source } from './place.ts';
import type { Problem } from './problem.ts';

/** One variable that a workload asks for, or one Spark property. */
export interface Wanted {
  readonly name: string;
  readonly secret: SecretObject;
  readonly optional: boolean;
  /** The reference that asks for it first; absent for a placeholder. */
  readonly from?: string;
}

/** Many variables at once; which ones, the source decides. */
export interface WantedImport {
  /** `envFrom[0] of warehouse`: how messages name it. */
  readonly name: string;
  /** The reference. */
  readonly from?: string;
  readonly entry: ImportEntry;
}

export interface WantedSet {
  readonly variables: readonly Wanted[];
  /** Spark properties; none has the name of a variable. */
  readonly properties: readonly Wanted[];
  readonly imports: readonly WantedImport[];
  readonly problems: readonly Problem[];
}

/** What a reference says, as far as the resolver cares. */
export interface ReferenceEntries {
  readonly name: string;
  readonly env?: readonly EnvEntry[] | undefined;
  readonly envFrom?: readonly ImportEntry[] | undefined;
  readonly sparkConf?: readonly ConfEntry[] | undefined;
}

type Entries = Omit<ReferenceEntries, 'name'>;

/** Every source that a reference names, as often as it names it. */
export function sourcesOf(entries: Entries): Source[] {
  return placedIn(entries).map(({ source }) => source);
}

/** The distinct places that a reference names. */
export function placesIn(entries: Entries): Place[] {
  return distinct(placedIn(entries));
}

/** Everything of a reference that carries a source. */
function placedIn({ env = [], envFrom = [], sparkConf = [] }: Entries) {
  return [...[...env, ...sparkConf].map(({ secret }) => secret), ...envFrom];
}

/** The distinct places that a set needs, in order of first use. */
export function placesOf({ variables, properties, imports }: Omit<WantedSet, 'problems'>): Place[] {
  const secrets = [...variables, ...properties].map(({ secret }) => secret);
  return distinct([...secrets, ...imports.map(({ entry }) => entry)]);
}

function distinct(placed: readonly Parameters<typeof placeOf>[0][]): Place[] {
  const places = placed.map(placeOf);
  return [...new Map(places.map((place) => [placeKey(place), place])).values()];
}

/**
 * Merges what several references and the placeholders of a pod ask for. The same name with the same source is
 * one variable; with different sources it is a conflict, and no order decides silently. Required wins over optional.
 */
export function collectWanted(
  references: readonly (ReferenceEntries | { readonly missing: string })[],
  placeholderKeys: readonly string[],
): WantedSet {
  const variables = new Map<string, Named>();
  const properties = new Map<string, Named>();
  const imports: WantedImport[] = [];
  const problems: Problem[] = [];
  if (references.length > LIMITS.referencesPerPod) {
    problems.push({
      reason: 'QuotaExceeded',
      message: `the pod names ${references.length} SecretReferences; at most ${LIMITS.referencesPerPod} are allowed`,
    });
  }
  for (const reference of references.slice(0, LIMITS.referencesPerPod)) {
    if ('missing' in reference) {
      problems.push({
        reason: 'ReferenceNotFound',
        message: `SecretReference ${reference.missing} does not exist in this namespace`,
      });
      continue;
    }
    problems.push(...tooManyIntegrations(reference));
    const { env = [], envFrom = [], sparkConf = [] } = reference;
    imports.push(
      ...envFrom.map((entry, i) => ({
        name: `envFrom[${i}] of ${reference.name}`,
        from: reference.name,
        entry,
      })),
    );
    problems.push(...merge(variables, env, reference.name), ...merge(properties, sparkConf, reference.name));
  }
  // Their names are reserved, so no reference has one of them.
  const placeholders = [...new Set(placeholderKeys)].map(placeholderVariable);
  const set = {
    variables: [...variables.values(), ...placeholders],
    properties: [...properties.values()],
    imports,
    problems,
  };
  return tooManyPlaces(set) ?? set;
}

type Named = Wanted & { readonly from: string };

/** Adds the entries of a reference to those of others. */
function merge(
  known: Map<string, Named>,
  entries: readonly (EnvEntry | ConfEntry)[],
  from: string,
): Problem[] {
  return entries.flatMap(({ name, secret, optional }) => {
    const wanted = { name, secret, optional: optional === true, from };
    const other = known.get(name);
    if (other && !sameSecret(other.secret, secret)) return [conflict(wanted, other.from)];
    known.set(name, other ? { ...other, optional: other.optional && wanted.optional } : wanted);
    return [];
  });
}

/** A legacy `${secrets.key}`: always the global store, never Vault, never optional. */
export function placeholderVariable(key: string): Wanted {
  return {
    name: PLACEHOLDER_VARIABLE_PREFIX + key,
    secret: { key, source: { type: 'KUBERNETES', id: GLOBAL } },
    optional: false,
  };
}

function conflict(wanted: Named, other: string): Problem {
  const where =
    other === wanted.from
      ? `twice in SecretReference ${other}`
      : `in SecretReferences ${other} and ${wanted.from}`;
  return {
    reason: 'NameConflict',
    entry: wanted.name,
    secret: wanted.secret,
    message: `is defined ${where} with different sources`,
  };
}

function tooManyIntegrations(reference: ReferenceEntries): Problem[] {
  const vaults = sourcesOf(reference).filter(({ type }) => type === 'VAULT');
  const ids = new Set(vaults.map(({ id }) => id));
  if (ids.size <= LIMITS.integrationsPerReference) return [];
  return [
    {
      reason: 'QuotaExceeded',
      message: `SecretReference ${reference.name} names ${ids.size} integrations; at most ${LIMITS.integrationsPerReference} are allowed`,
    },
  ];
}

/** Then no place is asked at all. */
function tooManyPlaces(set: WantedSet): WantedSet | undefined {
  const { length } = placesOf(set).filter(({ source }) => source.type === 'VAULT');
  if (length <= LIMITS.vaultPlacesPerPod) return undefined;
  const problem: Problem = {
    reason: 'QuotaExceeded',
    message: `${length} different paths and versions of integrations are named; at most ${LIMITS.vaultPlacesPerPod} are allowed for one pod`,
  };
  return { variables: [], properties: [], imports: [], problems: [...set.problems, problem] };
}

function sameSecret(a: SecretObject, b: SecretObject): boolean {
  return a.key === b.key && a.property === b.property && placeKey(placeOf(a)) === placeKey(placeOf(b));
}
