import type { z } from 'zod';
import { connectionTestSpec, type ConnectionTestSpec } from '../../api/connection-test.ts';
import { StatusError, type FieldCause } from '../../aggregation/errors.ts';
import { parsePath, PATH_HELP } from '../../sources/vault/path.ts';
import { refusedNamespace } from '../../sources/vault/target.ts';

export type Parsed =
  | {
      readonly kind: 'reference';
      readonly name: string;
      readonly path?: string | undefined;
      readonly namespace?: string | undefined;
    }
  | { readonly kind: 'inline'; readonly integration: NonNullable<ConnectionTestSpec['integration']> };

/** What a test is about. Throws StatusError Invalid with a cause for each field; none quotes what stands there. */
export function parseTest(body: unknown): Parsed {
  const given = (body as { spec?: unknown } | undefined)?.spec;
  const parsed = connectionTestSpec.safeParse(given);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => causeOf(issue, given)));
  const { integrationRef, integration, path, namespace } = parsed.data;
  if ((integrationRef === undefined) === (integration === undefined)) {
    const message = 'must have either integrationRef or integration';
    throw invalid([{ field: 'spec', reason: 'FieldValueInvalid', message }]);
  }
  if (integration) {
    const extra = Object.entries({ path, namespace }).filter(([, value]) => value !== undefined);
    if (extra.length > 0) throw invalid(extra.map(([name]) => forbidden(name)));
    return { kind: 'inline', integration };
  }
  const name = integrationRef?.name ?? '';
  const causes = [...nameCauses(name), ...placeCauses(path, namespace)];
  if (causes.length > 0) throw invalid(causes);
  return { kind: 'reference', name, path, namespace };
}

export function invalid(causes: readonly FieldCause[]): StatusError {
  const list = causes.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new StatusError('Invalid', `ConnectionTest is invalid: ${list}`, {
    kind: 'connectiontests',
    causes,
  });
}

function forbidden(name: string): FieldCause {
  const message = `belongs to integrationRef; an inline integration has its own spec.integration.${name}`;
  return { field: `spec.${name}`, reason: 'FieldValueForbidden', message };
}

function nameCauses(name: string): readonly FieldCause[] {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return [];
  const message = "must be a DNS name: lower case letters, digits, '-' and '.'";
  return [{ field: 'spec.integrationRef.name', reason: 'FieldValueInvalid', message }];
}

/** The rules of spec.path and spec.namespace of an integration. */
export function placeCauses(
  path: string | undefined,
  namespace: string | undefined,
  prefix = 'spec',
): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  if (path !== undefined && !parsePath(path)) {
    const message = PATH_HELP.replace('spec.path ', '');
    causes.push({ field: `${prefix}.path`, reason: 'FieldValueInvalid', message });
  }
  if (refusedNamespace(namespace?.replace(/\/$/, ''))) causes.push(namespaceCause(`${prefix}.namespace`));
  return causes;
}

export function namespaceCause(field: string): FieldCause {
  const message = 'must be a HashiCorp namespace path such as team-a or team-a/dev';
  return { field, reason: 'FieldValueInvalid', message };
}

/** In words of ours: those of the library may quote the value. */
function causeOf(issue: z.core.$ZodIssue, given: unknown): FieldCause {
  const field = ['spec', ...issue.path].map(String).join('.');
  const isThere = valueAt(given, issue.path) !== undefined;
  if (!isThere) return { field, reason: 'FieldValueRequired', message: 'is required' };
  if (issue.code === 'too_big') {
    const unit = issue.origin === 'string' ? 'characters' : 'items';
    return { field, reason: 'FieldValueTooLong', message: `must have at most ${issue.maximum} ${unit}` };
  }
  const message =
    issue.code === 'too_small'
      ? 'must not be empty'
      : issue.code === 'invalid_type'
        ? `must be of type ${issue.expected}`
        : 'has a value that is not allowed here';
  return { field, reason: 'FieldValueInvalid', message };
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let found = given;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}
