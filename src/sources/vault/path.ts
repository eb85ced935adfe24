/** Where a KV v2 secret lives. */
export interface VaultPath {
  /** The mount as people write it: `secret` or `team/kv`. */
  readonly mount: string;
  /** The path below the mount: `production/app`. */
  readonly secretPath: string;
}

/** What a path must look like, for messages. */
export const PATH_HELP =
  "spec.path must be the API path of a KV v2 secret, [/v1/]<mount>/data/<path>, without empty segments, '.', '..', '?', '#', '%' or a backslash";

/** A server resolves or decodes these, and the request would reach another path than the one that was checked. */
const FORBIDDEN = /[?#%\\]/;

/**
 * Splits `[/v1/]<mount>/data/<path>` at the first `data` that has a mount before it. Undefined if it is not such
 * a path or could be understood as another one.
 */
export function parsePath(text: string): VaultPath | undefined {
  const given = text.replaceAll(/^\/|\/$/g, '').split('/');
  if (!given.every(isPlain)) return undefined;
  // A mount may itself be called v1: then there is nothing to leave out.
  const segments = given[0] === 'v1' && given[1] !== 'data' ? given.slice(1) : given;
  const data = segments.indexOf('data', 1);
  if (data === -1 || data === segments.length - 1) return undefined;
  return { mount: segments.slice(0, data).join('/'), secretPath: segments.slice(data + 1).join('/') };
}

/** A place below an integration's path. */
export interface Place {
  /** Relative, as parseBelow() takes it. */
  readonly path?: string | undefined;
  /** Of the KV v2 secret; absent: the latest. */
  readonly version?: number | undefined;
}

/** What `secret.path` must look like, for messages. */
export const BELOW_HELP =
  "secret.path must be a path below the integration's, without empty segments, '.', '..', '?', '#', '%' or a backslash";

/** The path of a place below another; undefined if it could be understood as leading elsewhere. */
export function parseBelow(path: VaultPath, below: string | undefined): VaultPath | undefined {
  if (below === undefined) return path;
  const relative = below.replaceAll(/^\/|\/$/g, '');
  if (!isPlainPath(relative)) return undefined;
  return { mount: path.mount, secretPath: `${path.secretPath}/${relative}` };
}

/** The path below /v1/ with every segment encoded, so that no character of it changes where it leads. */
export function apiPath({ mount, secretPath }: VaultPath): string {
  return `${encodePath(mount)}/data/${encodePath(secretPath)}`;
}

export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** True for a mount path of which every segment stands for itself. */
export function isPlainPath(path: string): boolean {
  return path.split('/').every(isPlain);
}

function isPlain(segment: string): boolean {
  return (
    segment !== '' &&
    segment !== '.' &&
    segment !== '..' &&
    segment.isWellFormed() &&
    !FORBIDDEN.test(segment)
  );
}
