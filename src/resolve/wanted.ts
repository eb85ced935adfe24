import { GLOBAL, LIMITS, PLACEHOLDER_VARIABLE_PREFIX } from '../api/names.ts';
import type { ConfEntry, EnvEntry, ImportEntry } from '../api/secret-reference.ts';
import type { StorageConfigSpec } from '../api/storage-config.ts';
import { placeKey, placeOf, sameSecret, type Place, type SecretSpot, type Source } from './place.ts';
import type { Problem } from './problem.ts';
import { storageEntries, type SdkFamily, type Storage } from './storage.ts';

/** One variable that a workload asks for, or one Spark property. */
export interface Wanted {
  readonly name: string;
  readonly secret: SecretSpot;
  readonly optional: boolean;
  /** Who asks for it first; absent for a placeholder. */
  readonly from?: Asker;
}

/** An object that pods name, and that says what they get. */
export interface Asker {
  readonly kind: 'SecretReference' | 'StorageConfig';
  readonly name: string;
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
  /** Of these some values stand in themselves. */
  readonly storages: readonly Storage[];
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

interface Missing {
  readonly missing: string;
}

/** Every source that a reference names, as often as it names it. */
export function sourcesOf(entries: Entries): Source[] {
  return placedIn(entries).map(({ source }) => source);
}

/** What of a storage carries a source. */
type StorageSecrets = Pick<StorageConfigSpec, 'accessKeySecret' | 'storageSecret'>;

/** The same of a storage. */
export function sourcesOfStorage(storage: StorageSecrets): Source[] {
  return secretsOf(storage).map(({ source }) => source);
}

/** The distinct places that a storage names. */
export function placesInStorage(storage: StorageSecrets): Place[] {
  return distinct(secretsOf(storage));
}

function secretsOf({ accessKeySecret, storageSecret }: StorageSecrets) {
  return [accessKeySecret, storageSecret].filter((secret) => secret !== undefined);
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
export function placesOf({
  variables,
  properties,
  imports,
}: Pick<WantedSet, 'variables' | 'properties' | 'imports'>): Place[] {
  const secrets = [...variables, ...properties].map(({ secret }) => secret);
  return distinct([...secrets, ...imports.map(({ entry }) => entry)]);
}

function distinct(placed: readonly Parameters<typeof placeOf>[0][]): Place[] {
  const places = placed.map(placeOf);
  return [...new Map(places.map((place) => [placeKey(place), place])).values()];
}

/**
 * Merges what several references, storages and the placeholders of a pod ask for. The same name with the same source is
 * one variable; with different sources it is a conflict, and no order decides silently. Required wins over optional.
 * Of several storages whose SDKs read the same variables the first one has them.
 */
export function collectWanted(
  references: readonly (ReferenceEntries | Missing)[],
  placeholderKeys: readonly string[],
  storages: readonly (Storage | Missing)[] = [],
): WantedSet {
  const variables = new Map<string, Named>();
  const properties = new Map<string, Named>();
  const imports: WantedImport[] = [];
  const problems: Problem[] = [];
  problems.push(
    ...tooMany('SecretReference', references.length, LIMITS.referencesPerPod),
    ...tooMany('StorageConfig', storages.length, LIMITS.storagesPerPod),
  );
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
    const from: Asker = { kind: 'SecretReference', name: reference.name };
    problems.push(...merge(variables, env, from), ...merge(properties, sparkConf, from));
  }
  const served = new Set<SdkFamily>();
  for (const storage of storages.slice(0, LIMITS.storagesPerPod)) {
    if ('missing' in storage) {
      problems.push({
        reason: 'StorageConfigNotFound',
        message: `StorageConfig ${storage.missing} does not exist in this namespace`,
      });
      continue;
    }
    const { family, ...entries } = storageEntries(storage);
    const from: Asker = { kind: 'StorageConfig', name: storage.name };
    if (!served.has(family)) problems.push(...merge(variables, entries.variables, from));
    served.add(family);
    problems.push(...merge(properties, entries.properties, from));
  }
  // Their names are reserved, so no reference has one of them.
  const placeholders = [...new Set(placeholderKeys)].map(placeholderVariable);
  const set = {
    variables: [...variables.values(), ...placeholders],
    properties: [...properties.values()],
    imports,
    storages: storages.flatMap((one) => ('missing' in one ? [] : one)),
    problems,
  };
  return tooManyPlaces(set) ?? set;
}

type Named = Wanted & { readonly from: Asker };

interface Entry {
  readonly name: string;
  readonly secret: SecretSpot;
  readonly optional?: boolean | undefined;
}

/** Adds the entries of a reference or storage to those of others. */
function merge(known: Map<string, Named>, entries: readonly Entry[], from: Asker): Problem[] {
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

function conflict(wanted: Named, other: Asker): Problem {
  const { from } = wanted;
  const isOfOneKind = other.kind === from.kind;
  const where =
    isOfOneKind && other.name === from.name
      ? `twice in ${from.kind} ${from.name}`
      : `in ${other.kind}${isOfOneKind ? `s ${other.name} and ` : ` ${other.name} and ${from.kind} `}${from.name}`;
  return {
    reason: 'NameConflict',
    entry: wanted.name,
    secret: wanted.secret,
    message: `is defined ${where} with different sources`,
  };
}

function tooMany(kind: Asker['kind'], count: number, limit: number): Problem[] {
  if (count <= limit) return [];
  const message = `the pod names ${count} ${kind}s; at most ${limit} are allowed`;
  return [{ reason: 'QuotaExceeded', message }];
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
  return { variables: [], properties: [], imports: [], storages: [], problems: [...set.problems, problem] };
}
