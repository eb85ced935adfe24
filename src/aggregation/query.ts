import { StatusError } from './errors.ts';
import type { FieldRequirement } from './resource.ts';
import { fieldSelector, matchesNoLabels } from './selectors.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What of a query is understood; everything else in it is ignored, as kube-apiserver does. */
export interface ApiQuery {
  readonly watch: boolean;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly limit?: number;
  readonly continueToken?: string;
  readonly fieldSelector: readonly FieldRequirement[];
  /** Objects have no labels: false if the label selector can match none of them. */
  readonly matchesNoLabels: boolean;
  /** How much of the object a row of a Table carries. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

const VALIDATIONS: readonly string[] = ['Strict', 'Warn', 'Ignore'];
const INCLUDES: readonly string[] = ['None', 'Metadata', 'Object'];
const MAX_CONTINUE = 4096;

/** Throws StatusError BadRequest. `selectable`: the fields that a field selector may name. */
export function queryOf(search: string, selectable: readonly string[]): ApiQuery {
  const params = new URLSearchParams(search);
  const validation = params.get('fieldValidation') || 'Warn';
  if (!VALIDATIONS.includes(validation)) throw bad('fieldValidation must be Strict, Warn or Ignore');
  const include = params.get('includeObject') || 'Metadata';
  if (!INCLUDES.includes(include)) throw bad('includeObject must be None, Metadata or Object');
  const continueToken = params.get('continue') || undefined;
  if (continueToken !== undefined && continueToken.length > MAX_CONTINUE)
    throw bad('continue is not what a list has given back');
  const limit = limitOf(params.get('limit'));
  return {
    watch: isTrue(params.get('watch')),
    dryRun: dryRunOf(params.getAll('dryRun')),
    fieldValidation: validation as FieldValidation,
    ...(limit !== undefined && { limit }),
    ...(continueToken !== undefined && { continueToken }),
    fieldSelector: fieldSelector(params.get('fieldSelector') ?? '', selectable),
    matchesNoLabels: matchesNoLabels(params.get('labelSelector') ?? ''),
    includeObject: include as ApiQuery['includeObject'],
  };
}

/** Of the query, and of DeleteOptions. security: whoever misspells a dry run must not get a real one. */
export function dryRunOf(values: readonly unknown[]): boolean {
  if (values.some((value) => value !== 'All')) throw bad('dryRun must be All, or left out');
  return values.length > 0;
}

/** As Go reads a boolean parameter: it is enough that it is there. */
function isTrue(value: string | null): boolean {
  return value !== null && !['false', '0'].includes(value.toLowerCase());
}

/** 0 is no limit. */
function limitOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  const limit = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (limit === undefined) throw bad('limit must be a number that is not negative');
  return limit === 0 ? undefined : limit;
}

function bad(message: string): StatusError {
  return new StatusError('BadRequest', message);
}
