import { DOMAIN_LABEL, GLOBAL } from '../../api/names.ts';
import type { EnvEntry, ImportEntry } from '../../api/secret-reference.ts';
import { refusal } from '../../resolve/permission.ts';
import { placeOf, type Place } from '../../resolve/place.ts';
import { found, type Seen } from '../api/see.ts';
import { collectWanted, type Wanted } from '../../resolve/wanted.ts';
import type { Known, SeenIntegration, SeenReference, SeenStorage } from './known.ts';

export const NOT_VISIBLE = 'not visible';

/** One variable, or one import of many, with all that is known about it. A value is not among that. */
export interface Row {
  /** `DB_PASSWORD`, or `envFrom[0]`. */
  readonly variable: string;
  /** Absent for a placeholder, and where a storage asks for it. */
  readonly reference?: string;
  readonly storage?: string;
  readonly source: { readonly type: string; readonly id: string };
  readonly key: string;
  /** What is read: below the host of the integration, or a store. */
  readonly path: string;
  readonly version?: number;
  readonly optional: boolean;
  /** Is the source open to the namespace's domain? */
  readonly domainCovered: 'yes' | 'no' | typeof NOT_VISIBLE;
  /** May the caller name the integration in a reference? `-` for stores, which need no such right. */
  readonly youMayUse: 'yes' | 'no' | 'unknown' | '-';
  /** `Resolved`, or the reason why not, as of the last check of the reference. */
  readonly state: string;
  /** Of an import. */
  readonly variables?: number;
}

/** A row for all that the references and storages that can be seen give, and for each placeholder of the pod. */
export function rowsOf(known: Known, placeholders: readonly string[]): Row[] {
  const ofReferences = [...known.references.values()].flatMap((seen) => {
    const reference = found(seen);
    if (!reference) return [];
    const { env = [], envFrom = [], sparkConf = [] } = reference.spec;
    return [
      ...[...env, ...sparkConf].map((entry) => variableRow(entry, reference, known)),
      ...envFrom.map((entry, index) => importRow(entry, index, reference, known)),
    ];
  });
  return [...ofReferences, ...ofStorages(known), ...placeholders.map((key) => placeholderRow(key, known))];
}

/** Of several storages of one kind the first one alone gives variables, so they are looked at together. */
function ofStorages(known: Known): Row[] {
  const seen = [...known.storages.values()].flatMap((one) => found(one) ?? []);
  const byName = new Map(seen.map((storage) => [storage.metadata.name, storage]));
  const storages = seen.map(({ metadata: { name }, spec }) => ({ name, spec }));
  const { variables, properties } = collectWanted([], [], storages);
  return [...variables, ...properties].map((wanted) =>
    storageRow(wanted, byName.get(wanted.from?.name ?? ''), known),
  );
}

function storageRow({ name, secret }: Wanted, storage: SeenStorage | undefined, known: Known): Row {
  const status = storage?.status?.entries?.find((one) => one.name === name);
  const version = status?.version ?? secret.version;
  return {
    variable: name,
    ...(storage && { storage: storage.metadata.name }),
    key: secret.key,
    optional: false,
    ...aboutPlace(placeOf(secret), known),
    ...(version !== undefined && { version }),
    state: storage ? stateOf(status?.state, storage) : 'not checked yet',
  };
}

/** Or a Spark property. */
function variableRow(entry: EnvEntry, reference: SeenReference, known: Known): Row {
  const { name, secret, optional = false } = entry;
  const status = reference.status?.entries?.find((one) => one.name === name);
  const version = status?.version ?? secret.version;
  const property = secret.property === undefined ? '' : ` property ${secret.property}`;
  return {
    variable: name,
    reference: reference.metadata.name,
    key: secret.key + property,
    optional,
    ...aboutPlace(placeOf(secret), known),
    ...(version !== undefined && { version }),
    state: stateOf(status?.state, reference),
  };
}

function importRow(entry: ImportEntry, index: number, reference: SeenReference, known: Known): Row {
  const status = reference.status?.imports?.[index];
  const version = status?.version ?? entry.version;
  return {
    variable: `envFrom[${index}]`,
    reference: reference.metadata.name,
    key: entry.select?.keys?.join(',') ?? `${entry.select?.prefix ?? ''}*`,
    optional: entry.optional ?? false,
    ...aboutPlace(placeOf(entry), known),
    ...(version !== undefined && { version }),
    state: stateOf(status?.state, reference),
    ...(status && { variables: status.variables }),
  };
}

function placeholderRow(key: string, known: Known): Row {
  const place: Place = { source: { type: 'KUBERNETES', id: GLOBAL } };
  return {
    ...{ variable: `\${secrets.${key}}`, key, optional: false, ...aboutPlace(place, known) },
    state: 'see the condition',
  };
}

function aboutPlace(
  place: Place,
  known: Known,
): Pick<Row, 'source' | 'path' | 'domainCovered' | 'youMayUse'> {
  const { source } = place;
  const { type, id } = source;
  if (type === 'STORAGE') {
    const path = `the StorageConfig ${id} itself`;
    return { source, path, domainCovered: covered(place, known), youMayUse: '-' };
  }
  if (type === 'KUBERNETES') {
    const path = id === GLOBAL ? 'the global store' : `the store of ${id}`;
    return { source, path, domainCovered: covered(place, known), youMayUse: '-' };
  }
  const integration = known.integrations.get(id);
  return {
    source,
    path: pathOf(place, integration),
    domainCovered: covered(place, known),
    youMayUse: known.use.get(id) ?? 'unknown',
  };
}

/** The API path in Vault, without its host: as the controller understood it, else as it was written. */
function pathOf({ path: below }: Place, seen: Seen<SeenIntegration> | undefined): string {
  if (seen?.kind === 'hidden') return NOT_VISIBLE;
  const integration = found(seen);
  if (!integration) return '';
  const { mount, secretPath } = integration.status ?? {};
  const own = mount && secretPath ? `/v1/${mount}/data/${secretPath}` : integration.spec.path;
  return below === undefined ? own : `${own.replace(/\/$/, '')}/${below}`;
}

/** The check that Fairlead makes at every resolve, as far as everything that it goes by can be seen. */
function covered({ source }: Place, known: Known): Row['domainCovered'] {
  const namespace = found(known.ofNamespace);
  if (!namespace) return NOT_VISIBLE;
  const domain = domainOf(known);
  if (domain !== undefined && source.type === 'VAULT' && known.integrations.get(source.id)?.kind === 'hidden')
    return NOT_VISIBLE;
  const grant = (id: string) => found(known.integrations.get(id))?.spec;
  return refusal(domain, source, grant) ? 'no' : 'yes';
}

/** Of the namespace; undefined if it has none, or it cannot be seen. */
export function domainOf(known: Known): string | undefined {
  return found(known.ofNamespace)?.metadata.labels?.[DOMAIN_LABEL] || undefined;
}

/** What the status says about an older version of the reference is no news of this one. */
function stateOf(state: string | undefined, reference: SeenReference | SeenStorage): string {
  return state === undefined || !isCurrent(reference) ? 'not checked yet' : state;
}

export function isCurrent({
  metadata,
  status,
}: Pick<SeenReference | SeenStorage, 'metadata' | 'status'>): boolean {
  return metadata.generation === undefined || status?.observedGeneration === metadata.generation;
}
