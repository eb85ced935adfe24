/**
 * docs/kinds/*.md: every field of a kind, from the same schema that the API server has. What a field means is
 * its description in src/api.
 */
import type { z } from 'zod';
import { openApiSchema } from '../../src/api/crd.ts';
import { API_VERSION } from '../../src/api/names.ts';
import type { KindDefinition, PrinterColumn } from '../../src/api/schema.ts';
import type { Schema as Checked } from '../../src/kubectl/lint/schema.ts';

/** As much of an OpenAPI schema as the kinds use: what lint checks, and what is there for people. */
export interface Schema extends Checked {
  readonly format?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** One row of the table. */
export interface Field {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly limits: string;
  readonly description: string;
}

/** The fields of an object, each before those in it, in the order of the schema. */
export function fieldsOf(schema: Schema, path: string): readonly Field[] {
  const inner = schema.type === 'array' ? schema.items : schema;
  const below = schema.type === 'array' ? `${path}[]` : path;
  return Object.entries(inner?.properties ?? {}).flatMap(([name, field]) => {
    const at = `${below}.${name}`;
    const { description = '' } = field;
    const required = inner?.required?.includes(name) === true;
    return [{ path: at, type: typeOf(field), required, limits: limitsOf(field), description }].concat(
      fieldsOf(field, at),
    );
  });
}

/** How people say what may stand there. */
export function typeOf(schema: Schema): string {
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}s`;
  if (schema.enum) return 'choice';
  if (schema.format === 'date-time') return 'time';
  return schema.type ?? 'any';
}

/** Lengths, bounds, choices and the messages of the rules of a field; of a list also those of its items. */
export function limitsOf(schema: Schema): string {
  const own = [
    schema.enum && schema.enum.map((value) => `\`${value}\``).join(', '),
    range(schema.minItems, schema.maxItems, 'item', 'items'),
    range(schema.minLength, schema.maxLength, 'character', 'characters'),
    range(schema.minimum, schema.maximum, '', ''),
    schema.pattern && `matches \`${schema.pattern}\``,
    schema['x-kubernetes-list-type'] === 'set' && 'each once',
    schema['x-kubernetes-list-map-keys'] &&
      `each \`${schema['x-kubernetes-list-map-keys'].join('`, `')}\` once`,
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
  ];
  const items = schema.type === 'array' ? limitsOf(schema.items ?? {}) : '';
  return [...own, items && `each: ${items}`].filter(Boolean).join('; ');
}

function range(min: number | undefined, max: number | undefined, one: string, many: string): string {
  const bounds =
    max === undefined ? min !== undefined && `at least ${min}` : min ? `${min} to ${max}` : `at most ${max}`;
  return bounds ? `${bounds} ${bounds.endsWith(' 1') ? one : many}`.trim() : '';
}

/** A text as the cell of a Markdown table: nothing in it ends the cell or is taken for markup. */
export function cell(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll(/[\\<*_[\]]/g, '\\$&')))
    .join('')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');
}

/** A kind with a CRD, or one of the API for keys, which may have no status and no columns of this sort. */
type Shown = Pick<
  KindDefinition<z.ZodType, z.ZodType>,
  'kind' | 'plural' | 'description' | 'spec' | 'rules'
> &
  Partial<Pick<KindDefinition<z.ZodType, z.ZodType>, 'shortNames' | 'status' | 'columns'>>;

export interface KindPage {
  readonly kind: Shown;
  /** Default: that of the CRDs. */
  readonly apiVersion?: string;
  /** Links to the prose, as Markdown. */
  readonly more: readonly string[];
  readonly sample?: string;
}

/** The page of one kind. */
export function kindPage({ kind, apiVersion = API_VERSION, more, sample }: KindPage): string {
  const spec = openApiSchema(kind.spec) as Schema;
  const status = kind.status && (openApiSchema(kind.status) as Schema);
  const rules = [...rulesOf(kind.rules), ...rulesOf(spec)];
  return [
    '<!-- Generated from src/api by hack/docs/fields.ts; do not edit. -->',
    '',
    `# ${kind.kind}: fields`,
    '',
    cell(kind.description),
    '',
    '|  |  |',
    '| --- | --- |',
    `| apiVersion | \`${apiVersion}\` |`,
    `| kind | \`${kind.kind}\` |`,
    `| for kubectl | \`${[kind.plural, ...(kind.shortNames ?? [])].join('`, `')}\` |`,
    `| in words | ${more.join(', ')} |`,
    ...(sample === undefined ? [] : [`| sample | [${sample}](../../${sample}) |`]),
    '',
    'Also by `kubectl explain`. No field has a default that the API server writes.',
    '',
    '## Spec',
    '',
    '"needed": wherever the object around the field is there.',
    '',
    ...table(fieldsOf(spec, 'spec'), true),
    '',
    ...(rules.length > 0
      ? ['Over several fields:', '', ...rules.map((message) => `- ${cell(message)}`), '']
      : []),
    ...(status ? statusLines(status) : []),
    ...(kind.columns ? columnLines(kind.columns) : []),
  ].join('\n');
}

function statusLines(status: Schema): readonly string[] {
  return [
    '## Status',
    '',
    `Written by Fairlead${status.properties?.['conditions'] ? '; `Ready` sums it up' : ''}. The reasons are in [reasons.md](../reasons.md).`,
    '',
    ...table(fieldsOf(status, 'status'), false),
    '',
  ];
}

function columnLines(columns: readonly PrinterColumn[]): readonly string[] {
  const names = columns.map(({ name, priority = 0 }) => (priority > 0 ? `(${name})` : name));
  return [
    '## Columns',
    '',
    'What `kubectl get` shows; those in brackets with `-o wide`:',
    `${names.join(', ')}.`,
    '',
  ];
}

function rulesOf(schema: Schema | undefined): readonly string[] {
  return (schema?.['x-kubernetes-validations'] ?? []).map(({ message }) => message);
}

function table(fields: readonly Field[], needed: boolean): readonly string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['field', 'type', ...(needed ? ['needed'] : []), 'limits', 'meaning'];
  return [
    row(head),
    row(head.map(() => '---')),
    ...fields.map(({ path, type, required, limits, description }) =>
      row([`\`${path}\``, type, ...(needed ? [required ? 'yes' : ''] : []), cell(limits), cell(description)]),
    ),
  ];
}
