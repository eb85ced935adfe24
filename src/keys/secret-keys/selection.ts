import { StatusError } from '../../aggregation/errors.ts';
import type { FieldRequirement } from '../../aggregation/resource.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import { encodeName, namePrefix, type KeyRef } from './name.ts';

/** What a field selector lets through. */
export interface Selection {
  readonly namespace: (name: string) => boolean;
  /** False only if no key of the source can be let through, so that it need not be read. */
  readonly source: (source: Source) => boolean;
  readonly key: (item: KeyRef & { readonly namespace: string }) => boolean;
  /** Just one key is asked for by its name: `kubectl delete` does, to see whether it is gone. */
  readonly isByName: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  'source.type': 'spec.secret.source.type',
  'source.id': 'spec.secret.source.id',
  key: 'spec.secret.key',
};

/** Beside metadata.name and metadata.namespace. */
export const SELECTABLE: readonly string[] = [...Object.values(SHORT), ...Object.keys(SHORT)];

/** Throws StatusError BadRequest for a field that cannot be selected by. */
export function selection(requirements: readonly FieldRequirement[]): Selection {
  const all = requirements.map((one) => ({ ...one, field: SHORT[one.field] ?? one.field }));
  const holds = (field: string, actual: string) =>
    all.every((one) => one.field !== field || (one.value === actual) === one.equals);
  const known = new Set(['metadata.name', 'metadata.namespace', ...Object.values(SHORT)]);
  if (all.some(({ field }) => !known.has(field))) {
    const fields = ['metadata.name', 'metadata.namespace', ...SELECTABLE].join(', ');
    throw new StatusError('BadRequest', `the field selector may name these fields: ${fields}`);
  }
  const names = all.filter(({ field, equals }) => field === 'metadata.name' && equals);
  return {
    namespace: (name) => holds('metadata.namespace', name),
    source: (source) =>
      holds('spec.secret.source.type', source.type) &&
      holds('spec.secret.source.id', source.id) &&
      names.every(({ value }) => value.startsWith(namePrefix(source))),
    // Nearly every list has no such requirement, and a page has hundreds of keys.
    key:
      all.length === 0
        ? () => true
        : (item) => holds('spec.secret.key', item.key) && holds('metadata.name', encodeName(item)),
    isByName: names.length > 0,
  };
}
