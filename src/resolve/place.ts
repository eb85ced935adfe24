import type { SecretObject, SourceType } from '../api/secret-reference.ts';

/** Also what stands in a StorageConfig itself, which no secret object can name: STORAGE, by the name of the config. */
export type SourceKind = SourceType | 'STORAGE';

export interface Source {
  readonly type: SourceKind;
  readonly id: string;
}

/** A secret object as the API has it, or one of ours for what stands in a StorageConfig. */
export type SecretSpot = Omit<SecretObject, 'source'> & { readonly source: Source };

/** `VAULT/vault-prod`: a source as a whole. Permissions and wake-ups go by it. */
export type SourceKey = `${SourceKind}/${string}`;

/** `VAULT/vault-prod/db/main@3`: a place in a source. Answers and provenance go by it. */
export type PlaceKey = `${SourceKind}/${string}`;

/** What is asked at once: a source, for VAULT perhaps another path below it or a version that is not the latest. */
export interface Place {
  readonly source: Source;
  /** Without slashes around it. */
  readonly path?: string;
  readonly version?: number;
}

/** What a secret object and an import say of their place. */
interface Placed {
  readonly source: Source;
  readonly path?: string | undefined;
  readonly version?: number | undefined;
}

export function sourceKey({ type, id }: Source): SourceKey {
  return `${type}/${id}`;
}

/** The place that a secret object or an import reads; `/db/main/` and `db/main` are the same. */
export function placeOf({ source, path, version }: Placed): Place {
  return {
    source,
    ...(path !== undefined && { path: path.replaceAll(/^\/|\/$/g, '') }),
    ...(version !== undefined && { version }),
  };
}

/** The same key only for the same place, so a path that has an `@` or a comma shows it encoded. */
export function placeKey({ source, path, version }: Place): PlaceKey {
  const below = path === undefined ? '' : `/${path.replaceAll(/[%@,]/g, encodeURIComponent)}`;
  return `${sourceKey(source)}${below}${version === undefined ? '' : `@${version}`}`;
}

/** Where a value came from: the place, with the version that was read. */
export function provenanceOf(place: Place, read: number | undefined): string {
  return placeKey(read === undefined ? place : { ...place, version: read });
}

/** Whether two secret objects name one value. */
export function sameSecret(a: SecretSpot, b: SecretSpot): boolean {
  return a.key === b.key && a.property === b.property && placeKey(placeOf(a)) === placeKey(placeOf(b));
}
