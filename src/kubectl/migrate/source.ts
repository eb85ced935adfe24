import { GLOBAL } from '../../api/names.ts';
import { SOURCE_TYPES, type SecretObject } from '../../api/secret-object.ts';
import { usageError } from '../cli/exit.ts';

type Source = SecretObject['source'];

const ID = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
const KEY = /^[-._a-zA-Z0-9]+$/;

/** Where the value of a placeholder's key comes from, from now on. */
export interface Mapping {
  readonly secretFor: (key: string) => SecretObject;
  /** Keys that --map names. */
  readonly mapped: readonly string[];
}

/**
 * `--source TYPE:id` for all keys, and `--map KEY=TYPE:id[:otherkey]` for single ones. A placeholder has always been a
 * key of the global store, so that is the default. Throws PluginError Usage.
 */
export function parseMapping(source: string | undefined, map: readonly string[]): Mapping {
  const common: Source =
    source === undefined ? { type: 'KUBERNETES', id: GLOBAL } : parseSource(source, '--source');
  const own = new Map<string, SecretObject>();
  for (const text of map) {
    const at = text.indexOf('=');
    const key = text.slice(0, Math.max(at, 0));
    const [, place = '', other] = /^([^:]*:[^:]*)(?::(.+))?$/s.exec(text.slice(at + 1)) ?? [];
    if (!KEY.test(key) || place === '') throw usageError('--map must be KEY=TYPE:id or KEY=TYPE:id:otherkey');
    if (own.has(key)) throw usageError('--map names a key twice');
    own.set(key, { key: other ?? key, source: parseSource(place, '--map') });
  }
  return { secretFor: (key) => own.get(key) ?? { key, source: common }, mapped: [...own.keys()] };
}

function parseSource(text: string, flag: string): Source {
  const [type, id = '', ...rest] = text.split(':');
  const known = SOURCE_TYPES.find((one) => one === type);
  if (!known || !ID.test(id) || rest.length > 0)
    throw usageError(
      `${flag} needs ${SOURCE_TYPES.join(' or ')}, a colon and an id, such as KUBERNETES:global`,
    );
  return { type: known, id };
}
