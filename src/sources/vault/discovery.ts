import { at } from '../../json/json.ts';
import type { Answer, FoundMount } from './faults.ts';
import { encodePath, type VaultPath } from './path.ts';

/** The mount that a path lies in, as Vault tells. */
export interface Mount extends FoundMount {
  readonly isKVv2: boolean;
  /** The path below `<mount>/data/`; undefined if what follows the mount is not that. */
  readonly secretPath?: string;
}

/**
 * Which mount the API path of a target lies in: only Vault knows whether `data` in it is the API's or part of a
 * name. Undefined if Vault does not tell, for it tells only those who may do something there.
 */
export async function askMount(
  { mount, secretPath }: VaultPath,
  get: (path: string) => Promise<Answer>,
): Promise<Mount | undefined> {
  const path = `${mount}/data/${secretPath}`;
  const { status, body } = await get(`sys/internal/ui/mounts/${encodePath(path)}`);
  const [type, found] = [at(body, 'data', 'type'), at(body, 'data', 'path')];
  if (status !== 200 || typeof type !== 'string' || typeof found !== 'string') return undefined;
  const name = found.replace(/\/$/, '');
  // It must be about this path: what follows is what Fairlead shows.
  if (!path.startsWith(`${name}/`)) return undefined;
  const version = at(body, 'data', 'options', 'version');
  const rest = path.slice(name.length + 1);
  const isKV = type === 'kv' && version === '2';
  const below = /^data\/(.+)$/.exec(rest)?.[1];
  return {
    mount: name,
    type,
    ...(typeof version === 'string' && { version }),
    isKVv2: isKV && below !== undefined,
    ...(below !== undefined && { secretPath: below }),
  };
}

/** The number of entries in a folder of a KV v2 mount; undefined if there is none, or Vault does not tell. */
export async function countEntries(
  { mount, secretPath }: VaultPath,
  get: (path: string) => Promise<Answer>,
): Promise<number | undefined> {
  const { status, body } = await get(`${encodePath(mount)}/metadata/${encodePath(secretPath)}/?list=true`);
  const keys = at(body, 'data', 'keys');
  return status === 200 && Array.isArray(keys) && keys.length > 0 ? keys.length : undefined;
}
