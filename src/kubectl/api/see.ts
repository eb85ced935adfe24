import { KubeError } from '../../kube/errors.ts';
import type { ObjectRef, Resource } from '../../kube/objects.ts';
import type { Api } from './api.ts';

/** An object as far as the caller may see it: what is hidden is said to be hidden, and with which right it is not. */
export type Seen<T> =
  | { readonly kind: 'found'; readonly object: T }
  | { readonly kind: 'absent' }
  | { readonly kind: 'hidden'; readonly needs: string };

/** Rejects with KubeError for everything but "it is not there" and "you may not". */
export async function see<T>(api: Pick<Api, 'get'>, resource: Resource, ref: ObjectRef): Promise<Seen<T>> {
  try {
    return { kind: 'found', object: await api.get<T>(resource, ref) };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.code === 'NotFound') return { kind: 'absent' };
    if (error.code === 'Forbidden') return { kind: 'hidden', needs: rightTo('get', resource, ref.namespace) };
    throw error;
  }
}

/** `get vaultintegrations in fairlead-system`. */
export function rightTo(verb: string, { plural, group }: Resource, namespace?: string): string {
  const what = group === '' || group === 'fairlead.dev' ? plural : `${plural}.${group}`;
  return `${verb} ${what}${namespace === undefined ? '' : ` in ${namespace}`}`;
}

export function hiddenText(needs: string): string {
  return `not visible to you (needs ${needs})`;
}

export function found<T>(seen: Seen<T> | undefined): T | undefined {
  return seen?.kind === 'found' ? seen.object : undefined;
}
