import { StatusError, type FieldCause } from '../../aggregation/errors.ts';
import { KEYS_GROUP } from '../../api/names.ts';
import { secretKey } from '../../api/secret-key.ts';
import { AuditError } from '../../audit/errors.ts';
import { whyRefused } from '../../controllers/why-refused.ts';
import { KubeError } from '../../kube/errors.ts';
import { shown } from '../../resolve/problem.ts';

const RESOURCE = `${secretKey.plural}.${KEYS_GROUP}`;

export function notFound(name: string): StatusError {
  return new StatusError('NotFound', `${RESOURCE} "${shown(name)}" not found`, named(name));
}

export function alreadyExists(name: string): StatusError {
  return new StatusError('AlreadyExists', `${RESOURCE} "${shown(name)}" already exists`, named(name));
}

export function forbidden(name: string, why: string): StatusError {
  return new StatusError('Forbidden', `${RESOURCE} "${shown(name)}" is forbidden: ${why}`, named(name));
}

/** Of a body; kubectl shows the causes one by one. */
export function invalid(name: string, causes: readonly FieldCause[]): StatusError {
  const told = causes.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new StatusError('Invalid', `${RESOURCE} "${shown(name)}" is invalid: ${told}`, {
    ...named(name),
    causes,
  });
}

function named(name: string) {
  return { name, kind: secretKey.plural };
}

/** What clients are told of a failure that is none of theirs; whatever else was thrown stays as it is. */
export function asStatus(error: unknown): unknown {
  if (error instanceof AuditError) {
    const message = `Fairlead does nothing that its audit does not show, and ${error.message}`;
    return new StatusError('ServiceUnavailable', message, { retryAfterSeconds: 5 });
  }
  if (!(error instanceof KubeError) || error.code === 'Aborted') return error;
  const message = `Fairlead needs an answer of the API server: ${whyRefused(error)}`;
  return new StatusError('ServiceUnavailable', message, retryAfter(error));
}

export function retryAfter({ retryAfterMs }: KubeError): { readonly retryAfterSeconds?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) };
}
