import { GLOBAL, LIMITS, PLACEHOLDER_VARIABLE_PREFIX } from '../api/names.ts';
import type { EnvEntry, SecretObject } from '../api/secret-reference.ts';
import type { Problem } from './problem.ts';

/** One variable that a workload asks for. */
export interface Wanted {
  readonly name: string;
  readonly secret: SecretObject;
  readonly optional: boolean;
}

export interface WantedSet {
  readonly variables: readonly Wanted[];
  readonly problems: readonly Problem[];
}

/** What a reference says, as far as the resolver cares. */
export interface ReferenceEntries {
  readonly name: string;
  readonly env: readonly EnvEntry[];
}

/**
 * Merges what several references and the placeholders of a pod ask for. The same name with the same source is
 * one variable; with different sources it is a conflict, and no order decides silently. Required wins over optional.
 */
export function collectWanted(
  references: readonly (ReferenceEntries | { readonly missing: string })[],
  placeholderKeys: readonly string[],
): WantedSet {
  const variables = new Map<string, Wanted & { from: string }>();
  const problems: Problem[] = [];
  if (references.length > LIMITS.referencesPerPod) {
    problems.push({
      reason: 'QuotaExceeded',
      message: `the pod names ${references.length} SecretReferences; at most ${LIMITS.referencesPerPod} are allowed`,
    });
  }
  for (const reference of references.slice(0, LIMITS.referencesPerPod)) {
    if ('missing' in reference) {
      problems.push({
        reason: 'ReferenceNotFound',
        message: `SecretReference ${reference.missing} does not exist in this namespace`,
      });
      continue;
    }
    problems.push(...tooManyIntegrations(reference));
    for (const { name, secret, optional } of reference.env) {
      const wanted = { name, secret, optional: optional === true, from: reference.name };
      const known = variables.get(name);
      if (!known) variables.set(name, wanted);
      else if (sameSecret(known.secret, secret))
        variables.set(name, { ...known, optional: known.optional && wanted.optional });
      else problems.push(conflict(wanted, known.from));
    }
  }
  for (const wanted of placeholderKeys.map(placeholderVariable))
    variables.set(wanted.name, { ...wanted, from: 'placeholders' });
  return { variables: [...variables.values()], problems };
}

/** A legacy `${secrets.key}`: always the global store, never Vault, never optional. */
export function placeholderVariable(key: string): Wanted {
  return {
    name: PLACEHOLDER_VARIABLE_PREFIX + key,
    secret: { key, source: { type: 'KUBERNETES', id: GLOBAL } },
    optional: false,
  };
}

function conflict(wanted: Wanted & { from: string }, other: string): Problem {
  const where =
    other === wanted.from
      ? `twice in SecretReference ${other}`
      : `in SecretReferences ${other} and ${wanted.from}`;
  return {
    reason: 'NameConflict',
    entry: wanted.name,
    secret: wanted.secret,
    message: `is defined ${where} with different sources`,
  };
}

function tooManyIntegrations(reference: ReferenceEntries): Problem[] {
  const ids = new Set(
    reference.env.filter((e) => e.secret.source.type === 'VAULT').map((e) => e.secret.source.id),
  );
  if (ids.size <= LIMITS.integrationsPerReference) return [];
  return [
    {
      reason: 'QuotaExceeded',
      message: `SecretReference ${reference.name} names ${ids.size} integrations; at most ${LIMITS.integrationsPerReference} are allowed`,
    },
  ];
}

function sameSecret(a: SecretObject, b: SecretObject): boolean {
  return a.key === b.key && a.source.type === b.source.type && a.source.id === b.source.id;
}
