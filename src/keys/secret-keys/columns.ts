import type { ApiObject, Column } from '../../aggregation/resource.ts';
import { printable } from '../../resolve/problem.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import { encodeName, type KeyRef } from './name.ts';

/** A key as clients see it. There is no value in it, and no resourceVersion or uid: nothing of it is stored. */
export function keyObject({ namespace, key, source }: KeyRef & { readonly namespace: string }): ApiObject {
  const { type, id } = source;
  const ref = { key, source: { type, id } };
  return { metadata: { name: encodeName(ref), namespace }, spec: { secret: ref } };
}

const secretOf = ({ spec }: ApiObject) => (spec as { secret: { key: string; source: Source } }).secret;

/** In Vault a key is called what somebody likes: a terminal gets no control characters of it. */
export const COLUMNS: readonly Column[] = [
  {
    name: 'Key',
    description: 'The key in its source.',
    priority: 0,
    cell: (object) => printable(secretOf(object).key),
  },
  {
    name: 'Source',
    description: 'KUBERNETES or VAULT.',
    priority: 0,
    cell: (object) => secretOf(object).source.type,
  },
  {
    name: 'ID',
    description: 'A domain, global, or the name of a VaultIntegration.',
    priority: 0,
    cell: (object) => secretOf(object).source.id,
  },
  {
    name: 'Name',
    description: 'What kubectl get and delete call it.',
    priority: 1,
    cell: ({ metadata }) => printable(metadata.name ?? ''),
  },
];
