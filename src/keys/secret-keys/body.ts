import type { FieldCause } from '../../aggregation/errors.ts';
import { MAX_VALUE_BYTES, secretKey } from '../../api/secret-key.ts';
import { invalid } from './errors.ts';
import { decodeName, encodeName, isStoreKey, type KeyRef } from './name.ts';

/** What is to be written. */
export interface Draft extends KeyRef {
  readonly name: string;
  readonly value: string;
  readonly warnings: readonly string[];
}

/** Of metadata: nothing of a key is stored but its value. */
const NOT_KEPT = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;
/** There is nothing that they could be compared with. */
const NOT_HERE = ['resourceVersion', 'uid'] as const;
const NAME_HELP = "must be kubernetes:<the namespace's domain>:<key>";
const KEY_HELP =
  "must be the key of a Secret: 1 to 253 letters, digits, '-', '_' and '.', neither '.' nor beginning with '..'";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The body of a create, or of an update of `name`. Throws StatusError Invalid with everything that is wrong with it;
 * no message repeats a part of the body but the name.
 */
export function readBody(body: unknown, name?: string): Draft {
  const causes: FieldCause[] = [];
  const blame = (field: string, reason: FieldCause['reason'], message: string) =>
    void causes.push({ field, reason, message });
  const { metadata, spec } = fields(body);
  const meta = fields(metadata);
  const named = name ?? (typeof meta['name'] === 'string' ? meta['name'] : '');

  if (name !== undefined && has(meta, 'name') && meta['name'] !== name)
    blame('metadata.name', 'FieldValueInvalid', 'must be the name in the URL');
  if (has(meta, 'generateName'))
    blame('metadata.generateName', 'FieldValueForbidden', 'the name says which key it is');
  for (const field of NOT_HERE) {
    if (has(meta, field))
      blame(`metadata.${field}`, 'FieldValueForbidden', `keys have none: the last write counts`);
  }

  const { secret, value } = readSpec(spec, blame);
  const byName = named === '' ? undefined : decodeName(named);
  if (named !== '' && !byName) blame('metadata.name', 'FieldValueInvalid', NAME_HELP);
  if (byName && secret && encodeName(secret) !== named)
    blame('spec.secret', 'FieldValueInvalid', 'must be the key that metadata.name names, or be left out');
  const ref = byName ?? secret;
  if (!ref && causes.length === 0) blame('spec.secret', 'FieldValueRequired', 'or metadata.name');
  if (ref?.source.type === 'KUBERNETES' && !isStoreKey(ref.key))
    blame(secret ? 'spec.secret.key' : 'metadata.name', 'FieldValueInvalid', KEY_HELP);
  if (!ref || value === undefined || causes.length > 0)
    throw invalid(named || (secret ? encodeName(secret) : ''), causes);

  const dropped = NOT_KEPT.filter((field) => has(meta, field)).map((field) => `metadata.${field}`);
  const warnings = dropped.length > 0 ? [`not kept, since a key is no object: ${dropped.join(', ')}`] : [];
  return { ...ref, name: encodeName(ref), value, warnings };
}

type Blame = (field: string, reason: FieldCause['reason'], message: string) => void;

function readSpec(spec: unknown, blame: Blame): { secret?: KeyRef; value?: string } {
  const { value } = fields(spec);
  const secret = readSecret(fields(spec)['secret'], blame);
  if (value === undefined || value === null) blame('spec.value', 'FieldValueRequired', 'the new value');
  else if (typeof value !== 'string') blame('spec.value', 'FieldValueInvalid', 'must be a text');
  else if (!value.isWellFormed()) blame('spec.value', 'FieldValueInvalid', 'must be Unicode text');
  else if (Buffer.byteLength(value) > MAX_VALUE_BYTES)
    blame('spec.value', 'FieldValueTooLong', `must have at most ${MAX_VALUE_BYTES} bytes`);
  else return { ...(secret && { secret }), value };
  return { ...(secret && { secret }) };
}

function readSecret(secret: unknown, blame: Blame): KeyRef | undefined {
  if (secret === undefined || secret === null) return undefined;
  const parsed = secretKey.spec.shape.secret.safeParse(secret);
  if (parsed.success) return parsed.data;
  // Of zod's issues the places alone: its messages may quote what they are about.
  const places = new Set(parsed.error.issues.map(({ path }) => ['spec.secret', ...path].join('.')));
  for (const place of places) blame(place, 'FieldValueInvalid', 'is not as kubectl explain says');
  return undefined;
}

/** Whatever is no object has no fields. */
function fields(of: unknown): Fields {
  return typeof of === 'object' && of !== null && !Array.isArray(of) ? (of as Fields) : {};
}

/** kubectl sends empty ones, and they say nothing. */
function has(of: Fields, field: string): boolean {
  const value = Object.hasOwn(of, field) ? of[field] : undefined;
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
